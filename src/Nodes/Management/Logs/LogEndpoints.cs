using RagCluster.Configuration.Options;
using RagCluster.Nodes.Gateway;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management.Logs;

/// <param name="Level">What is logged where nothing else is said.</param>
/// <param name="Configured">To what it goes back at a restart.</param>
/// <param name="Categories">Names, and what is below them, with a level of their own.</param>
public sealed record LogLevelsJson(string Level, string Configured, IReadOnlyDictionary<string, string> Categories);

public sealed record LogLinesJson(IReadOnlyList<LogLineJson> Lines);

/// <summary>/log: the last lines, those to come, and what is logged from now on.</summary>
internal static class LogEndpoints
{
    private static readonly string[] s_levels = ["trace", "debug", "information", "warning", "error", "critical", "none"];

    public static void MapLogs(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/log", (HttpRequest request, ManagedNode node) => node.Logs is { } logs
            ? TypedResults.Json(new LogLinesJson(logs.Tail.Last(Arguments.Number(request, "last", 100, 1, 1000), Filter(request))), ManagementJson.Default.LogLinesJson)
            : NotOurs()).Needs(ManagementRole.Operator);
        routes.MapGet("/log/tail", (HttpContext context, ManagedNode node, TimeProvider time) => node.Logs is { } logs
            ? new ServerSentEvents<LogLineJson>(
                Events(logs.Tail.Follow(Arguments.Number(context.Request, "last", 10, 0, 1000), Filter(context.Request), context.RequestAborted)), ManagementJson.Default.LogLineJson, time)
            : NotOurs()).Needs(ManagementRole.Operator);
        routes.MapGet("/log/level", (ManagedNode node) => node.Logs is { } logs ? Levels(node, logs) : NotOurs());
        routes.MapPut("/log/level", SetAsync).Needs(ManagementRole.Operator);
    }

    private static async Task<IResult> SetAsync(HttpRequest request, ManagedNode node, CancellationToken cancellationToken)
    {
        if (node.Logs is not { } logs)
        {
            return NotOurs();
        }

        var arguments = await Arguments.ReadAsync(request, cancellationToken);
        var level = arguments.OneOf("level", [.. s_levels, "default"]);
        logs.Set(arguments["category"], level == "default" ? null : Enum.Parse<Microsoft.Extensions.Logging.LogLevel>(level, ignoreCase: true));
        return Levels(node, logs);
    }

    private static IResult Levels(ManagedNode node, LogControl logs) => TypedResults.Json(
        new LogLevelsJson(
            Name(logs.Level),
            node.Options.Log.Level.ToString().ToLowerInvariant(),
            logs.Categories.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToDictionary(entry => entry.Key, entry => Name(entry.Value))),
        ManagementJson.Default.LogLevelsJson);

    private static string Name(Microsoft.Extensions.Logging.LogLevel level) => level.ToString().ToLowerInvariant();

    private static IResult NotOurs() => ManagementProblems.Conflict("The log of this node belongs to the program that hosts it.");

    /// <summary>?level= the least, ?category= a part of the name, ?contains= a part of the message.</summary>
    private static Func<LogLineJson, bool> Filter(HttpRequest request)
    {
        var least = request.Query["level"].ToString() is { Length: > 0 } level ? Array.IndexOf(s_levels, Arguments.OneOf("level", level, s_levels)) : 0;
        var category = request.Query["category"].ToString();
        var contains = request.Query["contains"].ToString();
        return line => Array.IndexOf(s_levels, line.Level) >= least
            && line.Category.Contains(category, StringComparison.OrdinalIgnoreCase)
            && line.Message.Contains(contains, StringComparison.OrdinalIgnoreCase);
    }

    private static async IAsyncEnumerable<ServerSentEvent<LogLineJson>> Events(IAsyncEnumerable<LogLineJson> lines)
    {
        await foreach (var line in lines)
        {
            yield return new ServerSentEvent<LogLineJson>(null, null, line);
        }
    }
}
