using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C10 and I4: a reader sees the journal, without gap or duplicate, through whatever number of connections.</summary>
public sealed class Streams : IChecker
{
    public string Name => "C10";

    public string Promise => "A stream is the journal from where it was asked for: every event once, in order, and as it was journaled.";

    public IEnumerable<Violation> Check(Run run)
    {
        var logs = run.Log.Where(record => record.Event is ConversationEvent).GroupBy(record => record.Entity).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var stream in run.Streams)
        {
            var log = logs.GetValueOrDefault(stream.Conversation) ?? [];
            var last = stream.After;
            foreach (var (at, seq, @event) in stream.Items)
            {
                if (seq != last + 1)
                {
                    yield return new Violation(Name, stream.Conversation, $"{stream.Reader}, who asked for what is after {stream.After}, saw {seq} after {last}, at {at}.");
                    break;
                }

                last = seq;
                if (seq > log.Count || !IsSame((ConversationEvent)log[(int)seq - 1].Event, @event))
                {
                    yield return new Violation(Name, stream.Conversation, $"{stream.Reader} saw {Json(@event)} at {seq}; the journal has {(seq > log.Count ? "nothing" : Json((ConversationEvent)log[(int)seq - 1].Event))}.");
                    break;
                }
            }
        }
    }

    private static bool IsSame(ConversationEvent journaled, ConversationEvent seen) =>
        ReferenceEquals(journaled, seen) || (journaled.GetType() == seen.GetType() && (journaled.Equals(seen) || Json(journaled) == Json(seen)));

    private static string Json(ConversationEvent e) => JsonSerializer.Serialize(e, MessagesJson.Default.ConversationEvent);
}
