using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Evaluation;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Tests.Evaluation;

/// <summary>A judged collection of the evaluation data: one chunk per document.</summary>
internal sealed class Collection
{
    private Collection(string name, IReadOnlyList<ChunksIndexed> documents, IReadOnlyList<(string Id, string Text)> queries, Dictionary<string, Dictionary<string, int>> judgments)
    {
        Name = name;
        Documents = documents;
        Queries = queries;
        Judgments = judgments;
    }

    public string Name { get; }

    public IReadOnlyList<ChunksIndexed> Documents { get; }

    /// <summary>Those with a relevant document and, where the collection says so, with all of them known.</summary>
    public IReadOnlyList<(string Id, string Text)> Queries { get; }

    public Dictionary<string, Dictionary<string, int>> Judgments { get; }

    public static Collection Read(string name)
    {
        var documents = SharedData.LinesOf("retrieval", name, "corpus.jsonl").Select(line =>
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            return Samples.Indexed(root.GetProperty("id").GetString()!, 1, root.GetProperty("title").GetString()!, root.GetProperty("text").GetString()!);
        }).ToList();

        var judgments = new Dictionary<string, Dictionary<string, int>>();
        foreach (var line in SharedData.LinesOf("retrieval", name, "qrels.tsv"))
        {
            var parts = line.Split('\t');
            if (!judgments.TryGetValue(parts[0], out var judged))
            {
                judgments[parts[0]] = judged = [];
            }

            judged[parts[1]] = int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture);
        }

        var queries = new List<(string, string)>();
        foreach (var line in SharedData.LinesOf("retrieval", name, "queries.jsonl"))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var id = root.GetProperty("id").GetString()!;
            var complete = name != "insuranceqa" || (root.TryGetProperty("complete", out var whole) && whole.GetBoolean());
            if (complete && judgments.TryGetValue(id, out var judged) && judged.Values.Any(grade => grade > 0))
            {
                queries.Add((id, root.GetProperty("text").GetString()!));
            }
        }

        return new Collection(name, documents, queries, judgments);
    }

    public PartitionIndex Index(IndexOptions? options = null)
    {
        var index = new PartitionIndex(options);
        foreach (var document in Documents)
        {
            index.Apply(document);
        }

        return index;
    }

    /// <summary>The means over the queries.</summary>
    /// <param name="feedback">Expands the queries with words of what they find; null searches as asked.</param>
    public (double Ndcg10, double Map, double Recall100) Evaluate(IndexReader reader, FeedbackOptions? feedback = null)
    {
        var (ndcg, map, recall) = (0.0, 0.0, 0.0);
        foreach (var (id, text) in Queries)
        {
            var find = new FindPassages(text, null, reader.Statistics(text), RoleSet.Empty, SearchFilter.None, Name == "insuranceqa" ? 100 : 1000);
            var found = reader.Find(feedback is null ? find : Expanded(reader, find, feedback));
            string[] ranking = [.. found.Lexical.Select(p => p.Passage.Document.Value)];
            ndcg += RetrievalMetrics.Ndcg(ranking, Judgments[id], 10);
            map += RetrievalMetrics.AveragePrecision(ranking, Judgments[id]);
            recall += RetrievalMetrics.Recall(ranking, Judgments[id], 100);
        }

        return (ndcg / Queries.Count, map / Queries.Count, recall / Queries.Count);
    }

    private static FindPassages Expanded(IndexReader reader, FindPassages find, FeedbackOptions feedback)
    {
        var candidates = RelevanceModel.Candidates(reader.Find(find with { K = feedback.Passages }).Lexical, feedback);
        var counted = reader.Statistics(new CountTerms(find.Query) { Terms = [.. candidates.Select(candidate => candidate.Term)] });
        var query = QueryReader.Read(find.Query, QuerySyntax.Plain);
        return find with { Terms = counted, Expansion = RelevanceModel.Expand(query, candidates, counted, feedback) };
    }
}
