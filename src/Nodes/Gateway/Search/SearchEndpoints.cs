using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Nodes.Gateway.Identity;
using RagCluster.Retrieval.Highlighting;

namespace RagCluster.Nodes.Gateway.Search;

/// <summary>/api/v1/search: the passages that a question would be answered from.</summary>
internal static class SearchEndpoints
{
    private const int MaxQueryChars = 4_000;
    private const int MaxK = 200;

    public static void MapSearch(this IEndpointRouteBuilder api) =>
        api.MapGet("/search", SearchAsync).WithTags("search")
            .WithSummary("The best passages that the caller may read. mode is hybrid, lexical or vector; document narrows to one document, meta.NAME=VALUE to metadata.")
            .Produces<SearchBody>().ProducesProblem(400);

    private static async Task<IResult> SearchAsync(
        HttpContext context, Searcher searcher, TimeProvider time, string? q, int? k, string? mode, string[]? document, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(q) || q.Length > MaxQueryChars)
        {
            return Problems.Invalid($"q is the text to search for, 1 to {MaxQueryChars} characters.");
        }

        if (k is < 1 or > MaxK)
        {
            return Problems.Invalid($"k is from 1 to {MaxK}.");
        }

        var wanted = SearchMode.Hybrid;
        if (!string.IsNullOrEmpty(mode) && (!Enum.TryParse(mode, ignoreCase: true, out wanted) || !Enum.IsDefined(wanted)))
        {
            return Problems.Invalid($"mode is hybrid, lexical or vector; it was \"{mode}\".");
        }

        var started = time.GetTimestamp();
        var metadata = context.Request.Query
            .Where(p => p.Key.StartsWith("meta.", StringComparison.Ordinal))
            .ToDictionary(p => p.Key[5..], p => p.Value.ToString(), StringComparer.Ordinal);
        var filter = new SearchFilter([.. (document ?? []).Select(DocumentId.Of)], metadata);
        var result = await searcher.SearchAsync(context.Principal(), q, filter, wanted, k ?? 10, cancellationToken);
        var took = time.GetElapsedTime(started).TotalMilliseconds;
        var highlighter = new Highlighter(q);
        return TypedResults.Json(
            new SearchBody(q, Math.Round(took, 2), result.IsPartial, [.. result.Passages.Select(p => Body(p, highlighter))]), GatewayJson.Default.SearchBody);
    }

    private static PassageBody Body(ScoredPassage scored, Highlighter highlighter)
    {
        var p = scored.Passage;
        return new PassageBody(
            p.Document,
            p.Version,
            p.Ordinal,
            p.Start,
            p.End,
            p.Page,
            p.Title,
            p.Headings,
            p.Text,
            scored.Score,
            [.. highlighter.Matches(p.Text).Select(h => new HighlightBody(h.Start, h.End))]);
    }
}
