using System.Text.Json;
using RagCluster.Actors.Conversations;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>
/// C2, second half. The log gives the order, so what is left to check is that it agrees with what clients saw: nobody is
/// shown a past that somebody had already been told is over, and what is shown is what the log says of that moment.
/// </summary>
public sealed class Linearizability : IChecker
{
    public string Name => "C2-linear";

    public string Promise => "Whatever begins after an acknowledgement sees it; a conversation that is shown is what its log says as of that sequence number.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var violation in (run.ReadsMayBeStale ? [] : InOrder(run)).Concat(Agree(run)))
        {
            yield return violation;
        }
    }

    private IEnumerable<Violation> InOrder(Run run)
    {
        var told = run.Operations
            .Where(operation => operation is { Outcome: Outcome.Acknowledged, EndedAt: not null, Entity.Type: "conversation" } && (operation.Once || operation.Unchanged) && operation.Seq > 0)
            .Select(operation => (Entity: operation.Entity.Id, From: operation.InvokedAt, To: operation.EndedAt!.Value, operation.Seq, What: operation.Marker))
            .Concat(run.Views.Select(view => (Entity: view.Conversation, view.From, view.To, view.Seq, What: $"view of {view.Client}")))
            .Concat(run.Reads.Select(read => (Entity: read.Conversation, read.From, read.To, read.Seq, What: $"read of {read.Client}")));
        foreach (var entity in told.GroupBy(entry => entry.Entity))
        {
            var ends = entity.OrderBy(entry => entry.To).ToList();
            var (next, known) = (0, (Seq: 0L, What: ""));
            foreach (var begun in entity.OrderBy(entry => entry.From))
            {
                for (; next < ends.Count && ends[next].To < begun.From; next++)
                {
                    known = ends[next].Seq > known.Seq ? (ends[next].Seq, ends[next].What) : known;
                }

                if (begun.Seq < known.Seq)
                {
                    yield return new Violation(Name, entity.Key, $"\"{begun.What}\" began at {begun.From} and was answered as of {begun.Seq}, after \"{known.What}\" had been told {known.Seq}.");
                }
            }
        }
    }

    private IEnumerable<Violation> Agree(Run run)
    {
        var logs = run.Log.Where(record => record.Event is ConversationEvent).GroupBy(record => record.Entity).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var entity in run.Views.GroupBy(view => view.Conversation))
        {
            var log = logs.GetValueOrDefault(entity.Key) ?? [];
            var state = Conversation.Initial(new EntityId(entity.Key));
            var at = 0;
            foreach (var view in entity.OrderBy(view => view.Seq))
            {
                if (view.Seq > log.Count)
                {
                    yield return new Violation(Name, entity.Key, $"{view.Client} was shown {view.Seq} events; the log has {log.Count}.");
                    continue;
                }

                for (; at < view.Seq; at++)
                {
                    state = Conversation.Evolve(state, (ConversationEvent)log[at].Event);
                }

                var expected = new ConversationView(state.Title, state.StartedAt, [.. state.Questions.Select(question => question.ToTurn())]);
                if (Json(expected) != Json(view.View))
                {
                    yield return new Violation(Name, entity.Key, $"{view.Client} was shown, as of {view.Seq}, {Json(view.View)}; the log says {Json(expected)}.");
                }
            }
        }
    }

    private static string Json(ConversationReply view) => JsonSerializer.Serialize(view, MessagesJson.Default.ConversationReply);
}
