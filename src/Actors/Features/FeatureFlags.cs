using Microsoft.Extensions.Logging;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Features;

namespace RagCluster.Actors.Features;

/// <summary>
/// Switches features while the cluster runs. A change is journaled, with who and why, and every node hears of it at once,
/// as it follows the journal; a node that cannot follow goes on with what it heard last.
/// </summary>
public sealed partial class FeatureFlags : IAsyncDisposable
{
    private static readonly TimeSpan s_askTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly IRegion<FlagCommand, FlagEvent, FlagReply> _region;
    private readonly Features _features;
    private readonly IRuntime _runtime;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _following;

    private FeatureFlags(IRegion<FlagCommand, FlagEvent, FlagReply> region, Stage stage)
    {
        (_region, _features, _runtime, _log) = (region, stage.Features, stage.Runtime, stage.Loggers.CreateLogger<FeatureFlags>());
        _following = stage.Runtime.Run(FollowAsync);
    }

    /// <summary>Starts to follow. The flags hold as soon as they were read, which a start does not wait for.</summary>
    /// <exception cref="Kernel.Journal.StoreException">The store does not answer.</exception>
    public static async Task<FeatureFlags> StartAsync(CastOptions options, Stage stage, CancellationToken cancellationToken) => new(
        await stage.Entities.StartAsync(
            new EntityDefinition<FlagBoard, FlagBoardState, FlagCommand, FlagEvent, FlagReply>
            {
                CommandJson = MessagesJson.Default.FlagCommand,
                EventJson = MessagesJson.Default.FlagEvent,
                ReplyJson = MessagesJson.Default.FlagReply,
                StateJson = StatesJson.Default.FlagBoardState,
                Role = options.ByRole ? CastRoles.Conversations : null,
                Behavior = _ => new FlagBoardBehavior(),
                Options = new EntityOptions { Shards = 1, PassivateAfter = Timeout.InfiniteTimeSpan },
            },
            cancellationToken),
        stage);

    /// <summary>Whether a feature is on, on this node.</summary>
    public bool IsOn(string name) => _features.IsOn(name);

    /// <summary>The latest change of each flag that was ever set.</summary>
    /// <exception cref="EntityUnavailableException">Nobody has the flags just now.</exception>
    public async ValueTask<IReadOnlyDictionary<string, FlagSet>> ReadAsync(CancellationToken cancellationToken) =>
        (await _region.AskAsync(FlagBoard.Id, new ReadFlags(), null, s_askTimeout, cancellationToken)).Reply is FlagsRead read ? read.Flags : new Dictionary<string, FlagSet>();

    /// <summary>When it returns the change is durable; every node obeys within moments.</summary>
    /// <param name="on">Null: as by default.</param>
    /// <exception cref="ArgumentException">There is no such feature, or no reason.</exception>
    /// <exception cref="EntityUnavailableException">Nobody has the flags just now; nothing happened.</exception>
    public async ValueTask SetAsync(string name, bool? on, string by, string reason, CancellationToken cancellationToken)
    {
        if (Features.Find(name) is null)
        {
            throw new ArgumentException($"There is no feature \"{name}\"; there are {string.Join(", ", Features.All.Select(feature => feature.Name))}.");
        }

        if ((await _region.AskAsync(FlagBoard.Id, new SetFlag(name, on, by, reason), null, s_askTimeout, cancellationToken)).Reply is FlagRefused refused)
        {
            throw new ArgumentException(refused.Detail);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stopping.Cancel();
        await _following;
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        var seen = 0L;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (var (seq, e) in _region.SubscribeAsync(FlagBoard.Id, seen, _stopping.Token))
                {
                    seen = seq;
                    if (e is FlagSet set)
                    {
                        _features.Set(set.Flag, set.On);
                        LogSet(_log, set.Flag, set.On, set.By, set.Reason);
                    }
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The flags are on their way to another node, or the store does not answer: what was heard last holds.
                LogLost(_log, e.Message);
            }

            try
            {
                await Task.Delay(s_pause, _runtime.Time, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    [LoggerMessage(6600, LogLevel.Information, "Feature {Flag} is {On} (empty: as by default), by {By}: {Reason}")]
    private static partial void LogSet(ILogger log, string flag, bool? on, string by, string reason);

    [LoggerMessage(6601, LogLevel.Debug, "The feature flags cannot be followed just now: {Reason}")]
    private static partial void LogLost(ILogger log, string reason);
}
