using RagCluster.Actors.Features;
using RagCluster.Configuration.Options;
using RagCluster.Messages.Features;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management;

/// <param name="On">On the node that was asked.</param>
/// <param name="Set">What was said last; null: by default.</param>
/// <param name="By">Who said it last, null if nobody ever did.</param>
public sealed record FlagJson(string Name, bool On, bool Default, bool? Set, string? By, string? Reason, DateTimeOffset? At, string Description);

public sealed record FlagsJson(IReadOnlyList<FlagJson> Flags);

/// <summary>/flags: what is switched on, and switching it, for the whole cluster. The history is the journal of the entity: /entities/flags/cluster.</summary>
internal static class FlagEndpoints
{
    public static void MapFlags(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/flags", async (ManagedNode node, CancellationToken cancellationToken) =>
        {
            var flags = node.NeedRunning().Flags;
            var set = await flags.ReadAsync(cancellationToken);
            return TypedResults.Json(new FlagsJson([.. Features.All.Select(feature => Json(feature, flags, set))]), ManagementJson.Default.FlagsJson);
        });
        routes.MapPut("/flags/{name}", SetAsync).Needs(ManagementRole.Operator);
    }

    private static async Task<IResult> SetAsync(string name, HttpContext context, ManagedNode node, CancellationToken cancellationToken)
    {
        if (Features.Find(name) is not { } feature)
        {
            return ManagementProblems.NotFound($"There is no feature \"{name}\"; there are {string.Join(", ", Features.All.Select(known => known.Name))}.");
        }

        var arguments = await Arguments.ReadAsync(context.Request, cancellationToken);
        var flags = node.NeedRunning().Flags;
        bool? on = arguments.OneOf("on", "true", "false", "default") switch { "true" => true, "false" => false, _ => null };
        await flags.SetAsync(name, on, context.Caller().Name, arguments.Needed("reason"), cancellationToken);

        // This node hears of it as every other does: the answer says what holds for the cluster.
        return TypedResults.Json(Json(feature, flags, await flags.ReadAsync(cancellationToken)) with { On = on ?? feature.IsOn }, ManagementJson.Default.FlagJson);
    }

    private static FlagJson Json(Feature feature, FeatureFlags flags, IReadOnlyDictionary<string, FlagSet> set) =>
        set.GetValueOrDefault(feature.Name) is { } last
            ? new FlagJson(feature.Name, flags.IsOn(feature.Name), feature.IsOn, last.On, last.By, last.Reason, last.At, feature.Description)
            : new FlagJson(feature.Name, flags.IsOn(feature.Name), feature.IsOn, null, null, null, null, feature.Description);
}
