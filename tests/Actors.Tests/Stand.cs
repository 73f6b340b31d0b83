using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Inference.Endpoints;
using RagCluster.Ingestion.Parsing;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Tests;

/// <summary>
/// A whole cast on a store in memory. Starting a second one on the same store while the first still runs is what a
/// crash looks like: the first is fenced and never gets a chance to tidy up.
/// </summary>
internal sealed class Stand : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ShardedEntities _entities;
    private readonly ActorSystem _system;

    private Stand(Cast cast, ShardedEntities entities, ActorSystem system) => (Cast, _entities, _system) = (cast, entities, system);

    public Cast Cast { get; }

    public static TenantId Tenant { get; } = TenantId.Of("t");

    public static Principal Ann { get; } = new(Tenant, UserId.Of("ann"), RoleSet.Of("customer", "admin"));

    /// <param name="model">Answers the requests of an OpenAI-compatible chat endpoint; null answers with the embedded answerer.</param>
    /// <param name="embeddings">The same for embeddings.</param>
    public static async Task<Stand> StartAsync(
        InMemoryShardStore store, HttpMessageHandler? model = null, HttpMessageHandler? embeddings = null, IDocumentParser? parser = null)
    {
        var folder = Directory.CreateTempSubdirectory("ragcluster-cast");
        var runtime = SystemRuntime.Instance;
        var system = new ActorSystem("stand", runtime);
        var entities = await ShardedEntities.JoinAsync(system, store);
        var endpoints = new EndpointFactory(TimeProvider.System, null, model ?? embeddings);
        var options = new CastOptions
        {
            IndexFolder = Path.Combine(folder.FullName, "index"),
            CatalogFile = Path.Combine(folder.FullName, "catalog.db"),
            Documents = new DocumentOptions { MinRetryBackoff = TimeSpan.FromMilliseconds(50), MaxAttempts = 50 },
            Generation = model is null ? new EndpointOptions() : new EndpointOptions { Kind = EndpointOptions.OpenAi, Url = "http://model.test/v1", Model = "m" },
            Embedding = embeddings is null ? new EndpointOptions() : new EndpointOptions { Kind = EndpointOptions.OpenAi, Url = "http://model.test/v1", Model = "e", Dimensions = 4 },
        };
        var stage = new Stage(
            system,
            entities,
            store,
            new BlobStore(store, Path.Combine(folder.FullName, "blobs"), runtime),
            parser ?? new DocumentParser(new ParserLimits(), TimeProvider.System),
            endpoints.CreateEmbedder(options.Embedding),
            endpoints.CreateChatClient(options.Generation),
            NullLoggerFactory.Instance);
        return new Stand(await Cast.StartAsync(options, stage, CancellationToken.None), entities, system);
    }

    /// <summary>Takes a text in; does not wait for more than its durability.</summary>
    public async Task<int> ReceiveAsync(string id, string text, params string[] readers)
    {
        var offer = new DocumentOffer(DocumentId.Of(id), id + ".txt", "test", "text/plain", RoleSet.Of(readers), new Dictionary<string, string>());
        var (reply, _) = await Cast.Documents.IngestAsync(Tenant, offer, new MemoryStream(Encoding.UTF8.GetBytes(text)));
        return reply.ShouldBeOfType<DocumentAccepted>().Version;
    }

    public async Task<DocumentView> IndexAsync(string id, string text, params string[] readers)
    {
        await ReceiveAsync(id, text, readers);
        return await StatusAsync(id, DocumentStatus.Indexed);
    }

    /// <summary>Waits until the document is in this state.</summary>
    public async Task<DocumentView> StatusAsync(string id, DocumentStatus status)
    {
        using var patience = new CancellationTokenSource(Patience);
        await foreach (var _ in (await Cast.Documents.SubscribeAsync(Ann, DocumentId.Of(id), 0, patience.Token))!)
        {
            if (await Cast.Documents.ReadAsync(Ann, DocumentId.Of(id), patience.Token) is { View: var view } && view.Status == status)
            {
                return view;
            }
        }

        throw new InvalidOperationException("A subscription does not end by itself.");
    }

    public async Task AskAsync(string conversation, string question, string text) =>
        (await Cast.Conversations.AskAsync(Ann, ConversationId.Of(conversation), QuestionId.Of(question), text)).Reply.ShouldBeOfType<Accepted>();

    public async Task<Turn> AnswerAsync(string conversation, string question)
    {
        using var patience = new CancellationTokenSource(Patience);
        return (await Cast.Conversations.AnswerOfAsync(Ann, ConversationId.Of(conversation), QuestionId.Of(question), patience.Token))!.Value.Turn;
    }

    /// <summary>All events of a conversation up to and including the first that <paramref name="last"/> accepts.</summary>
    public async Task<List<Recorded<ConversationEvent>>> EventsAsync(string conversation, Func<ConversationEvent, bool> last)
    {
        using var patience = new CancellationTokenSource(Patience);
        var events = new List<Recorded<ConversationEvent>>();
        await foreach (var recorded in (await Cast.Conversations.SubscribeAsync(Ann, ConversationId.Of(conversation), 0, patience.Token))!)
        {
            events.Add(recorded);
            if (last(recorded.Event))
            {
                return events;
            }
        }

        throw new InvalidOperationException("A subscription does not end by itself.");
    }

    public async ValueTask DisposeAsync()
    {
        await _entities.StopAsync(TimeSpan.FromSeconds(5));
        await Cast.DisposeAsync();
        await _system.TerminateAsync(TimeSpan.FromSeconds(2));
    }
}

/// <summary>A chat model that says what it is told to, in the protocol of OpenAI's API.</summary>
internal sealed class ScriptedModel(params string[] pieces) : HttpMessageHandler
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Never finishes its answers.</summary>
    public bool Hangs { get; init; }

    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    /// <summary>Completes at the first request.</summary>
    public Task Asked => _asked.Task;

    /// <summary>Completes when a client has gone before the answer's end.</summary>
    public Task Aborted => _aborted.Task;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _asked.TrySetResult();
        return Task.FromResult(new HttpResponseMessage(Status)
        {
            Content = Status == HttpStatusCode.OK ? new StreamContent(new Answer(this, pieces)) : new StringContent("""{"error":{"message":"out of order"}}"""),
        });
    }

    private sealed class Answer(ScriptedModel model, string[] pieces) : Stream
    {
        private readonly Queue<byte[]> _chunks = new(pieces
            .Select(p => $"data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{System.Text.Json.JsonSerializer.Serialize(p)}}}}}]}}\n\n")
            .Concat(model.Hangs ? [] : ["data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n\n"])
            .Select(Encoding.UTF8.GetBytes));

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new InvalidOperationException("A stream has no length.");

        public override long Position { get; set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_chunks.TryDequeue(out var chunk))
            {
                if (!model.Hangs)
                {
                    return 0;
                }

                var gone = new TaskCompletionSource();
                await using var registration = cancellationToken.Register(() =>
                {
                    model._aborted.TrySetResult();
                    gone.TrySetCanceled(cancellationToken);
                });
                await gone.Task;
            }

            chunk!.CopyTo(buffer);
            return chunk!.Length;
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        public override long Seek(long offset, SeekOrigin origin) => throw new InvalidOperationException("A stream is read once.");

        public override void SetLength(long value) => throw new InvalidOperationException("A stream is read only.");

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("A stream is read only.");
    }
}
