using RagCluster.Actors.Inference;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Messages.Text;
using RagCluster.Retrieval.Index;

namespace RagCluster.Actors.Partitions;

/// <summary>A question and the documents that answer it.</summary>
/// <param name="Documents">Each by its id, by its path within its source, or by its title.</param>
public sealed record CheckQuestion(string Text, IReadOnlyList<string> Documents);

/// <summary>
/// Whether vectors find what they should: of the documents that answer a question, the share that is among the first
/// ten passages by vectors alone (recall at 10), averaged over questions.
/// </summary>
internal static class RecallCheck
{
    private const int K = 10;
    private const int MaxQuestions = 200;
    private const int LongestSentence = 300;
    private const int ShortestSentence = 24;

    /// <summary>
    /// The questions about documents of this index. Where none was given, or none is about it: a sentence from the middle
    /// of each of up to 200 documents, evenly spread, which is to find the document again.
    /// </summary>
    public static IReadOnlyList<(string Text, IReadOnlySet<DocumentId> Relevant)> QuestionsFor(IndexReader index, IReadOnlyList<CheckQuestion> given)
    {
        var questions = new List<(string, IReadOnlySet<DocumentId>)>();
        if (given.Count > 0)
        {
            var names = new Dictionary<string, DocumentId>(StringComparer.Ordinal);
            foreach (var (document, _) in index.Documents)
            {
                names.TryAdd(document.Value, document);
                var (title, metadata) = index.Describe(document);
                names.TryAdd(title, document);
                if (metadata.TryGetValue("path", out var path))
                {
                    names.TryAdd(path, document);
                }
            }

            foreach (var question in given)
            {
                var relevant = question.Documents.Where(names.ContainsKey).Select(name => names[name]).ToHashSet();
                if (relevant.Count > 0)
                {
                    questions.Add((question.Text, relevant));
                }
            }
        }

        return questions.Count > 0 ? questions : Sample(index);
    }

    public static async Task<double> RecallAsync(
        IndexReader index, IEmbedder embedder, IReadOnlyList<(string Text, IReadOnlySet<DocumentId> Relevant)> questions, CancellationToken cancellationToken)
    {
        var nothing = new TermStatistics(0, new Dictionary<string, long>(), new Dictionary<string, long>());
        var roles = index.AllReaders;
        var sum = 0.0;
        foreach (var batch in questions.Chunk(32))
        {
            var vectors = await embedder.EmbedAsync(Array.ConvertAll(batch, q => q.Text), EmbeddingPriority.Ingestion, cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                var found = index.Find("", vectors[i], nothing, roles, SearchFilter.None, K).Vector.Select(p => p.Passage.Document).ToHashSet();
                sum += (double)batch[i].Relevant.Count(found.Contains) / Math.Min(batch[i].Relevant.Count, K);
            }
        }

        return sum / questions.Count;
    }

    private static List<(string Text, IReadOnlySet<DocumentId> Relevant)> Sample(IndexReader index)
    {
        var documents = index.Documents;
        var step = Math.Max(1, documents.Count / MaxQuestions);
        var sample = new List<(string, IReadOnlySet<DocumentId>)>();
        for (var i = 0; i < documents.Count && sample.Count < MaxQuestions; i += step)
        {
            if (index.Content(documents[i].Document) is { Chunks: { Count: > 0 } chunks } && SentenceOf(chunks[chunks.Count / 2].Text) is { } sentence)
            {
                sample.Add((sentence, new HashSet<DocumentId> { documents[i].Document }));
            }
        }

        return sample;
    }

    /// <summary>The longest sentence that is not too long.</summary>
    private static string? SentenceOf(string text)
    {
        var best = "";
        foreach (var span in SentenceSplitter.Split(text))
        {
            if (span.Length is >= ShortestSentence and <= LongestSentence && span.Length > best.Length)
            {
                best = span.Of(text).ToString();
            }
        }

        return best.Length > 0 ? best : null;
    }
}
