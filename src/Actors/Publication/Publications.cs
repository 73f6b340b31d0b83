using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Publication;

namespace RagCluster.Actors.Publication;

/// <summary>Starts the publications that the sink wants, wherever in the cluster they then run.</summary>
internal sealed class Publications : IDisposable
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();

    private Publications()
    {
    }

    public static async Task<Publications> StartAsync(CastOptions options, Stage stage, IEventSink sink, CancellationToken cancellationToken)
    {
        var shards = new Dictionary<string, int> { [Document.Type] = options.DocumentEntities.Shards, [Conversation.Type] = options.ConversationEntities.Shards };
        var region = await stage.Entities.StartAsync(
            new EntityDefinition<Publication, PublicationState, PublicationCommand, PublicationEvent, PublicationReply>
            {
                CommandJson = MessagesJson.Default.PublicationCommand,
                EventJson = MessagesJson.Default.PublicationEvent,
                ReplyJson = MessagesJson.Default.PublicationReply,
                StateJson = StatesJson.Default.PublicationState,
                Role = options.ByRole ? CastRoles.Documents : null,
                Behavior = _ => new PublicationBehavior(shards.Where(s => sink.Sources.Contains(s.Key)).ToDictionary(), sink, stage, options.PublicationSaveEvery),
                Options = new EntityOptions { Shards = 2, SnapshotEvery = 500, PassivateAfter = Timeout.InfiniteTimeSpan, RecentEvents = 0 },
            },
            cancellationToken);
        var publications = new Publications();
        foreach (var source in sink.Sources)
        {
            // In the background: in a cluster the shards may not have an owner before every node is there.
            _ = stage.Runtime.Run(() => BeginAsync(region, source, stage, publications._stopping.Token));
        }

        return publications;
    }

    /// <summary>Asks no more; publications that run are stopped as every entity is.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private static async Task BeginAsync(IRegion<PublicationCommand, PublicationEvent, PublicationReply> region, string source, Stage stage, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await region.AskAsync(new EntityId(source), new BeginPublication(), null, AskTimeout, cancellationToken);
                return;
            }
            catch (Exception e) when (e is EntityUnavailableException or EntityFailedException or TimeoutException)
            {
                try
                {
                    await Task.Delay(AskAgainAfter, stage.Runtime.Time, cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
