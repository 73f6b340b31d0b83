using System.Diagnostics;
using System.Globalization;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Search;
using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Intake;
using RagCluster.Retrieval.Fusion;

namespace RagCluster.Nodes.Evaluation;

/// <summary>What became of the documents of an evaluation.</summary>
/// <param name="Seconds">From the first document's sending until all of them could be found.</param>
internal sealed record TakenIn(int Documents, int Chunks, double Seconds, int Failed);

/// <summary>
/// A node in this process on a data folder of its own, with the user's settings: what is measured is what they get.
/// Only what does not change results differs: nobody else may come in, and a slow machine does not cut searches short.
/// </summary>
internal sealed class EvaluationNode : IAsyncDisposable
{
    /// <summary>The longest that a search may wait for a partition.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly NodeHost _node;
    private readonly RagClusterOptions _options;

    private EvaluationNode(NodeHost node, RagClusterOptions options) => (_node, _options) = (node, options);

    public ConversationService Conversations => _node.Cast.Conversations;

    public DocumentService Documents => _node.Cast.Documents;

    /// <summary>How many passages of each ranking a search gathers.</summary>
    public int Candidates => _node.Cast.Options.Search.Candidates;

    /// <summary>The settings that results depend on.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["embedding"] = Endpoint(_options.Inference.Embedding.Provider, _options.Inference.Embedding.Model),
        ["fusion"] = _options.Retrieval.Fusion.ToString().ToLowerInvariant(),
        ["weights"] = string.Create(
            CultureInfo.InvariantCulture,
            $"{_options.Retrieval.Weights.Lexical}/{_options.Retrieval.Weights.Vector}/{_options.Retrieval.Weights.Order}/{_options.Retrieval.Weights.Nearness}/{_options.Retrieval.Weights.Similar}/{_options.Retrieval.Weights.Adjacent}"),
        ["candidates"] = Candidates.ToString(CultureInfo.InvariantCulture),
        ["chunk"] = string.Create(CultureInfo.InvariantCulture, $"{_options.Ingestion.Chunk.TargetTokens}/{_options.Ingestion.Chunk.MaxTokens}"),
    };

    /// <summary>What answers are written by.</summary>
    public string Generation => Endpoint(_options.Inference.Generation.Provider, _options.Inference.Generation.Model);

    public static async Task<EvaluationNode> StartAsync(RagClusterOptions options, string dataFolder, CancellationToken cancellationToken)
    {
        var own = options with
        {
            DataFolder = dataFolder,
            Http = options.Http with { Host = "127.0.0.1", Port = 0 },
            Management = options.Management with { Enabled = false },
            Security = new SecurityOptions(),
            Retrieval = options.Retrieval with { Deadline = s_patience },
        };
        return new EvaluationNode(await NodeHost.StartAsync(own, Logging.ToErrorsOnly, cancellationToken), own);
    }

    /// <summary>Somebody with these roles and no others.</summary>
    public Principal PrincipalWith(RoleSet roles) => new(TenantId.Of(_options.Security.Open.Tenant), UserId.Of(_options.Security.Open.User), roles);

    /// <summary>Somebody who may do all that one may do without the roles of a document's readers.</summary>
    public Principal Administrator => PrincipalWith(RoleSet.Of(DocumentService.Administrator));

    /// <summary>Takes in documents as the command "ingest" does, until each can be found or has failed.</summary>
    public Task<TakenIn> TakeInAsync(IDocumentSource source, EvaluationProgress progress, CancellationToken cancellationToken) =>
        progress.ShowAsync("Taking in the documents", async moved =>
        {
            var observer = new Observer(moved);
            using var run = new IngestRun(new LocalIntake(Documents, _node.Cast.Catalog, Administrator), observer, TimeProvider.System);
            var watch = Stopwatch.StartNew();
            await run.RunAsync(source, cancellationToken);
            var taken = observer.Sum(watch.Elapsed.TotalSeconds);
            if (taken.Documents == 0)
            {
                throw new InvalidDataException(observer.Failure is { } failure ? $"No document could be taken in; the first one failed so: {failure}" : "There is no document to take in.");
            }

            if (observer.Failure is { } first)
            {
                progress.Warn($"{taken.Failed} documents failed, the first one so: {first}");
            }

            return taken;
        });

    /// <summary>The passages that a search gives.</summary>
    public async Task<IReadOnlyList<ScoredPassage>> SearchAsync(string query, SearchMode mode, int k, CancellationToken cancellationToken)
    {
        var found = await _node.Cast.Searcher.SearchAsync(Administrator, query, SearchFilter.None, mode, k, cancellationToken);
        return found.IsPartial ? throw new TimeoutException($"A partition did not answer within {s_patience.TotalSeconds:0} s.") : found.Passages;
    }

    /// <summary>The weights of hybrid search.</summary>
    public FusionWeights Weights => _node.Cast.Options.Search.Weights;

    /// <summary>What is known of the candidates that a hybrid search gathers; null where the configured fusion looks at ranks alone.</summary>
    public async Task<EvidenceFusion?> EvidenceAsync(string query, CancellationToken cancellationToken)
    {
        var found = await _node.Cast.Searcher.SearchAsync(new SearchRequest(Administrator, query) { WithEvidence = true }, cancellationToken);
        return found.IsPartial ? throw new TimeoutException($"A partition did not answer within {s_patience.TotalSeconds:0} s.") : found.Evidence;
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    private static string Endpoint(InferenceProvider provider, string? model) =>
        provider.ToString().ToLowerInvariant() + (string.IsNullOrEmpty(model) ? "" : $" {model}");

    private sealed class Observer(Action<int, int> moved) : IIngestObserver
    {
        private readonly Lock _lock = new();
        private int _documents;
        private int _chunks;
        private int _failed;

        public string? Failure { get; private set; }

        public void Moved(int seen, int done) => moved(done, seen);

        public void Ended(IngestedDocument document)
        {
            lock (_lock)
            {
                if (document.Outcome == "failed")
                {
                    _failed++;
                    Failure ??= $"{document.Name}: {document.Detail} ({document.Code})";
                }
                else
                {
                    _documents++;
                    _chunks += document.Chunks;
                }
            }
        }

        public TakenIn Sum(double seconds)
        {
            lock (_lock)
            {
                return new TakenIn(_documents, _chunks, seconds, _failed);
            }
        }
    }
}
