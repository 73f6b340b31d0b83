using System.Text.Json.Serialization;
using RagCluster.Kernel.Entities;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>What the store benchmark keeps: an entity that takes notes and knows how many it has.</summary>
internal sealed class Notebook : IEntity<NotebookState, NotebookCommand, Note, NotebookReply>
{
    public static string Type => "notebook";

    public static NotebookState Initial(EntityId id) => new(0);

    public static Decision<Note, NotebookReply> Decide(NotebookState state, NotebookCommand command, DateTimeOffset now) => command switch
    {
        Take take => new([new Note(take.Text)], new NotebookReply(state.Notes + 1)),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "Not a command that a notebook decides."),
    };

    public static NotebookState Evolve(NotebookState state, Note @event) => new(state.Notes + 1);
}

internal sealed record NotebookState(long Notes);

[JsonDerivedType(typeof(Take), "take")]
[JsonDerivedType(typeof(CountNotes), "count")]
internal abstract record NotebookCommand;

internal sealed record Take(string Text) : NotebookCommand;

/// <summary>Reads without deciding.</summary>
internal sealed record CountNotes : NotebookCommand;

internal sealed record Note(string Text)
{
    /// <summary>The text that makes the event so many bytes of JSON.</summary>
    public static string TextOf(int bytes) => new('n', Math.Max(1, bytes - """{"text":""}""".Length));
}

internal sealed record NotebookReply(long Notes);

internal sealed class NotebookBehavior : EntityBehavior<NotebookState, NotebookCommand, Note, NotebookReply>
{
    protected override bool TryAnswer(NotebookCommand command, CancellationToken cancellationToken, out ValueTask<NotebookReply> answer)
    {
        answer = ValueTask.FromResult(new NotebookReply(Context.State.Notes));
        return command is CountNotes;
    }
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NotebookCommand))]
[JsonSerializable(typeof(Note))]
[JsonSerializable(typeof(NotebookReply))]
[JsonSerializable(typeof(NotebookState))]
internal sealed partial class NotebookJson : JsonSerializerContext;
