using RagCluster.Kernel;
using RagCluster.Kernel.DeadLetters;

namespace RagCluster.Nodes.Management.ActorTrees;

/// <param name="Mailbox">Messages that wait.</param>
/// <param name="Children">How many there are; <paramref name="Below"/> has those within the depth that was asked for.</param>
public sealed record ActorJson(string Path, string Type, string State, int Mailbox, int Capacity, long Handled, int Restarts, int Children, IReadOnlyList<ActorJson> Below);

public sealed record ActorsJson(int Count, IReadOnlyList<ActorJson> Actors);

public sealed record FullMailboxJson(string Path, string Type, int Mailbox, int Capacity, double Filled);

public sealed record FullMailboxesJson(IReadOnlyList<FullMailboxJson> Actors);

/// <summary>Times in milliseconds.</summary>
public sealed record SlowActorJson(string Path, string Type, long Messages, double Busy, double Mean, double Longest, string LongestMessage);

/// <param name="Seconds">For how long was measured.</param>
public sealed record SlowActorsJson(double Seconds, IReadOnlyList<SlowActorJson> Actors);

public sealed record DeadLetterJson(string Recipient, string Message, string Reason, DateTimeOffset At);

/// <param name="Counts">By reason, since the start.</param>
public sealed record DeadLettersJson(long Total, IReadOnlyDictionary<string, long> Counts, IReadOnlyList<DeadLetterJson> Last);

/// <summary>/actors and /dead-letters: the actors of the node that is asked.</summary>
internal static class ActorEndpoints
{
    /// <summary>Of one answer; more are counted and not shown.</summary>
    private const int MaxActors = 5000;

    public static void MapActors(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/actors", (HttpRequest request, ManagedNode node) => Tree(request, node));
        routes.MapGet("/actors/fullest", (HttpRequest request, ManagedNode node) =>
        {
            var top = Arguments.Number(request, "top", 20, 1, 1000);
            return TypedResults.Json(
                new FullMailboxesJson(
                [
                    .. All(node.NeedRunning().System.Snapshot()).Where(actor => actor.MailboxDepth > 0)
                        .OrderByDescending(actor => (double)actor.MailboxDepth / actor.MailboxCapacity).Take(top)
                        .Select(actor => new FullMailboxJson(actor.Path.ToString(), actor.Type, actor.MailboxDepth, actor.MailboxCapacity, Math.Round((double)actor.MailboxDepth / actor.MailboxCapacity, 4))),
                ]),
                ManagementJson.Default.FullMailboxesJson);
        });
        routes.MapGet("/actors/slowest", SlowestAsync);
        routes.MapGet("/dead-letters", (ManagedNode node) =>
        {
            var office = node.NeedRunning().System.DeadLetters;
            return TypedResults.Json(
                new DeadLettersJson(
                    office.Total,
                    Enum.GetValues<DeadLetterReason>().ToDictionary(reason => reason.ToString(), office.Count),
                    [.. office.Last().Reverse().Select(letter => new DeadLetterJson(letter.Recipient.ToString(), letter.MessageType, letter.Reason.ToString(), letter.At))]),
                ManagementJson.Default.DeadLettersJson);
        });
    }

    private static IResult Tree(HttpRequest request, ManagedNode node)
    {
        var depth = Arguments.Number(request, "depth", 3, 0, 100);
        var path = request.Query["path"].ToString().TrimEnd('/');
        var roots = node.NeedRunning().System.Snapshot();
        if (path.Length > 0 && path != "/user")
        {
            if (All(roots).FirstOrDefault(actor => actor.Path.ToString() == path) is not { } root)
            {
                return ManagementProblems.NotFound($"There is no actor {path}. Paths begin with /user, such as {(roots.Count > 0 ? roots[0].Path : "none yet")}.");
            }

            roots = [root];
        }

        var left = MaxActors;
        return TypedResults.Json(new ActorsJson(All(roots).Count(), Json(roots, depth, ref left)), ManagementJson.Default.ActorsJson);
    }

    private static async Task<IResult> SlowestAsync(HttpRequest request, ManagedNode node, CancellationToken cancellationToken)
    {
        var top = Arguments.Number(request, "top", 20, 1, 1000);
        var span = TimeSpan.FromSeconds(Arguments.Number(request, "seconds", 2, 1, 30));
        var timings = await node.NeedRunning().System.MeasureAsync(span, cancellationToken);
        return TypedResults.Json(
            new SlowActorsJson(
                span.TotalSeconds,
                [
                    .. timings.Take(top).Select(timing => new SlowActorJson(
                        timing.Path.ToString(), timing.Type, timing.Messages, Milliseconds(timing.Busy), Milliseconds(timing.Busy / Math.Max(1, timing.Messages)), Milliseconds(timing.Longest), timing.LongestMessage)),
                ]),
            ManagementJson.Default.SlowActorsJson);
    }

    private static double Milliseconds(TimeSpan span) => Math.Round(span.TotalMilliseconds, 3);

    private static IEnumerable<ActorSnapshot> All(IEnumerable<ActorSnapshot> actors) => actors.SelectMany(actor => All(actor.Children).Prepend(actor));

    private static List<ActorJson> Json(IReadOnlyList<ActorSnapshot> actors, int depth, ref int left)
    {
        var shown = new List<ActorJson>();
        foreach (var actor in actors)
        {
            if (left-- <= 0)
            {
                break;
            }

            var below = depth > 0 ? Json(actor.Children, depth - 1, ref left) : [];
            shown.Add(new ActorJson(
                actor.Path.ToString(), actor.Type, actor.State.ToString(), actor.MailboxDepth, actor.MailboxCapacity, actor.MessagesHandled, actor.Restarts, actor.Children.Count, below));
        }

        return shown;
    }
}
