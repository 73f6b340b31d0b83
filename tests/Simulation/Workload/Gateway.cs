using RagCluster.Actors;
using RagCluster.CheckerKit;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>What became of one request.</summary>
internal enum Fate
{
    Answered,

    /// <summary>It certainly had no effect.</summary>
    NoEffect,

    /// <summary>Nobody knows.</summary>
    Unknown,
}

internal readonly record struct Answer<T>(Fate Fate, T? Value, string? Error);

/// <summary>The way of clients into the cluster: a request to some node, which may die under it.</summary>
internal sealed class Gateway(Cluster cluster)
{
    /// <summary>A client waits longer than any node does.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public int UnderWay { get; private set; }

    /// <param name="tenant">Who is shown the error, if there is one.</param>
    /// <param name="call">Runs on the node. What it throws is told as a gateway tells it.</param>
    /// <param name="machine">To whom the client turns; null: to any.</param>
    public async Task<Answer<T>> CallAsync<T>(string client, string tenant, string what, Func<Cast, CancellationToken, Task<T>> call, Machine? machine = null)
    {
        machine ??= cluster.Membership.Pick();
        if (machine?.Life is not { IsReady: true } life)
        {
            // Nobody listens: the connection is refused.
            await cluster.Delay(TimeSpan.FromMilliseconds(200));
            return new Answer<T>(Fate.NoEffect, default, "No node answers.");
        }

        UnderWay++;
        cluster.Tell(client, $"-> {machine.Name}: {what}");
        var done = new TaskCompletionSource<Answer<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Broken(Exception e) => done.TrySetResult(new Answer<T>(Fate.Unknown, default, e.Message));
        life.Await(Broken);
        var gone = new CancellationTokenSource();
        _ = life.Runtime.Run(async () =>
        {
            try
            {
                var value = await call(life.Cast!, gone.Token);
                done.TrySetResult(new Answer<T>(Fate.Answered, value, null));
            }
            catch (Exception e)
            {
                done.TrySetResult(new Answer<T>(e is EntityUnavailableException or StoreException ? Fate.NoEffect : Fate.Unknown, default, $"{e.GetType().Name}: {e.Message}"));
            }
        });
        using var patience = new CancellationTokenSource(Patience, cluster.World.Time);
        Answer<T> answer;
        try
        {
            answer = await done.Task.OrCancelled(patience.Token);
        }
        catch (OperationCanceledException)
        {
            answer = new Answer<T>(Fate.Unknown, default, $"No answer within {Patience.TotalSeconds:0} s.");
            if (!life.Runtime.IsKilled)
            {
                // The node sees that its client has gone.
                _ = life.Runtime.Run(() =>
                {
                    gone.Cancel();
                    return Task.CompletedTask;
                });
            }
        }

        life.Forget(Broken);
        UnderWay--;
        if (answer.Error is { } error)
        {
            cluster.Record.Shown.Add(new Shown(tenant, $"the error of \"{what}\" for {client}", error));
            cluster.Tell(client, $"<- {machine.Name}: {answer.Fate}, {error}");
        }

        return answer;
    }
}
