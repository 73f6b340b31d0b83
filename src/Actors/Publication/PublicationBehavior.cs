using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Projections;
using RagCluster.Messages.Publication;

namespace RagCluster.Actors.Publication;

/// <summary>
/// Follows the logs of its type's shards, publishes page after page, and journals from time to time how far it came. At
/// least once: what was published after the last such note is published again after a crash.
/// </summary>
internal sealed class PublicationBehavior(IReadOnlyDictionary<string, int> shards, IEventSink sink, Stage stage, TimeSpan saveEvery)
    : EntityBehavior<PublicationState, PublicationCommand, PublicationEvent, PublicationReply>
{
    private bool _runs;

    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)
    {
        Pursue();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask CommittedAsync(IReadOnlyList<Recorded<PublicationEvent>> events, CancellationToken cancellationToken)
    {
        Pursue();
        return ValueTask.CompletedTask;
    }

    private void Pursue()
    {
        // A type that is no longer wanted keeps its positions, for the day on which it is again.
        if (!_runs && Context.State.Begun && shards.TryGetValue(Context.Id.Value, out var count))
        {
            _runs = true;
            Context.Run("publish", stopping => PublishAsync(count, stopping));
        }
    }

    private async Task PublishAsync(int count, CancellationToken stopping)
    {
        var pages = new Pages(Context.Id.Value, Context.State.Positions, sink);
        var runner = await ProjectionRunner.StartAsync(
            pages,
            stage.Store,
            Context.Id.Value,
            count,
            stage.Entities.Commits,
            stage.Runtime,
            stage.Loggers.CreateLogger<ProjectionRunner>(),
            new ProjectionOptions { GatherFor = TimeSpan.FromMilliseconds(100) },
            stopping);
        try
        {
            while (true)
            {
                await Task.Delay(saveEvery, Context.Time, stopping);
                await SaveAsync(pages, stopping);
            }
        }
        finally
        {
            await runner.DisposeAsync();
        }
    }

    private async Task SaveAsync(Pages pages, CancellationToken stopping)
    {
        if (pages.TakeNews() is not { Count: > 0 } news)
        {
            return;
        }

        try
        {
            await Context.ExecuteAsync(new AdvancePublication(news), stopping);
        }
        catch (Exception e) when (e is EntityUnavailableException or TimeoutException)
        {
            // Noted with the next ones; until then more would be published again after a crash, and nothing is lost.
            pages.GiveBack(news);
        }
    }

    /// <summary>Publishes pages of the logs; a page that is not safe there comes again.</summary>
    private sealed class Pages(string source, ImmutableSortedDictionary<int, long> positions, IEventSink sink) : IProjection
    {
        private readonly ConcurrentDictionary<int, long> _news = new();

        public string Name => $"publication of {source}";

        public ValueTask<long> PositionAsync(int shardId, CancellationToken cancellationToken) => ValueTask.FromResult(positions.GetValueOrDefault(shardId));

        public async ValueTask ApplyAsync(int shardId, IReadOnlyList<JournalRecord> events, CancellationToken cancellationToken)
        {
            var outgoing = new List<OutgoingEvent>(events.Count);
            foreach (var record in events)
            {
                if (OutgoingEvents.Of(source, shardId, record) is { } e)
                {
                    outgoing.Add(e);
                }
            }

            if (outgoing.Count > 0)
            {
                await sink.PublishAsync(outgoing, cancellationToken);
            }

            _news[shardId] = events[^1].ShardSeq;
        }

        /// <summary>Only what nobody has overtaken meanwhile is taken away.</summary>
        public ImmutableSortedDictionary<int, long> TakeNews()
        {
            var news = _news.ToImmutableSortedDictionary();
            foreach (var pair in news)
            {
                _news.TryRemove(pair);
            }

            return news;
        }

        public void GiveBack(ImmutableSortedDictionary<int, long> news)
        {
            foreach (var (shard, position) in news)
            {
                _news.TryAdd(shard, position);
            }
        }
    }
}
