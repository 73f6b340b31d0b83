using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// Takes nodes out of a graph: who was linked to one of them is linked to the best of what it had and of what the
/// removed one led to. Removed nodes keep their own links, so a walk that comes upon one, through a link that was
/// not found, or because it began earlier, goes on. One thread at a time; others may search and add meanwhile.
/// </summary>
internal sealed unsafe class GraphRepair(HnswGraph graph, GraphLocks locks)
{
    private readonly LinkChoice _choice = new(graph.Rows.Shape.Stride);
    private readonly List<int> _others = [];
    private readonly List<int> _kept = [];

    /// <summary>Relinks those near a node that is dead, if it was ever linked. Links from farther nodes, if any, stay until a <see cref="Sweep"/>.</summary>
    /// <param name="dead">The bits of nodes that are to have no links to them; those beyond its end live.</param>
    public void Remove(int node, ReadOnlySpan<ulong> dead)
    {
        if (!graph.Base.Has(node))
        {
            return;
        }

        var space = graph.Space();
        var place = graph.Upper.PlaceOf(node);
        var top = place < 0 ? 0 : space.Owners.Places.LevelOf(place);
        for (var level = 0; level <= top; level++)
        {
            var id = level == 0 ? node : place;
            foreach (var near in new ReadOnlySpan<int>(space.Links(level, id), space.WidthOf(level)).ToArray())
            {
                if (near >= 0 && !IsDead(dead, space.NodeOf(level, near)) && new ReadOnlySpan<int>(space.Links(level, near), space.WidthOf(level)).Contains(id))
                {
                    Relink(space, level, near, dead);
                }
            }
        }

        space.KeepAlive();
    }

    /// <summary>Looks through all links, so that afterwards no living node leads to a dead one, and a living node is the entry if there is one.</summary>
    public void Sweep(ReadOnlySpan<ulong> dead, int nodes, CancellationToken cancellationToken)
    {
        var space = graph.Space();
        for (var node = 0; node < Math.Min(nodes, space.BaseIds); node++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsDead(dead, node) && graph.Base.Has(node))
            {
                Relink(space, 0, node, dead);
            }
        }

        HnswGraph.EntryPoint? best = null;
        for (var place = 0; place < Math.Min(graph.Upper.Count, space.UpperIds); place++)
        {
            var node = space.NodeOf(1, place);
            if (IsDead(dead, node))
            {
                continue;
            }

            var top = space.Owners.Places.LevelOf(place);
            for (var level = 1; level <= top; level++)
            {
                Relink(space, level, place, dead);
            }

            best = best is null || top > best.Level ? new HnswGraph.EntryPoint(node, place, top) : best;
        }

        space.KeepAlive();
        if (graph.Entry is { } entry && IsDead(dead, entry.Node) && best is not null)
        {
            graph.Entry = best;
        }
    }

    private static bool IsDead(ReadOnlySpan<ulong> dead, int node) => node >> 6 < dead.Length && Bitmap.Has(dead, node);

    /// <summary>Replaces links to dead nodes by the best of what those lead to, through further dead ones where need be.</summary>
    private void Relink(in GraphSpace space, int level, int id, ReadOnlySpan<ulong> dead)
    {
        locks.Enter(level, id);
        try
        {
            _kept.Clear();
            _others.Clear();
            foreach (var link in Row(space, level, id))
            {
                if (link >= 0)
                {
                    (IsDead(dead, space.NodeOf(level, link)) ? _others : _kept).Add(link);
                }
            }

            if (_others.Count == 0)
            {
                return;
            }

            // What dead links lead to takes their place; dead ones among it are followed in turn, as far as there is room.
            var most = LinkChoice.MostCandidates - space.WidthOf(level);
            for (var i = 0; i < _others.Count; i++)
            {
                if (IsDead(dead, space.NodeOf(level, _others[i])))
                {
                    foreach (var next in Row(space, level, _others[i]))
                    {
                        if (next >= 0 && next != id && _others.Count < most && !_others.Contains(next))
                        {
                            _others.Add(next);
                        }
                    }
                }
            }

            var nodes = _others.ToArray();
            var living = 0;
            foreach (var other in nodes)
            {
                if (!IsDead(dead, space.NodeOf(level, other)))
                {
                    nodes[living++] = other;
                }
            }

            _choice.Rechoose(space, level, id, _kept.ToArray(), nodes.AsSpan(0, living), space.WidthOf(level));
        }
        finally
        {
            locks.Exit(level, id);
        }
    }

    private static ReadOnlySpan<int> Row(in GraphSpace space, int level, int id) =>
        id < space.IdsOf(level) ? new ReadOnlySpan<int>(space.Links(level, id), space.WidthOf(level)) : [];
}
