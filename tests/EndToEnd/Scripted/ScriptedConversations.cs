using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>A conversation is its journal: the frames, numbered from 1.</summary>
internal sealed record ScriptedConversation(string Id, string Title, DateTimeOffset StartedAt)
{
    public string Title { get; set; } = Title;

    public Feed<JsonObject> Journal { get; } = new();

    public JsonObject Append(string type, string question, params (string Name, JsonNode? Value)[] values) => Journal.Append(seq =>
    {
        var frame = new JsonObject { ["type"] = type, ["conversation"] = Id, ["id"] = question, ["seq"] = seq };
        foreach (var (name, value) in values)
        {
            frame[name] = value;
        }

        return frame;
    });

    public bool Has(string question) => Journal.Log.Any(frame => (string?)frame["id"] == question);
}

/// <summary>Conversations that answer by script: see <see cref="Script"/>.</summary>
internal sealed class ScriptedConversations(Script script, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, ScriptedConversation> _all = new();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _answering = new();

    /// <summary>Closed, it holds every answer after <see cref="HoldAfter"/> pieces of its text.</summary>
    public Gate Answers { get; } = new();

    public int HoldAfter { get; set; } = 3;

    /// <summary>The pause between two pieces of text; none unless somebody watches.</summary>
    public TimeSpan Pace { get; set; }

    public IEnumerable<ScriptedConversation> All => _all.Values.OrderByDescending(conversation => conversation.StartedAt);

    public ConcurrentQueue<JsonObject> Feedback { get; } = new();

    public ScriptedConversation? Find(string id) => _all.GetValueOrDefault(id);

    /// <summary>Asked again with the same id in the same conversation, it is the same question.</summary>
    /// <param name="regenerateOf">The question that is answered again; <paramref name="text"/> is then its text.</param>
    public (ScriptedConversation Conversation, long Seq) Ask(string question, string id, string? text, string? regenerateOf = null)
    {
        text ??= (string)_all[id].Journal.Log.First(frame => (string?)frame["type"] == "question" && (string?)frame["id"] == regenerateOf)["text"]!;
        var asked = _all.GetOrAdd(id, _ => new ScriptedConversation(id, text.Length > 60 ? text[..60] : text, time.GetUtcNow()));
        lock (asked)
        {
            if (asked.Journal.Log.Count == 0)
            {
                asked.Append("started", "", ("title", asked.Title));
            }

            if (!asked.Has(question))
            {
                asked.Append("question", question, ("text", text), ("at", time.GetUtcNow().ToString("O")), ("regenerateOf", regenerateOf));
                var stop = _answering[question] = new CancellationTokenSource();
                _ = AnswerAsync(asked, question, text, stop.Token);
            }
        }

        return (asked, (long)asked.Journal.Log.First(frame => (string?)frame["id"] == question)["seq"]!);
    }

    public void Cancel(string question)
    {
        if (_answering.TryGetValue(question, out var stop))
        {
            stop.Cancel();
        }
    }

    private async Task AnswerAsync(ScriptedConversation conversation, string question, string text, CancellationToken stop)
    {
        try
        {
            await Task.Yield();
            var answer = script.Answer(text);
            if (answer.Failure is { } failure)
            {
                conversation.Append("failed", question, ("code", "generation-unavailable"), ("detail", failure));
                return;
            }

            conversation.Append("begun", question, ("query", text));
            conversation.Append("sources", question, ("passages", answer.Sources.DeepClone()));
            var pieces = 0;
            foreach (var piece in answer.Pieces)
            {
                stop.ThrowIfCancellationRequested();
                conversation.Append("delta", question, ("text", piece));
                if (++pieces == HoldAfter)
                {
                    await Answers.WaitAsync(stop);
                }

                await Task.Delay(Pace, time, stop);
            }

            conversation.Append(
                "completed",
                question,
                ("text", answer.Text),
                ("citations", answer.Citations.DeepClone()),
                ("abstained", answer.Citations.Count == 0),
                ("model", "scripted"));
        }
        catch (OperationCanceledException)
        {
            conversation.Append("cancelled", question);
        }
    }

    /// <summary>The conversation as GET conversations/{id} shows it.</summary>
    public static JsonObject View(ScriptedConversation conversation)
    {
        var journal = conversation.Journal.Log;
        var turns = new JsonArray();
        foreach (var asked in journal.Where(frame => (string?)frame["type"] == "question"))
        {
            var id = (string)asked["id"]!;
            var mine = journal.Where(frame => (string?)frame["id"] == id).ToList();
            var end = mine.FirstOrDefault(frame => (string?)frame["type"] is "completed" or "failed" or "cancelled");
            turns.Add(new JsonObject
            {
                ["question"] = id,
                ["text"] = (string?)asked["text"],
                ["askedAt"] = (string?)asked["at"],
                ["status"] = (string?)end?["type"] ?? "open",
                ["answer"] = (string?)end?["text"] ?? string.Concat(mine.Where(frame => (string?)frame["type"] == "delta").Select(frame => (string?)frame["text"])),
                ["citations"] = end?["citations"]?.DeepClone() ?? new JsonArray(),
                ["abstained"] = end?["abstained"]?.DeepClone() ?? false,
                ["failure"] = (string?)end?["detail"],
                ["rating"] = (string?)mine.LastOrDefault(frame => (string?)frame["type"] == "feedback")?["rating"],
            });
        }

        return new JsonObject { ["id"] = conversation.Id, ["title"] = conversation.Title, ["seq"] = journal.Count, ["turns"] = turns };
    }
}
