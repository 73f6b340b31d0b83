using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Discovery;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Discovery;

/// <summary>Two clusters that hold each other for one, and nodes that never came, are told to people, once.</summary>
public sealed class DiscoveryWatchTests : ILogger<DiscoveryWatch>, IDiscovery
{
    private readonly SimulatedRuntime _runtime = new(1);
    private readonly InMemoryShardStore _store;
    private readonly List<string> _log = [];
    private readonly Dictionary<string, NodeIncarnation> _there = [];
    private string[]? _addresses = [];

    public DiscoveryWatchTests() => _store = new InMemoryShardStore(_runtime.Time);

    string IDiscovery.Source => "a test";

    [Fact]
    public void Whoever_is_expected_and_no_member_is_told_once_and_when_it_changes()
    {
        _runtime.RunToEnd(async () =>
        {
            _there["a:1"] = await JoinAsync("a", "a:1");
            _there["10.0.0.2:1"] = await JoinAsync("b", "b:1");
            _there["c:1"] = new NodeIncarnation("c", 9);
        });
        _addresses = ["a:1", "10.0.0.2:1", "c:1", "d:1"];
        var watch = _runtime.Call(() => new DiscoveryWatch(this, _store, IdentifyAsync, TimeSpan.FromSeconds(30), _runtime, this));
        _runtime.RunFor(TimeSpan.FromMinutes(5));
        watch.Strays.Select(stray => stray.Address).ShouldBe(["c:1", "d:1"]);
        _log.Count.ShouldBe(2);
        _log[0].ShouldContain("c#9 is there and belongs to this cluster");
        _log[1].ShouldContain("nobody is there");

        _runtime.RunToEnd(async () => _there["d:1"] = await JoinAsync("d", "d:1"));
        _runtime.RunFor(TimeSpan.FromMinutes(1));
        watch.Strays.Select(stray => stray.Address).ShouldBe(["c:1"]);
        _log[^1].ShouldContain("d:1 is now a member");
        _log.Count.ShouldBe(3);

        _addresses = null;
        _runtime.RunFor(TimeSpan.FromMinutes(5));
        _log.Count(line => line.Contains("no zone", StringComparison.Ordinal)).ShouldBe(1);
        _runtime.RunToEnd(() => watch.DisposeAsync().AsTask());
    }

    public ValueTask<IReadOnlyList<Candidate>> FindAsync(CancellationToken cancellationToken = default) =>
        _addresses is null ? throw new DiscoveryException("no zone") : new([.. _addresses.Select(address => new Candidate(address))]);

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _log.Add(formatter(state, exception));

    private ValueTask<NodeIncarnation> IdentifyAsync(string address, CancellationToken cancellationToken) =>
        _there.TryGetValue(address, out var node) ? new(node) : throw new PeerUnreachableException("nobody is there");

    private async Task<NodeIncarnation> JoinAsync(string node, string address)
    {
        var joined = await _store.JoinAsync(new NodeJoin(node, address, [], TimeSpan.FromHours(1)));
        await _store.ChangeStateAsync(joined, NodeState.Up);
        return joined;
    }
}
