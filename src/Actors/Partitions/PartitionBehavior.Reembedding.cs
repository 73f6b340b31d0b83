using RagCluster.Inference;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Partitions;

/// <summary>
/// Embeds the partition anew where its vectors are not all of the node's model: document by document into a second
/// index, each durable by itself, so that what takes over after a crash goes on where it stopped; then both models are
/// compared and, where the new one finds no less, the second index takes the place of the first.
/// </summary>
public sealed partial class PartitionBehavior
{
    private bool _reembedding;

    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)
    {
        Consider();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask CommittedAsync(IReadOnlyList<Recorded<PartitionEvent>> events, CancellationToken cancellationToken)
    {
        foreach (var recorded in events)
        {
            if (recorded.Event is ChunksIndexed)
            {
                Consider();
                break;
            }
        }

        return ValueTask.CompletedTask;
    }

    private void Consider()
    {
        if (reembedder is null || _reembedding)
        {
            return;
        }

        var target = reembedder.Target;
        var now = _indexes.Now;
        var refused = Context.State.Refused is { } refusal && refusal.IsComparableTo(target) && !reembedder.Options.SwitchAnyway;
        var all = _indexes.IsAll(target);
        if (now.Next is null ? all || refused : all && !now.NextModel!.IsComparableTo(target) && GiveUp(now.NextModel!))
        {
            return;
        }

        _reembedding = true;
        Context.Run(
            $"embed anew with {target}",
            async stopping =>
            {
                await ReembedAsync(target, stopping);
                return target;
            },
            _ =>
            {
                _reembedding = false;
                Consider();
            });
    }

    /// <summary>The model was changed back before the other one was ready.</summary>
    private bool GiveUp(EmbeddingModel model)
    {
        Context.ExecuteLater(new EndReembedding(model, false, null), TimeSpan.Zero);
        return true;
    }

    private async Task ReembedAsync(EmbeddingModel target, CancellationToken stopping)
    {
        Tell(target, "waiting", "It waits for its turn.");
        await reembedder!.WaitForTurnAsync(stopping);
        try
        {
            await Context.ExecuteAsync(new BeginReembedding(target), stopping);
            while (!await FinishAsync(target, stopping))
            {
                // Documents came while the last ones were embedded.
            }
        }
        finally
        {
            reembedder.EndTurn();
        }
    }

    /// <summary>Whether it has ended, one way or the other.</summary>
    private async Task<bool> FinishAsync(EmbeddingModel target, CancellationToken stopping)
    {
        var id = Context.Id.Value;
        var tenant = Messages.TenantId.Of(id[..id.LastIndexOf('/')]);
        foreach (var document in _indexes.Now.Missing)
        {
            if (_indexes.Now.Active.Reader.Content(document) is not { } content)
            {
                continue;
            }

            Tell(target, "embedding", null);
            var vectors = await reembedder!.EmbedAsync(tenant, content.Chunks, reason => Tell(target, "waiting", reason), stopping);
            await Context.ExecuteAsync(new ReembedChunks(document, content.Version, target, vectors), stopping);
        }

        var now = _indexes.Now;
        if (now.Next is null || now.Model is null)
        {
            return true;
        }

        Tell(target, "comparing", null);
        ModelComparison? comparison;
        try
        {
            comparison = await reembedder!.CompareAsync(now.Active.Reader, now.Model, now.Next.Reader, stopping);
        }
        catch (InferenceException e)
        {
            Tell(target, "waiting", e.Message);
            await Task.Delay(reembedder!.Options.Pause, Context.Time, stopping);
            return false;
        }

        var better = reembedder.IsNoWorse(comparison);
        var (reply, _) = await Context.ExecuteAsync(new EndReembedding(target, better, comparison), stopping);
        if (reply is not PartitionDone { Changed: true })
        {
            return false;
        }

        Tell(target, better ? "switched" : "kept", comparison is null ? null : $"Recall of {comparison.Queries} questions: {comparison.Old?.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"} before, {comparison.New.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture)} now.", comparison);
        return true;
    }

    private void Tell(EmbeddingModel target, string state, string? reason, ModelComparison? comparison = null)
    {
        var now = _indexes.Now;
        var documents = now.Active.Reader.DocumentCount;
        reembedder!.Tell(new ReembeddingStatus(
            Context.Id.Value, now.Model, target, state, documents, state == "switched" ? documents : Math.Min(now.Done, documents), comparison, reason));
    }
}
