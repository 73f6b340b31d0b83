namespace RagCluster.Actors.Conversations;

/// <summary>How conversations answer.</summary>
public sealed record ConversationOptions
{
    /// <summary>How many UTF-16 code units a question may have.</summary>
    public int MaxQuestionChars { get; init; } = 16_000;

    /// <summary>How many earlier turns the rewriting of a question and the prompt may look at.</summary>
    public int HistoryTurns { get; init; } = 6;

    /// <summary>A question without an answer by then has failed.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(150);

    /// <summary>How long a caller waits for a conversation's reply.</summary>
    public TimeSpan AskTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
