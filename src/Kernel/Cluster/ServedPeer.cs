using System.Diagnostics.CodeAnalysis;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>What this node does for one other: commands and subscriptions under way, which end when that one goes.</summary>
internal sealed class ServedPeer(Peer peer, int maxCommands, int maxSubscriptions)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, CancellationTokenSource> _commands = [];
    private readonly Dictionary<long, ServedStream> _streams = [];

    public Peer Peer => peer;

    /// <summary>False: there are as many as may be.</summary>
    public bool TryBegin(long id, CancellationTokenSource command)
    {
        lock (_gate)
        {
            return _commands.Count < maxCommands && _commands.TryAdd(id, command);
        }
    }

    public void End(long id)
    {
        lock (_gate)
        {
            _commands.Remove(id);
        }
    }

    /// <summary>Nobody waits for the command any more.</summary>
    public void Cancel(long id)
    {
        lock (_gate)
        {
            if (!_commands.TryGetValue(id, out var command))
            {
                return;
            }

            // Within the gate: it is disposed only after it has been taken out.
            command.CancelAfter(TimeSpan.Zero);
        }
    }

    [SuppressMessage("Design", "CA1024", Justification = "It makes a copy.")]
    public ServedStream? FindStream(long id)
    {
        lock (_gate)
        {
            return _streams.GetValueOrDefault(id);
        }
    }

    public bool TryBegin(ServedStream stream)
    {
        lock (_gate)
        {
            return _streams.Count < maxSubscriptions && _streams.TryAdd(stream.Id, stream);
        }
    }

    public void End(ServedStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream.Id);
        }
    }

    /// <summary>Whatever was sent may be lost: the readers subscribe anew. Commands go on; their askers send them again with the same id.</summary>
    public void LinkLost()
    {
        ServedStream[] streams;
        lock (_gate)
        {
            streams = [.. _streams.Values.OrderBy(stream => stream.Id)];
            _streams.Clear();
        }

        foreach (var stream in streams)
        {
            stream.Stop();
        }
    }
}
