using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.CheckerKit;
using RagCluster.CheckerKit.Checkers;
using RagCluster.Cluster.Tests.Running;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.TestKit;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>People who talk, keepers of documents, and searchers, all over HTTP; what they did and saw is recorded.</summary>
internal sealed class HttpLoad(RealCluster cluster, Balancer balancer, TimeSpan think) : IAsyncDisposable
{
    private const int Documents = 3;
    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenSource _streamsOver = new();
    private readonly List<Task> _clients = [];
    private readonly List<Task> _streams = [];
    private readonly int[] _keepers = new int[2];

    /// <summary>What each stream saw, as it came: compared with the log at the end.</summary>
    public List<SeenStream> Seen { get; } = [];

    private bool IsOver => _over.IsCancellationRequested;

    public void Start(int conversations)
    {
        for (var t = 0; t < 2; t++)
        {
            var tenant = $"t{t}";
            for (var c = 0; c < conversations; c++)
            {
                var person = $"person-{tenant}-{c}";
                _clients.Add(Task.Run(() => TalkAsync(tenant, person, $"talk-{person}")));
                var seen = new SeenStream($"{tenant}/talk-{person}");
                Seen.Add(seen);
                _streams.Add(Task.Run(() => FollowAsync(person, $"talk-{person}", seen)));
            }

            for (var d = 0; d < Documents; d++)
            {
                var document = d;
                _clients.Add(Task.Run(() => KeepAsync(tenant, document)));
            }

            _clients.Add(Task.Run(() => SearchAsync(tenant)));
        }
    }

    /// <summary>Until everybody's work is under way: the conversations have answers, and each document has been indexed.</summary>
    public Task UnderWayAsync() => Retry.Until("the load is under way", () =>
    {
        lock (cluster.Record)
        {
            var done = cluster.Record.Operations.Where(operation => operation.Outcome == Outcome.Acknowledged).ToLookup(operation => operation.Entity);
            return Seen.All(seen => seen.Last > 4) && AllDocuments().All(entry => done[("document", $"{entry.Tenant}/doc-{entry.Document}")].Any());
        }
    }, TimeSpan.FromMinutes(2));

    /// <summary>Until so many more writes are acknowledged from now on.</summary>
    public Task MoreAsync(int writes)
    {
        var before = Acknowledged();
        return Retry.Until($"{writes} more writes are acknowledged", () => Acknowledged() >= before + writes, TimeSpan.FromMinutes(2));

        int Acknowledged()
        {
            lock (cluster.Record)
            {
                return cluster.Record.Operations.Count(operation => operation.Outcome == Outcome.Acknowledged);
            }
        }
    }

    /// <summary>Everybody ends what they are about.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await Task.WhenAll(_clients).WaitAsync(TimeSpan.FromMinutes(6));
    }

    /// <summary>Until every stream is at the end of its log.</summary>
    public async Task DrainStreamsAsync(IReadOnlyDictionary<string, long> ends)
    {
        for (var tries = 0; tries < 300 && Seen.Any(seen => seen.Last < ends.GetValueOrDefault(seen.Conversation)); tries++)
        {
            await Task.Delay(100);
        }

        await _streamsOver.CancelAsync();
        await Task.WhenAll(_streams).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>The passages of one document, for somebody who may read all.</summary>
    public async Task<IReadOnlyList<ScoredPassage>?> IndexOfAsync(string tenant, int document)
    {
        var answer = await balancer.SendAsync(
            $"both-{tenant}", HttpMethod.Get, $"/api/v1/search?mode=lexical&k=200&q={Token(tenant, document)}&document=doc-{document}");
        return answer.Body is { } body && (bool?)body["partial"] != true ? Passages(body) : null;
    }

    public static IEnumerable<(string Tenant, int Document)> AllDocuments() =>
        from tenant in new[] { "t0", "t1" } from document in Enumerable.Range(0, Documents) select (tenant, document);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _streamsOver.CancelAsync();
        try
        {
            await Task.WhenAll(_clients.Concat(_streams)).WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            // The test has failed already, and says why.
        }
    }

    private static string Token(string tenant, int document) => string.Create(CultureInfo.InvariantCulture, $"zq{tenant}x{document}");

    private async Task ThinkAsync()
    {
        try
        {
            await Task.Delay(think * (0.2 + (Random.Shared.NextDouble() * 1.6)), _over.Token);
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    private async Task TalkAsync(string tenant, string person, string conversation)
    {
        var (next, last) = (0, "");
        while (!IsOver)
        {
            await ThinkAsync();
            if (last.Length == 0 || Random.Shared.Next(3) > 0)
            {
                last = $"{person}-q{next++}";
                var (question, text) = (last, $"What is said of {Token(tenant, Random.Shared.Next(Documents))}?");
                await WriteAsync(
                    person, "conversation", $"{tenant}/{conversation}", Markers.Asked(question), once: true,
                    () => balancer.SendAsync(person, HttpMethod.Post, $"/api/v1/conversations/{conversation}/messages", () => JsonContent.Create(new { id = question, text })));
            }
            else if (Random.Shared.Next(2) == 0)
            {
                var (question, comment) = (last, $"{person}-{next++} {Tenants.Canary(tenant)}");
                await WriteAsync(
                    person, "conversation", $"{tenant}/{conversation}", Markers.Feedback(comment), once: true,
                    () => balancer.SendAsync(person, HttpMethod.Post, $"/api/v1/conversations/{conversation}/feedback", () => JsonContent.Create(new { question, rating = "up", comment }), comment));
            }
            else
            {
                var from = cluster.Now;
                var answer = await balancer.SendAsync(person, HttpMethod.Get, $"/api/v1/conversations/{conversation}");
                if (answer.Body is { } body)
                {
                    lock (cluster.Record)
                    {
                        cluster.Record.Reads.Add(new SeqReading(person, $"{tenant}/{conversation}", from, cluster.Now, (long)body["seq"]!));
                    }
                }
            }
        }
    }

    private async Task KeepAsync(string tenant, int document)
    {
        var (keeper, entity, next) = ($"keeper-{tenant}-0", $"{tenant}/doc-{document}", 0);
        while (!IsOver)
        {
            await ThinkAsync();
            var kind = next == 0 ? 9 : Random.Shared.Next(10);
            if (kind < 3 && Interlocked.Increment(ref _keepers[tenant[1] - '0']) is var number && number < RealCluster.Keepers / 2)
            {
                // Under a name that is used once, by which the change is found in the log.
                var by = string.Create(CultureInfo.InvariantCulture, $"keeper-{tenant}-{number}");
                if (kind == 0)
                {
                    await WriteAsync(by, "document", entity, Markers.Removal(by), once: false, () => balancer.SendAsync(by, HttpMethod.Delete, $"/api/v1/documents/doc-{document}"));
                }
                else
                {
                    var readers = kind == 1 ? new[] { "agent" } : ["clerk"];
                    await WriteAsync(
                        by, "document", entity, Markers.Access(by), once: false,
                        () => balancer.SendAsync(by, HttpMethod.Put, $"/api/v1/documents/doc-{document}/access", () => JsonContent.Create(new { readers })));
                }
            }
            else
            {
                var text = string.Create(CultureInfo.InvariantCulture, $"Text {next++} of {Token(tenant, document)} for {Tenants.Canary(tenant)} says that the grace period has {Random.Shared.Next(1000)} days.");
                var bytes = Encoding.UTF8.GetBytes(text);
                var blob = "sha256-" + Convert.ToHexStringLower(SHA256.HashData(bytes));
                lock (cluster.Record)
                {
                    cluster.Record.Contents[blob] = text;
                }

                await WriteAsync(
                    keeper, "document", entity, Markers.Received(blob), once: false,
                    () => balancer.SendAsync(keeper, HttpMethod.Put, $"/api/v1/documents/doc-{document}?name=doc-{document}.txt", () => new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("text/plain") } }));
            }
        }
    }

    private async Task SearchAsync(string tenant)
    {
        while (!IsOver)
        {
            await ThinkAsync();
            var document = Random.Shared.Next(Documents);
            var (user, roles) = Random.Shared.Next(3) switch
            {
                0 => ($"agent-{tenant}", RoleSet.Of("agent")),
                1 => ($"clerk-{tenant}", RoleSet.Of("clerk")),
                _ => ($"both-{tenant}", RoleSet.Of("agent", "clerk")),
            };
            var from = cluster.Now;
            var answer = await balancer.SendAsync(user, HttpMethod.Get, $"/api/v1/search?mode=lexical&k=50&q={Token(tenant, document)}");
            if (answer.Body is { } body)
            {
                var reading = new SearchReading(
                    user, new Principal(TenantId.Of(tenant), UserId.Of(user), roles), Token(tenant, document), from, cluster.Now, (bool?)body["partial"] != true, Passages(body));
                lock (cluster.Record)
                {
                    cluster.Record.Searches.Add(reading);
                }
            }
        }
    }

    private static List<ScoredPassage> Passages(JsonNode body) =>
    [
        .. body["passages"]!.AsArray().Select(node => new ScoredPassage(
            new Passage(DocumentId.Of((string)node!["document"]!), (int)node["version"]!, (int)node["ordinal"]!, (int)node["start"]!, (int)node["end"]!, (string)node["text"]!), (double)node["score"]!)),
    ];

    /// <summary>As a careful client: again, with the same ids, until it knows.</summary>
    private async Task WriteAsync(string client, string type, string entity, string marker, bool once, Func<Task<Answer>> send)
    {
        var operation = new Operation { Client = client, Entity = (type, entity), Marker = marker, Once = once, InvokedAt = cluster.Now };
        lock (cluster.Record)
        {
            cluster.Record.Operations.Add(operation);
        }

        var unsure = false;
        for (var attempt = 0; ; attempt++)
        {
            var answer = await send();
            unsure |= answer.Fate == Fate.Unknown || answer.WasUnsure;
            if (answer.Fate is Fate.Answered or Fate.Refused || attempt == 8)
            {
                lock (cluster.Record)
                {
                    operation.EndedAt = cluster.Now;
                    operation.Seq = (long?)answer.Body?["seq"] ?? 0;

                    // A repeated change of a document may find that there is nothing left to do.
                    operation.Unchanged = !once && (unsure || type == "document");
                    operation.Outcome = answer.Fate == Fate.Answered ? Outcome.Acknowledged : unsure ? Outcome.Unknown : Outcome.NoEffect;
                }

                return;
            }

            await Task.Delay(100 * (attempt + 1));
        }
    }

    private async Task FollowAsync(string person, string conversation, SeenStream seen)
    {
        while (!_streamsOver.IsCancellationRequested)
        {
            try
            {
                if (balancer.Pick() is { Url: { } url })
                {
                    using var request = Balancer.Request(person, HttpMethod.Get, new Uri(url, $"/api/v1/conversations/{conversation}/events?after={seen.Last}"));
                    using var response = await balancer.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _streamsOver.Token);
                    if (response.IsSuccessStatusCode)
                    {
                        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(_streamsOver.Token)).EnumerateAsync(_streamsOver.Token))
                        {
                            if (long.TryParse(item.EventId, CultureInfo.InvariantCulture, out var seq) && JsonNode.Parse(item.Data)!["seq"] is not null)
                            {
                                seen.Add(cluster.Now, seq, item.Data);
                            }
                        }
                    }
                }

                await Task.Delay(100, _streamsOver.Token);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException)
            {
                // The node has gone: from another one, after what was seen.
            }
        }
    }
}
