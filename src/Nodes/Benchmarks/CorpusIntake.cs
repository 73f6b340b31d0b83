using RagCluster.Nodes.Client;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>Takes a corpus into a node in the way of the command "ingest": over its API, until every document can be found.</summary>
internal static class CorpusIntake
{
    /// <summary>Returns the number of chunks.</summary>
    /// <exception cref="InvalidDataException">Documents failed, or the last one cannot be found.</exception>
    public static async Task<int> RunAsync(Uri node, Corpus corpus, CancellationToken cancellationToken)
    {
        using var client = new NodeClient(node, null, null);
        var counter = new Counter();
        using var run = new IngestRun(new HttpIntake(client), counter, TimeProvider.System);
        await run.RunAsync(corpus, cancellationToken);
        if (counter.Failure is { } failure)
        {
            throw new InvalidDataException($"{counter.Failed} of {corpus.Entries.Count} documents failed, the first one so: {failure}");
        }

        var last = corpus.Entries[^1];
        var found = await client.SearchAsync(last.FirstWords(40), 10, "lexical", cancellationToken);
        if (found.Passages.All(p => p.Document != SourceIdentity.Of(Corpus.UriOf(last))))
        {
            throw new InvalidDataException($"The document {last.Id} was indexed, but a search for its first words does not find it.");
        }

        return counter.Chunks;
    }

    private sealed class Counter : IIngestObserver
    {
        private readonly Lock _lock = new();

        public int Chunks { get; private set; }

        public int Failed { get; private set; }

        public string? Failure { get; private set; }

        public void Moved(int seen, int done)
        {
            // Nobody looks at the progress of a benchmark.
        }

        public void Ended(IngestedDocument document)
        {
            lock (_lock)
            {
                Chunks += document.Chunks;
                if (document.Outcome == "failed")
                {
                    Failed++;
                    Failure ??= $"{document.Name}: {document.Detail} ({document.Code})";
                }
            }
        }
    }
}
