using Microsoft.OpenApi;
using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Nodes.Gateway.Identity;
using RagCluster.Retrieval.Highlighting;

namespace RagCluster.Nodes.Gateway.Search;

/// <summary>/api/v1/search: the passages that a question would be answered from.</summary>
internal static class SearchEndpoints
{
    /// <summary>Those with a fixed name; the ones named after metadata are in the summary.</summary>
    private static readonly (string Name, JsonSchemaType Type, string Description)[] s_parameters =
    [
        ("q", JsonSchemaType.String, "What to search for."),
        ("syntax", JsonSchemaType.String, "operators or plain."),
        ("k", JsonSchemaType.Integer, "How many passages, 1 to 200."),
        ("mode", JsonSchemaType.String, "hybrid, lexical or vector."),
        ("document", JsonSchemaType.String, "Only this document; may be repeated."),
        ("facet", JsonSchemaType.String, "Counts the values of this metadata; may be repeated."),
        ("explain", JsonSchemaType.Boolean, "Takes every score apart."),
        ("expand", JsonSchemaType.Boolean, "Adds words of the best passages to the query."),
        ("diversity", JsonSchemaType.Number, "How much passages that say the same are kept apart, 0 to 1."),
        ("byDocument", JsonSchemaType.Boolean, "Each document once, by its best passage."),
    ];

    public static void MapSearch(this IEndpointRouteBuilder api) =>
        api.MapGet("/search", SearchAsync).WithTags("search")
            .WithSummary(
                "The best passages that the caller may read. mode is hybrid, lexical or vector; syntax is operators or plain; document narrows to one document, "
                + "meta.NAME=VALUE, in.NAME, not.NAME, from.NAME, to.NAME and exists.NAME to metadata; facet=NAME counts values; boost.NAME=VALUE^FACTOR and "
                + "decay.NAME=DAYS weigh documents; explain, expand and diversity are about the result.")
            .Produces<SearchBody>().ProducesProblem(400)
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                operation.Parameters = [.. s_parameters.Select(p => new OpenApiParameter
                {
                    Name = p.Name,
                    In = ParameterLocation.Query,
                    Required = p.Name == "q",
                    Description = p.Description,
                    Schema = new OpenApiSchema { Type = p.Type },
                })];
                return Task.CompletedTask;
            });

    private static async Task<IResult> SearchAsync(HttpContext context, Searcher searcher, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!SearchQuery.TryRead(context.Request.Query, context.Principal(), time, out var request, out var problem))
        {
            return Problems.Invalid(problem);
        }

        var started = time.GetTimestamp();
        var result = await searcher.SearchAsync(request, cancellationToken);
        var took = time.GetElapsedTime(started).TotalMilliseconds;
        var highlighter = new Highlighter(request.Query, request.Syntax);
        var passages = result.Passages.Select((passage, i) => Body(passage, highlighter) with { Explanation = Body(result.Explanations?[i]) });
        var body = new SearchBody(request.Query, Math.Round(took, 2), result.IsPartial, [.. passages])
        {
            RerankFailure = result.RerankFailure,
            Facets = result.Facets is { } facets ? [.. request.Facets.Select(key => new FacetBody(key, facets[key]))] : null,
        };
        return TypedResults.Json(body, GatewayJson.Default.SearchBody);
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

    private static ExplanationBody? Body(ScoreExplanation? e) => e is null ? null : new ExplanationBody(
        e.Fusion, e.Parts.Lexical, e.LexicalRank, e.LexicalPart, e.Parts.Cosine, e.VectorRank, e.VectorPart, e.ProximityPart, e.ContextPart, e.Boost, e.FusedRank, e.Rerank, e.Parts.Terms);
}
