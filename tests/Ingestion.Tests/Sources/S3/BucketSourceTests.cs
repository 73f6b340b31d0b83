using RagCluster.Ingestion.Sources;
using RagCluster.Ingestion.Sources.S3;
using RagCluster.TestKit.Web;

namespace RagCluster.Ingestion.Tests.Sources.S3;

public sealed class BucketSourceTests : IDisposable
{
    private readonly List<BucketClient> _clients = [];
    private readonly MemoryCheckpoints _checkpoints = new();

    [Fact]
    public async Task A_listing_of_several_pages_is_read_with_its_odd_keys()
    {
        await using var bucket = new StandInBucket();
        string[] keys = ["a b/ü + ~.md", "a b/%41.txt", "a/../b.txt", "one.txt", "two.txt", "three.txt", "x&y=<z>.txt"];
        foreach (var key in keys)
        {
            bucket.Objects[key] = Bytes(key);
        }

        bucket.Objects["folder/"] = [];
        bucket.Objects["picture.png"] = [1];
        var items = await ReadAsync(bucket);
        items.OfType<SourceDocument>().Select(d => d.Name).Order(StringComparer.Ordinal).ShouldBe(keys.Order(StringComparer.Ordinal));
        foreach (var document in items.OfType<SourceDocument>())
        {
            await using var content = await document.OpenAsync(TestContext.Current.CancellationToken);
            using var reader = new StreamReader(content);
            (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldBe(document.Name);
            document.Uri.ShouldStartWith("s3://docs/");
        }
    }

    [Fact]
    public async Task What_is_the_same_does_not_come_again_and_what_is_gone_is_removed()
    {
        await using var bucket = new StandInBucket();
        bucket.Objects["in/a.txt"] = Bytes("a");
        bucket.Objects["in/b c.txt"] = Bytes("b");
        bucket.Objects["out/c.txt"] = Bytes("c");
        (await ReadAsync(bucket)).Count.ShouldBe(2);
        (await ReadAsync(bucket)).ShouldBeEmpty();
        bucket.Objects["in/a.txt"] = Bytes("changed");
        bucket.Objects.Remove("in/b c.txt");
        var items = await ReadAsync(bucket);
        items.OfType<SourceDocument>().Single().Name.ShouldBe("in/a.txt");
        items.OfType<SourceRemoved>().Single().ShouldBe(new SourceRemoved("s3://docs/in/b%20c.txt", "in/b c.txt"));
        bucket.Gets.ShouldBeEmpty("nothing is read that nobody asked for");

        // A listing that fails removes nothing.
        bucket.Broken = SiteResponse.Text("<Error><Code>SlowDown</Code><Message>Later.</Message></Error>", 503);
        (await ReadAsync(bucket)).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe("SlowDown");
        bucket.Broken = null;
        (await ReadAsync(bucket)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_object_that_changed_since_it_was_listed_is_not_read_as_the_old_one()
    {
        await using var bucket = new StandInBucket();
        bucket.Objects["in/a.txt"] = Bytes("a");
        var document = (await ReadAsync(bucket)).OfType<SourceDocument>().Single();
        bucket.Objects["in/a.txt"] = Bytes("b");
        (await Should.ThrowAsync<BucketException>(async () => await document.OpenAsync(TestContext.Current.CancellationToken))).Code.ShouldBe("PreconditionFailed");
    }

    [Fact]
    public async Task Wrong_keys_missing_buckets_and_other_servers_are_told()
    {
        await using var bucket = new StandInBucket();
        bucket.Objects["in/a.txt"] = Bytes("a");
        var wrong = await ReadAsync(bucket, credentials: new AwsCredentials("AKIATEST", "wrong"));
        wrong.ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Detail.ShouldContain("SignatureDoesNotMatch");
        ((SourceProblem)wrong[0]).Detail.ShouldContain("Look at the access key");
        (await ReadAsync(bucket, name: "other")).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe("NoSuchBucket");
        foreach (var answer in new[] { SiteResponse.Html("<html></html>"), SiteResponse.Text("no xml"), SiteResponse.Text("<!DOCTYPE x><ListBucketResult/>"), SiteResponse.Text("<ListBucketResult><Contents><Size>x</Size></Contents></ListBucketResult>") })
        {
            bucket.Broken = answer;
            (await ReadAsync(bucket)).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe("malformed");
        }
    }

    [Fact]
    public async Task A_public_bucket_is_read_without_a_signature_and_large_objects_are_left()
    {
        await using var bucket = new StandInBucket { IsPrivate = false };
        bucket.Objects["in/a.txt"] = Bytes("a");
        bucket.Objects["in/large.txt"] = new byte[2_000];
        var items = await ReadAsync(bucket, anonymous: true);
        items.OfType<SourceDocument>().Single().Name.ShouldBe("in/a.txt");
        items.OfType<SourceProblem>().Single().Code.ShouldBe("too-large");
    }

    public void Dispose() => _clients.ForEach(client => client.Dispose());

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private async Task<List<SourceItem>> ReadAsync(StandInBucket bucket, AwsCredentials? credentials = null, string name = "docs", bool anonymous = false)
    {
        var client = new BucketClient(
            new BucketOptions { Endpoint = bucket.Url, Bucket = name, Region = "eu-central-1", Credentials = anonymous ? null : credentials ?? StandInBucket.Credentials }, TimeProvider.System);
        _clients.Add(client);
        var prefix = bucket.Objects.ContainsKey("in/a.txt") || bucket.Objects.ContainsKey("in/b c.txt") ? "in/" : "";
        var source = new BucketSource(
            new BucketSourceOptions { Name = "s3", Bucket = name, Prefix = prefix, MaxBytes = 1_000 }, client, TimeProvider.System, _checkpoints);
        var items = new List<SourceItem>();
        await foreach (var item in source.ReadAsync(TestContext.Current.CancellationToken))
        {
            items.Add(item);
            source.Settled(item, Settlement.Durable);
        }

        return items;
    }
}
