using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Running;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>A cluster under load of all kinds, from when it is under way until the reckoning.</summary>
internal sealed class Trial : IAsyncDisposable
{
    private static readonly TimeSpan s_think = TimeSpan.FromMilliseconds(150);

    private readonly RealCluster _cluster;

    private Trial(RealCluster cluster)
    {
        _cluster = cluster;
        Balancer = new Balancer(cluster);
        Http = new HttpLoad(cluster, Balancer, s_think);
        Sockets = new SocketLoad(cluster, Balancer, s_think);
        Nemesis = new Nemesis(cluster, Balancer);
    }

    public Balancer Balancer { get; }

    public HttpLoad Http { get; }

    public SocketLoad Sockets { get; }

    public Nemesis Nemesis { get; }

    public static async Task<Trial> BeginAsync(RealCluster cluster)
    {
        var trial = new Trial(cluster);
        trial.Http.Start(conversations: 2);
        trial.Sockets.Start(chatters: 2);
        await Task.WhenAll(trial.Http.UnderWayAsync(), trial.Sockets.UnderWayAsync());
        return trial;
    }

    /// <summary>After some more work no checker finds anything.</summary>
    public async Task EndWellAsync()
    {
        await Http.MoreAsync(20);
        (await new Reckoning(_cluster, Http, Sockets).CheckAsync()).Take(5).ShouldBeEmpty(_cluster.Output.ToString());
        _cluster.Record.Operations.Count(operation => operation.Outcome == Outcome.Acknowledged).ShouldBeGreaterThan(50);
        Sockets.Resumes.ShouldBeGreaterThan(1, "somebody goes on at another node now and then");
    }

    public async ValueTask DisposeAsync()
    {
        await Http.DisposeAsync();
        await Sockets.DisposeAsync();
        Balancer.Dispose();
    }
}
