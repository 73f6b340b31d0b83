using RagCluster.CheckerKit;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Conversations;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>
/// Follows one conversation from the last event that it saw, through whatever node it finds, for as long as the connection
/// holds; then again. What it has seen must be the journal.
/// </summary>
internal sealed class Follower(Cluster cluster, ConversationClient of, string name)
{
    private static readonly TimeSpan s_stays = TimeSpan.FromSeconds(6);

    private readonly StreamReading _reading = new(name, of.Entity, 0);

    private TaskCompletionSource? _ended;

    public string Conversation => of.Entity;

    public long Seen => _reading.Items.Count == 0 ? _reading.After : _reading.Items[^1].Seq;

    /// <summary>Ends the connection that it has.</summary>
    public void Leave() => _ended?.TrySetResult();

    public async Task RunAsync(Func<bool> isOver)
    {
        cluster.Record.Streams.Add(_reading);
        while (!isOver())
        {
            await ConnectAsync();
            await cluster.Delay(cluster.Exponential(TimeSpan.FromMilliseconds(300)));
        }
    }

    private async Task ConnectAsync()
    {
        if (cluster.Membership.Pick() is not { Life: { IsReady: true } life } machine)
        {
            return;
        }

        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connected = true;
        void Broken(Exception reason)
        {
            // What comes after this does not arrive any more.
            connected = false;
            ended.TrySetResult();
        }

        life.Await(Broken);
        var after = Seen;
        cluster.Tell(name, $"-> {machine.Name}: follows {of.Entity} after {after}");
        var gone = new CancellationTokenSource();
        _ = life.Runtime.Run(async () =>
        {
            try
            {
                var events = await life.Cast!.Conversations.SubscribeAsync(of.Person, of.Conversation, after, gone.Token);
                if (events is not null)
                {
                    await foreach (var (seq, e) in events.WithCancellation(gone.Token))
                    {
                        if (!connected)
                        {
                            return;
                        }

                        Take(seq, e);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or EntityUnavailableException or TimeoutException or EntityFailedException)
            {
                cluster.Tell(name, $"<- {machine.Name}: {e.GetType().Name}: {e.Message}");
            }
            catch (Exception e)
            {
                // A gateway ends the connection; the reader takes it up again.
                cluster.Record.Shown.Add(new Shown(of.Person.Tenant.Value, $"the error of the stream of {name}", e.Message));
                cluster.Tell(name, $"<- {machine.Name}: {e.GetType().Name}: {e.Message}");
            }

            ended.TrySetResult();
        });

        // People close laptops, too.
        _ended = ended;
        using var leaves = cluster.World.Time.CreateTimer(
            static state => ((TaskCompletionSource)state!).TrySetResult(), ended, cluster.Exponential(s_stays > cluster.Plan.Think ? s_stays : cluster.Plan.Think), Timeout.InfiniteTimeSpan);
        await ended.Task;
        connected = false;
        life.Forget(Broken);
        if (!life.Runtime.IsKilled)
        {
            _ = life.Runtime.Run(() =>
            {
                gone.Cancel();
                return Task.CompletedTask;
            });
        }
    }

    private void Take(long seq, ConversationEvent e)
    {
        _reading.Items.Add((cluster.Now, seq, e));
        cluster.Tell(name, $"sees {of.Entity} {seq}: {e.GetType().Name}");
    }
}
