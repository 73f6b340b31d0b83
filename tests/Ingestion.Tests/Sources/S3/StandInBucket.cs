using System.Globalization;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using RagCluster.Ingestion.Sources.S3;
using RagCluster.TestKit.Web;

namespace RagCluster.Ingestion.Tests.Sources.S3;

/// <summary>
/// A bucket behind S3's protocol: ListObjectsV2 in pages of a few, GetObject, and signatures that must be right. They are
/// computed from what arrives on the wire, with the library's own signer, whose sums the published vectors check.
/// </summary>
internal sealed class StandInBucket : IAsyncDisposable
{
    public static readonly AwsCredentials Credentials = new("AKIATEST", "a/secret+key");

    private const int PageSize = 3;

    private readonly LoopbackSite _site;

    public StandInBucket() => _site = new LoopbackSite(Answer);

    public SortedDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Whoever asks must sign.</summary>
    public bool IsPrivate { get; init; } = true;

    /// <summary>Answers everything with this instead.</summary>
    public SiteResponse? Broken { get; set; }

    public Uri Url => new(_site.Url, "");

    public IEnumerable<string> Gets => _site.Requests.Where(r => r.Path.Length > "/docs".Length).Select(r => r.Path);

    public ValueTask DisposeAsync() => _site.DisposeAsync();

    private SiteResponse Answer(SiteRequest request)
    {
        lock (Objects)
        {
            if (Broken is not null)
            {
                return Broken;
            }

            if (IsPrivate && !IsSigned(request))
            {
                return Error(403, "SignatureDoesNotMatch");
            }

            if (!(request.Path == "/docs" || request.Path.StartsWith("/docs/", StringComparison.Ordinal)))
            {
                return Error(404, "NoSuchBucket");
            }

            return request.Path == "/docs" ? List(request) : Get(request, Uri.UnescapeDataString(request.Path["/docs/".Length..]));
        }
    }

    private static bool IsSigned(SiteRequest request)
    {
        if (request.Header("x-amz-date") is not { } date || request.Header("Authorization") is not { } authorization)
        {
            return false;
        }

        var at = DateTimeOffset.ParseExact(date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        var url = new Uri($"http://{request.Header("Host")}{request.Target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        return new AwsSignature(Credentials, "eu-central-1", "s3").Sign(url, at).Contains(("Authorization", authorization));
    }

    private SiteResponse List(SiteRequest request)
    {
        var query = request.Target.Split('?', 2).ElementAtOrDefault(1)?.Split('&').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => Uri.UnescapeDataString(p.ElementAtOrDefault(1) ?? "")) ?? [];
        if (query.GetValueOrDefault("list-type") != "2")
        {
            return Error(400, "InvalidArgument");
        }

        var prefix = query.GetValueOrDefault("prefix") ?? "";
        var after = query.GetValueOrDefault("continuation-token");
        var found = Objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(o.Key, after[4..]) > 0)).ToList();
        var page = found.Take(PageSize).ToList();
        var xml = new StringBuilder("<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>");
        xml.Append(found.Count > PageSize ? $"<IsTruncated>true</IsTruncated><NextContinuationToken>{SecurityElement.Escape("++/=" + page[^1].Key)}</NextContinuationToken>" : "<IsTruncated>false</IsTruncated>");
        foreach (var (key, content) in page)
        {
            xml.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{AwsSignature.Encode(key)}</Key><Size>{content.Length}</Size><ETag>&quot;{Tag(content)}&quot;</ETag><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>");
        }

        return SiteResponse.Text(xml.Append("</ListBucketResult>").ToString());
    }

    private SiteResponse Get(SiteRequest request, string key) =>
        !Objects.TryGetValue(key, out var content) ? Error(404, "NoSuchKey")
        : request.Header("If-Match") is { } tag && tag != $"\"{Tag(content)}\"" ? Error(412, "PreconditionFailed")
        : new SiteResponse(200, content);

    private static SiteResponse Error(int status, string code) => SiteResponse.Text($"<Error><Code>{code}</Code><Message>It is refused.</Message></Error>", status);

    private static string Tag(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content))[..32];
}
