namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>Adds nodes to a graph. Several threads may add at once, each with its own writer.</summary>
internal sealed unsafe class GraphWriter
{
    private readonly HnswGraph _graph;
    private readonly GraphLocks _locks;
    private readonly Walker _walker;
    private readonly LinkChoice _choice;
    private readonly int[] _chosen;

    public GraphWriter(HnswGraph graph, GraphLocks locks)
    {
        (_graph, _locks) = (graph, locks);
        _walker = new Walker(graph.Rows.Shape.Stride);
        _choice = new LinkChoice(graph.Rows.Shape.Stride);
        _chosen = new int[graph.Options.Width];
    }

    /// <summary>Links a node whose vector is there. A node is added once.</summary>
    public void Add(int node)
    {
        var options = _graph.Options;
        var level = options.LevelOf(node);
        int place;
        HnswGraph.EntryPoint? entry;
        lock (_locks)
        {
            _graph.Base.Open(node);
            place = level > 0 ? _graph.Upper.Add(node, level) : -1;
            entry = _graph.Entry;
            if (entry is null)
            {
                _graph.Entry = new HnswGraph.EntryPoint(node, place, level);
                return;
            }
        }

        var space = _graph.Space();
        _walker.Seek(space, node);
        var at = entry.Place;
        if (entry.Level > 0)
        {
            at = _walker.Descend(space, at, entry.Level, Math.Min(level, entry.Level));
            for (var on = Math.Min(level, entry.Level); on > 0; on--)
            {
                _walker.Begin(space, on, at, options.EfConstruction);
                _walker.Walk(space, on, options.EfConstruction);
                at = Walker.IdOf(_walker.Pool[0]);
                Connect(space, on, place, node);
            }

            at = space.NodeOf(1, at);
        }
        else
        {
            at = entry.Node;
        }

        _walker.Begin(space, 0, at, options.EfConstruction);
        _walker.Walk(space, 0, options.EfConstruction);
        Connect(space, 0, node, node);
        space.KeepAlive();
        if (level > entry.Level)
        {
            lock (_locks)
            {
                if (level > _graph.Entry!.Level)
                {
                    _graph.Entry = new HnswGraph.EntryPoint(node, place, level);
                }
            }
        }
    }

    /// <summary>Links an id with the best of those that the walk found, both ways.</summary>
    private void Connect(in GraphSpace space, int level, int id, int node)
    {
        var length = space.Euclidean ? space.Length(node) : 1;
        var chosen = _choice.Choose(space, level, new ReadOnlySpan<ulong>(_walker.Pool, _walker.Count), length, id, _chosen.AsSpan(0, _graph.Options.M));
        _locks.Enter(level, id);
        var links = space.Links(level, id);
        for (var i = 0; i < chosen; i++)
        {
            Append(links, space.WidthOf(level), _chosen[i]);
        }

        _locks.Exit(level, id);
        for (var i = 0; i < chosen; i++)
        {
            Link(space, level, _chosen[i], id);
        }
    }

    /// <summary>Adds a link; where there is no room, the links are chosen anew.</summary>
    private void Link(in GraphSpace space, int level, int from, int to)
    {
        _locks.Enter(level, from);
        try
        {
            var links = space.Links(level, from);
            var width = space.WidthOf(level);
            if (!Append(links, width, to))
            {
                _choice.Rechoose(space, level, from, new ReadOnlySpan<int>(links, width), [to], width);
            }
        }
        finally
        {
            _locks.Exit(level, from);
        }
    }

    /// <summary>False where there is no room.</summary>
    private static bool Append(int* links, int width, int to)
    {
        for (var i = 0; i < width; i++)
        {
            if (links[i] == to)
            {
                return true;
            }

            if (links[i] < 0)
            {
                Volatile.Write(ref links[i], to);
                return true;
            }
        }

        return false;
    }
}

/// <summary>Locks for the links of single nodes, and, as an object, for what all nodes share.</summary>
internal sealed class GraphLocks
{
    private const int Stripes = 4096;

    private readonly int[] _taken = new int[Stripes * 2];

    public void Enter(int level, int id)
    {
        ref var stripe = ref StripeOf(level, id);
        var wait = default(SpinWait);
        while (Interlocked.CompareExchange(ref stripe, 1, 0) != 0)
        {
            wait.SpinOnce();
        }
    }

    public void Exit(int level, int id) => Volatile.Write(ref StripeOf(level, id), 0);

    private ref int StripeOf(int level, int id) => ref _taken[level == 0 ? id % Stripes : Stripes + (id % Stripes)];
}
