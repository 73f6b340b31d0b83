using Microsoft.Extensions.Logging;
using RagCluster.Inference;
using RagCluster.Inference.Reranking;
using RagCluster.Messages;

namespace RagCluster.Actors.Search;

/// <summary>
/// Has a model that reads query and passage together put the best passages into their final order. It is a refinement
/// that may be missing: where the model fails or is late, the fused order stands, and the result says so.
/// </summary>
/// <param name="time">Measures the deadline; without, there is none but the caller's.</param>
internal sealed partial class Reranking(IReranker reranker, SearchOptions options, TimeProvider? time, ILogger log)
{
    /// <summary>How many of the best it looks at.</summary>
    public int Candidates => options.RerankCandidates;

    /// <summary>A score for each passage in order; or null, and why there are none.</summary>
    public async Task<(IReadOnlyList<float>? Scores, string? Failure)> ScoreAsync(string query, IReadOnlyList<Passage> passages, CancellationToken cancellationToken)
    {
        using var deadline = time is null ? new CancellationTokenSource() : new CancellationTokenSource(options.RerankDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            var scores = await reranker.ScoreAsync(query, [.. passages.Select(Text)], either.Token);
            return scores.Count == passages.Count && scores.All(float.IsFinite) ? (scores, null)
                : Failed($"The re-ranker {reranker.Model} gave {scores.Count(float.IsFinite)} scores for {passages.Count} passages.");
        }
        catch (InferenceException e)
        {
            return Failed(e.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed($"The re-ranker {reranker.Model} did not answer within {options.RerankDeadline.TotalSeconds:0.##} s.");
        }
    }

    /// <summary>What the passage is about is said by what stands above it.</summary>
    private static string Text(Passage passage) =>
        passage.Title.Length == 0 && passage.Headings.Count == 0 ? passage.Text : $"{string.Join(" > ", passage.Headings.Prepend(passage.Title).Where(part => part.Length > 0))}\n{passage.Text}";

    private (IReadOnlyList<float>? Scores, string? Failure) Failed(string failure)
    {
        LogFailed(log, failure);
        return (null, failure);
    }

    [LoggerMessage(6303, LogLevel.Warning, "Search results are in their fused order, not re-ranked. {Reason}")]
    private static partial void LogFailed(ILogger log, string reason);
}
