using RagCluster.Messages.Documents;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C6: each chunk is there once, all of one version, none of what is gone.</summary>
public sealed class Chunks : IChecker
{
    public string Name => "C6";

    public string Promise => "A chunk is found once; no result mixes versions; at the end the index holds exactly the chunks of each document's indexed version.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var search in run.Searches)
        {
            foreach (var document in search.Passages.GroupBy(found => found.Passage.Document))
            {
                var ids = document.Select(found => (found.Passage.Version, found.Passage.Ordinal)).ToList();
                if (ids.Distinct().Count() != ids.Count || ids.DistinctBy(id => id.Version).Count() > 1)
                {
                    yield return new Violation(
                        Name, $"{search.Principal.Tenant.Value}/{document.Key.Value}", $"A search of {search.Client} at {search.From} found (version, chunk) {string.Join(" ", ids)}.");
                }
            }
        }

        var logs = run.Log.Where(record => record.Event is DocumentEvent).GroupBy(record => record.Entity).ToDictionary(group => group.Key, group => group.Select(record => (DocumentEvent)record.Event).ToList());
        foreach (var index in run.Index)
        {
            var entity = $"{index.Tenant}/{index.Document}";
            var expected = Expected(logs.GetValueOrDefault(entity) ?? []);
            var found = index.Passages.Select(passage => (passage.Version, passage.Ordinal)).Order().ToList();
            if (!found.SequenceEqual(expected))
            {
                yield return new Violation(Name, entity, $"The index holds (version, chunk) {string.Join(" ", found)}; the document's log says {string.Join(" ", expected)}.");
            }
        }
    }

    /// <summary>The chunks of the last version that was indexed, unless the document was removed after.</summary>
    private static List<(int Version, int Ordinal)> Expected(List<DocumentEvent> log)
    {
        var (indexed, chunked) = ((Version: 0, Chunks: 0), 0);
        foreach (var e in log)
        {
            switch (e)
            {
                case DocumentProgressed { Reached: Chunked c }:
                    chunked = c.Chunks;
                    break;
                case DocumentProgressed { Reached: Indexed } p:
                    indexed = (p.Version, chunked);
                    break;
                case DocumentRemoved:
                    indexed = (0, 0);
                    break;
            }
        }

        return [.. Enumerable.Range(0, indexed.Chunks).Select(ordinal => (indexed.Version, ordinal))];
    }
}
