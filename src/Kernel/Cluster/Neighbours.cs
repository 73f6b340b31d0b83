using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Cluster;

/// <summary>What this node has heard from the other members itself: who answers, and what they keep. Never overrules a row.</summary>
internal sealed class Neighbours(TimeProvider time, TimeSpan suspectAfter)
{
    /// <summary>After a lost link: how long the other end has to answer.</summary>
    private static readonly TimeSpan LastChance = TimeSpan.FromMilliseconds(300);

    private readonly Lock _gate = new();
    private readonly Dictionary<NodeIncarnation, Neighbour> _known = [];

    /// <summary>Keeps to those that live; a new one gets its time to answer from now on.</summary>
    public void Follow(MembershipView view)
    {
        lock (_gate)
        {
            foreach (var gone in _known.Keys.Where(node => !view.IsAlive(node)).ToArray())
            {
                _known.Remove(gone);
            }

            foreach (var member in view.Members)
            {
                _known.TryAdd(member.Node, new Neighbour(time.GetTimestamp()));
            }
        }
    }

    /// <summary>True if it was suspected, or says that it keeps something else than before.</summary>
    public bool Heard(NodeIncarnation node, IReadOnlyList<string> hosts, IReadOnlyList<NodeIncarnation> suspects, bool answers)
    {
        lock (_gate)
        {
            if (!_known.TryGetValue(node, out var neighbour))
            {
                _known[node] = neighbour = new Neighbour(time.GetTimestamp());
            }

            var news = !neighbour.Hosts.SequenceEqual(hosts);
            (neighbour.Hosts, neighbour.Suspects) = (hosts, suspects);
            if (answers)
            {
                news |= IsSuspect(neighbour);
                (neighbour.HeardAt, neighbour.Answered, neighbour.LastChance) = (time.GetTimestamp(), true, null);
            }

            return news;
        }
    }

    public void LinkLost(NodeIncarnation node)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(node, out var neighbour))
            {
                neighbour.LastChance ??= time.GetTimestamp();
            }
        }
    }

    public bool HasAnswered(NodeIncarnation node)
    {
        lock (_gate)
        {
            return _known.TryGetValue(node, out var neighbour) && neighbour.Answered;
        }
    }

    public bool IsSuspect(NodeIncarnation node)
    {
        lock (_gate)
        {
            return _known.TryGetValue(node, out var neighbour) && IsSuspect(neighbour);
        }
    }

    /// <summary>Whether somebody that answers here says that it gets no answer from <paramref name="node"/>.</summary>
    public bool IsSuspectElsewhere(NodeIncarnation node)
    {
        lock (_gate)
        {
            return _known.Values.Any(neighbour => neighbour.Answered && !IsSuspect(neighbour) && neighbour.Suspects.Contains(node));
        }
    }

    public IReadOnlyList<string> HostsOf(NodeIncarnation node)
    {
        lock (_gate)
        {
            return _known.TryGetValue(node, out var neighbour) ? neighbour.Hosts : [];
        }
    }

    private bool IsSuspect(Neighbour neighbour) =>
        time.GetElapsedTime(neighbour.HeardAt) > suspectAfter || (neighbour.LastChance is { } since && time.GetElapsedTime(since) > LastChance);

    private sealed class Neighbour(long now)
    {
        public long HeardAt { get; set; } = now;

        public bool Answered { get; set; }

        public long? LastChance { get; set; }

        public IReadOnlyList<string> Hosts { get; set; } = [];

        public IReadOnlyList<NodeIncarnation> Suspects { get; set; } = [];
    }
}
