using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Tests.Index;

/// <summary>
/// What an index must answer, worked out from the events without an index: every chunk is analysed and scored for
/// every query, by the formulas as they are written down, in the same precision and order.
/// </summary>
internal sealed class BruteForce
{
    private readonly Dictionary<DocumentId, (ChunksIndexed Indexed, RoleSet Readers, int Revision)> _documents = [];

    public IEnumerable<DocumentId> Documents => _documents.Keys;

    public int ChunkCount => _documents.Values.Sum(document => document.Indexed.Chunks.Count);

    public void Apply(PartitionEvent @event)
    {
        switch (@event)
        {
            case ChunksIndexed e:
                var known = _documents.TryGetValue(e.Document, out var old);
                if (!known || old.Indexed.Version <= e.Version)
                {
                    _documents[e.Document] = known && old.Revision > e.AccessRevision ? (e, old.Readers, old.Revision) : (e, e.Readers, e.AccessRevision);
                }

                break;
            case ChunksRemoved e when _documents.TryGetValue(e.Document, out var document) && document.Indexed.Version <= e.UpToVersion:
                _documents.Remove(e.Document);
                break;
            case ChunksRestricted e when _documents.TryGetValue(e.Document, out var document) && document.Revision <= e.AccessRevision:
                _documents[e.Document] = (document.Indexed, e.Readers, e.AccessRevision);
                break;
        }
    }

    public TermStatistics Statistics(string query)
    {
        var chunks = Chunks().ToList();
        var terms = Analyzer.English.AnalyzeQuery(query);
        return new TermStatistics(
            chunks.Count,
            new Dictionary<string, long>
            {
                ["body"] = chunks.Sum(c => (long)c.Body.Length),
                ["title"] = chunks.Sum(c => (long)c.Title.Length),
                ["headings"] = chunks.Sum(c => (long)c.Headings.Length),
            },
            terms.ToDictionary(t => t.Term, t => (long)chunks.Count(c => c.Has(t.Term))));
    }

    public List<(ChunkId Id, double Score)> Lexical(string query, TermStatistics global, RoleSet roles, SearchFilter filter, int k)
    {
        var options = Bm25Options.Default;
        var hits = new List<(ChunkId, double)>();
        foreach (var chunk in Chunks().Where(c => Passes(c.Id.Document, roles, filter)))
        {
            var score = 0f;
            foreach (var (term, count) in Analyzer.English.AnalyzeQuery(query))
            {
                if (!global.DocumentFrequency.TryGetValue(term, out var df) || df == 0 || !chunk.Has(term))
                {
                    continue;
                }

                var tf = Part(chunk.Body, term, options.Weight.Body, options.B.Body, global, "body");
                if (chunk.Title.Count(term) + chunk.Headings.Count(term) > 0)
                {
                    tf += Part(chunk.Title, term, options.Weight.Title, options.B.Title, global, "title");
                    tf += Part(chunk.Headings, term, options.Weight.Headings, options.B.Headings, global, "headings");
                }

                var weight = (float)(count * Math.Log(1 + ((global.Documents - df + 0.5) / (df + 0.5))) * (options.K1 + 1));
                score += weight * (tf / (options.K1 + tf));
            }

            if (score > 0)
            {
                hits.Add((chunk.Id, score));
            }
        }

        return [.. hits.OrderByDescending(h => h.Item2).ThenBy(h => h.Item1, ChunkOrder.Instance).Take(k)];
    }

    public List<(ChunkId Id, double Score)> Similar(Embedding query, RoleSet roles, SearchFilter filter, int k)
    {
        var q = query.ToSingle();
        var hits = new List<(ChunkId, double)>();
        foreach (var (document, _, _) in _documents.Values.Where(d => Passes(d.Indexed.Document, roles, filter)))
        {
            foreach (var chunk in document.Chunks)
            {
                var v = chunk.Vector.ToSingle();
                if (v.Length == q.Length && v.Any(x => x != 0) && q.Any(x => x != 0))
                {
                    double Norm(float[] x) => Math.Sqrt(x.Sum(c => (double)c * c));
                    hits.Add((new ChunkId(document.Document, document.Version, chunk.Ordinal), v.Zip(q, (a, b) => (double)a * b).Sum() / Norm(v) / Norm(q)));
                }
            }
        }

        return [.. hits.OrderByDescending(h => h.Item2).ThenBy(h => h.Item1, ChunkOrder.Instance).Take(k)];
    }

    private bool Passes(DocumentId id, RoleSet roles, SearchFilter filter)
    {
        var (indexed, readers, _) = _documents[id];
        return roles.MayRead(readers)
            && (filter.Documents.Count == 0 || filter.Documents.Contains(id))
            && filter.Metadata.All(pair => indexed.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
    }

    private static float Part(Words field, string term, float weight, float b, TermStatistics global, string name)
    {
        var slope = global.TotalLength[name] > 0 ? (float)(b * global.Documents / (double)global.TotalLength[name]) : 0;
        return weight * field.Count(term) / (1 - b + (slope * field.Length));
    }

    private IEnumerable<(ChunkId Id, Words Body, Words Title, Words Headings, Func<string, bool> Has)> Chunks()
    {
        foreach (var (document, _, _) in _documents.Values)
        {
            foreach (var chunk in document.Chunks)
            {
                var (body, title, headings) = (new Words(chunk.Text), new Words(document.Title), new Words([.. chunk.Headings]));
                yield return (new ChunkId(document.Document, document.Version, chunk.Ordinal), body, title, headings, term => body.Count(term) + title.Count(term) + headings.Count(term) > 0);
            }
        }
    }

    private sealed class Words
    {
        private readonly Dictionary<string, int> _counts = [];

        public Words(params string[] texts)
        {
            foreach (var text in texts)
            {
                var tokens = Analyzer.English.Analyze(text);
                while (tokens.MoveNext())
                {
                    var term = tokens.Term.ToString();
                    _counts[term] = _counts.GetValueOrDefault(term) + 1;
                    Length += tokens.IsWhole ? 0 : 1;
                }
            }
        }

        public int Length { get; }

        public int Count(string term) => _counts.GetValueOrDefault(term);
    }
}
