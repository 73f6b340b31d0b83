using Microsoft.Extensions.Logging;
using RagCluster.Inference;
using RagCluster.Inference.Prompting;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Text;

namespace RagCluster.Actors.Conversations;

using Behavior = EntityBehavior<ConversationState, ConversationCommand, ConversationEvent, ConversationReply>;
using Context = IEntityContext<ConversationState, ConversationCommand, ConversationEvent, ConversationReply>;

/// <summary>
/// Has the open questions answered, one after the other. After a crash the first open one is simply answered again:
/// the decider records that the text shown so far is void.
/// </summary>
public sealed partial class ConversationBehavior(IAnswering answering, ConversationOptions options, ILogger<ConversationBehavior> log) : Behavior
{
    private QuestionId? _current;
    private CancellationTokenSource? _cancellation;

    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)
    {
        AnswerNext();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask CommittedAsync(IReadOnlyList<Recorded<ConversationEvent>> events, CancellationToken cancellationToken)
    {
        ActorMetrics.Committed(events, Context.State);
        if (_current is { } current && Context.State.Find(current) is not { IsOpen: true })
        {
            // Ended: completed by its author, or cancelled by the asker, in which case the author stops here.
            _cancellation?.Cancel();
            _cancellation = null;
            _current = null;
        }

        AnswerNext();
        return ValueTask.CompletedTask;
    }

    private void AnswerNext()
    {
        var state = Context.State;
        if (_current is not null || state.NextOpen() is not { } question)
        {
            return;
        }

        _current = question.Id;
        var cancellation = _cancellation = new CancellationTokenSource(options.AnswerTimeout, Context.Time);
        IReadOnlyList<PastTurn> history =
        [
            .. state.Questions
                .TakeWhile(q => q.Id != question.Id)
                .Where(q => q.Status == TurnStatus.Completed)
                .TakeLast(options.HistoryTurns)
                .Select(q => new PastTurn(q.Text, q.Answer)),
        ];
        Context.Run($"answer {question.Id}", stopping => AnswerAsync(question, history, cancellation, stopping));
    }

    private async Task AnswerAsync(QuestionState question, IReadOnlyList<PastTurn> history, CancellationTokenSource cancellation, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellation.Token);
        try
        {
            await answering.AnswerAsync(question, history, new Sink(Context, question.Id), either.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The entity leaves memory. The question stays open, and whoever owns the conversation next answers it.
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Cancelled by the asker, then this changes nothing; or out of time.
            await FailAsync(question.Id, "timeout", $"No answer within {options.AnswerTimeout.TotalSeconds:0} s. Ask again, or look at the inference endpoint.", stopping);
        }
        catch (InferenceException e)
        {
            LogInferenceFailed(log, Context.Id.Value, question.Id.Value, e);
            await FailAsync(question.Id, "inference-" + System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(e.Code.ToString()), e.Message, stopping);
        }
        catch (EntityUnavailableException e)
        {
            await FailAsync(question.Id, "unavailable", e.Message, stopping);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogAnswerFailed(log, Context.Id.Value, question.Id.Value, e);
            await FailAsync(question.Id, "internal", "The answer failed for a reason of RagCluster's own; the node's log has it. Asking again may help.", stopping);
        }
        finally
        {
            cancellation.Dispose();
        }
    }

    private async Task FailAsync(QuestionId question, string code, string detail, CancellationToken stopping) =>
        await Context.ExecuteAsync(new FailAnswer(question, code, detail), stopping);

    private sealed class Sink(Context context, QuestionId question) : IAnswerSink
    {
        public ValueTask<bool> BeginAsync(string query, CancellationToken cancellationToken) =>
            TellAsync(new BeginAnswer(question, query), cancellationToken);

        public ValueTask<bool> SourcesAsync(IReadOnlyList<ScoredPassage> sources, bool partial, CancellationToken cancellationToken) =>
            TellAsync(new RecordSources(question, sources, partial), cancellationToken);

        public ValueTask<bool> DeltaAsync(string text, CancellationToken cancellationToken) =>
            TellAsync(new AppendDelta(question, text), cancellationToken);

        public ValueTask<bool> CompleteAsync(
            string text, IReadOnlyList<Citation> citations, IReadOnlyList<TextSpan> unsupported, bool abstained, string model, CancellationToken cancellationToken)
        {
            IReadOnlyList<UnsupportedSpan>? spans = unsupported.Count == 0 ? null : [.. unsupported.Select(s => new UnsupportedSpan(s.Start, s.End))];
            return TellAsync(new CompleteAnswer(question, text, citations, abstained, model) { Unsupported = spans }, cancellationToken);
        }

        private async ValueTask<bool> TellAsync(ConversationCommand command, CancellationToken cancellationToken) =>
            (await context.ExecuteAsync(command, cancellationToken)).Reply is Accepted;
    }

    [LoggerMessage(6001, LogLevel.Warning, "Conversation {Conversation}, question {Question}: inference failed.")]
    private static partial void LogInferenceFailed(ILogger log, string conversation, string question, Exception exception);

    [LoggerMessage(6002, LogLevel.Error, "Conversation {Conversation}, question {Question}: the answer failed.")]
    private static partial void LogAnswerFailed(ILogger log, string conversation, string question, Exception exception);
}
