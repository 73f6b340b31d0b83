using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Documents;

namespace RagCluster.Actors.Documents;

using Behavior = EntityBehavior<DocumentState, DocumentCommand, DocumentEvent, DocumentReply>;

/// <summary>
/// Brings the index to what the document's state promises. After every change, and after recovery, it looks at what is
/// open and works on that alone; work that a newer state made pointless is cancelled, and the next begins only when it
/// has ended, so that an old version cannot overtake a new one.
/// </summary>
public sealed partial class DocumentBehavior(DocumentProcessor processor, IngestionGate gate, DocumentOptions options, ILogger<DocumentBehavior> log) : Behavior
{
    private Goal? _goal;
    private CancellationTokenSource? _cancellation;
    private Task _working = Task.CompletedTask;

    private enum Work
    {
        Process,
        Restrict,
        Remove,
    }

    /// <summary>What to do, for which version and readers. Equal goals are the same work.</summary>
    private readonly record struct Goal(Work Work, int Version, int AccessRevision);

    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)
    {
        if (Context.State is { Exists: true, RetryAt: { } at })
        {
            ScheduleRetry(at);
        }

        Pursue();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask CommittedAsync(IReadOnlyList<Recorded<DocumentEvent>> events, CancellationToken cancellationToken)
    {
        ActorMetrics.Committed(events, Context.State);
        foreach (var (_, e) in events)
        {
            if (e is DocumentFailed { RetryAt: { } at })
            {
                ScheduleRetry(at);
            }
        }

        Pursue();
        return ValueTask.CompletedTask;
    }

    protected override bool TryAnswer(DocumentCommand command, CancellationToken cancellationToken, out ValueTask<DocumentReply> answer)
    {
        var refused = command is Ingest && gate.IsOverfull;
        answer = refused
            ? ValueTask.FromResult<DocumentReply>(new DocumentRefused(DocumentRefusals.Busy, "Too many documents wait at this one's owner; send it again in a moment."))
            : default;
        return refused;
    }

    private void ScheduleRetry(DateTimeOffset at)
    {
        // The time was written by the clock of whoever owned the document then: one that was wrong by an hour must not
        // hold it up for longer than any wait that is meant.
        var delay = at - Context.Time.GetUtcNow();
        Context.ExecuteLater(new Retry(), delay < TimeSpan.Zero ? TimeSpan.Zero : delay < options.MaxRetryBackoff ? delay : options.MaxRetryBackoff);
    }

    private static Goal? NextGoal(DocumentState state) => state switch
    {
        { Status: DocumentStatus.Removing } => new Goal(Work.Remove, state.Version, 0),

        // Readers first: a version in process takes them along, but that may be long.
        { AccessPending: true } => new Goal(Work.Restrict, state.Version, state.AccessRevision),
        { InProcess: true } => new Goal(Work.Process, state.Version, 0),
        _ => null,
    };

    private void Pursue()
    {
        var goal = NextGoal(Context.State);
        if (goal == _goal)
        {
            return;
        }

        // Without a goal there is nothing to make room for: the work has reached its end, or failed, and waits only for
        // the reply to the command that said so.
        if (goal is not null)
        {
            _cancellation?.Cancel();
        }

        _cancellation = null;
        _goal = goal;
        if (goal is not { } next)
        {
            return;
        }

        var cancellation = _cancellation = new CancellationTokenSource();
        var before = _working;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _working = done.Task;
        Context.Run($"{next.Work} version {next.Version}", async stopping =>
        {
            try
            {
                await before;
                await WorkAsync(next, cancellation.Token, stopping);
            }
            finally
            {
                done.SetResult();
                cancellation.Dispose();
            }
        });
    }

    private async Task WorkAsync(Goal goal, CancellationToken outdated, CancellationToken stopping)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(outdated, stopping);
        var state = Context.State;
        try
        {
            switch (goal.Work)
            {
                case Work.Remove:
                    await processor.RemoveAsync(Context.Id, state, either.Token);
                    await Context.ExecuteAsync(new ConfirmRemoved(), stopping);
                    break;
                case Work.Restrict:
                    await processor.RestrictAsync(Context.Id, state, either.Token);
                    await Context.ExecuteAsync(new ConfirmAccess(goal.AccessRevision), stopping);
                    break;
                case Work.Process:
                    await processor.ProcessAsync(
                        Context.Id,
                        () => Context.State,
                        goal.Version,
                        async (reached, token) => (await Context.ExecuteAsync(new Report(goal.Version, reached), token)).Reply is DocumentAccepted or DocumentUnchanged,
                        either.Token);
                    break;
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // Outdated, or the entity leaves memory: what is still open is taken up by whoever looks next.
        }
        catch (ProcessingException e) when (goal.Work == Work.Process)
        {
            await FailAsync(goal.Version, e.Code, e.Message, e.Transient, stopping);
        }
        catch (Exception e) when (goal.Work == Work.Process && e is not (EntityUnavailableException or EntityFailedException or TimeoutException))
        {
            LogProcessingFailed(log, Context.Id.Value, goal.Version, e);
            await FailAsync(goal.Version, FailureCodes.Internal, $"Processing failed for a reason of RagCluster's own ({e.GetType().Name}); the node's log has it.", transient: true, stopping);
        }
        catch (Exception e) when (goal.Work == Work.Process)
        {
            await FailAsync(goal.Version, FailureCodes.StoreUnavailable, $"The index did not answer: {e.Message}", transient: true, stopping);
        }
    }

    private async Task FailAsync(int version, string code, string detail, bool transient, CancellationToken stopping)
    {
        var retryAfter = transient ? options.RetryAfter(Context.State.Attempts + 1) : null;
        await Context.ExecuteAsync(new ReportFailure(version, code, detail, retryAfter), stopping);
    }

    [LoggerMessage(6101, LogLevel.Error, "Document {Document}, version {Version}: processing failed.")]
    private static partial void LogProcessingFailed(ILogger log, string document, int version, Exception exception);
}
