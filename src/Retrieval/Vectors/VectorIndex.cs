using System.Buffers;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// An index of vectors by itself: exact below some thousand vectors, a graph of near neighbours beyond, each search by
/// the way that costs least. Ids count from 0 in the order of adding and are not given again.
/// </summary>
/// <remarks>
/// One thread at a time adds, removes and saves; any number search meanwhile, without waiting, and see what was there
/// when they began. A search never finds what was removed before it began, and scores are always exact; what a walk
/// through a graph can do is miss some.
/// </remarks>
public sealed partial class VectorIndex
{
    private const double LeastLength = 1e-15;
    private const double MostLength = 1e15;

    private readonly VectorShape _shape;
    private readonly GraphLocks _locks = new();
    private readonly bool _fixed;
    private HnswGraph? _graph;
    private GraphWriter? _writer;
    private GraphRepair? _repair;
    private int _unswept;
    private View _view = new(0, 0, 0, []);

    public VectorIndex(VectorIndexOptions options)
        : this(options, isFixed: false)
    {
    }

    private VectorIndex(VectorIndexOptions options, bool isFixed)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        Options = options;
        _fixed = isFixed;
        _shape = new VectorShape(options.Dimensions, options.Similarity, options.Precision);
        Flat = new FlatVectors(_shape);
    }

    public VectorIndexOptions Options { get; }

    /// <summary>How many vectors can be found.</summary>
    public int Count => Current.Living;

    /// <summary>One more than the greatest id.</summary>
    public int Rows => Current.Rows;

    /// <summary>What codes, links and stored vectors take in memory. Vectors in a mapped file are not counted.</summary>
    public long MemoryBytes => Flat.Bytes + (_graph?.Bytes ?? 0);

    internal FlatVectors Flat { get; }

    internal HnswGraph? Graph => _graph;

    private View Current => Volatile.Read(ref _view);

    /// <summary>An index over a file's vectors, which stay in the file: in memory are their codes and the graph. Nothing can be added to it.</summary>
    public static unsafe VectorIndex Over(VectorFile file, VectorIndexOptions options, int threads = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        var index = new VectorIndex(options with { Dimensions = file.Dimensions, Precision = StoredPrecision.Single }, isFixed: true);
        for (var i = 0; i < file.Count; i++)
        {
            Check(file[i]);
        }

        if (file.Count > 0)
        {
            index.Flat.Rows.Map(file.At(0), file.Stride, file.Count, file, _ => true);
        }

        index.Admit(file.Count, threads, cancellationToken);
        return index;
    }

    /// <summary>Adds a vector and gives its id. It can be found by any search that begins afterwards.</summary>
    /// <exception cref="ArgumentException">It has not the index's dimensions, or a number in it is not finite, or its length is beyond what can be scored.</exception>
    /// <exception cref="InvalidOperationException">The index is over a file of vectors.</exception>
    public int Add(ReadOnlySpan<float> vector)
    {
        var row = Store(vector);
        Admit(row + 1, 1, CancellationToken.None);
        return row;
    }

    /// <summary>Adds many vectors, linking them by several threads. The id of the first; the others follow it.</summary>
    /// <exception cref="ArgumentException">One of them cannot be added; then none was.</exception>
    /// <exception cref="OperationCanceledException">They are there all the same, and are scanned until the next one is added.</exception>
    public int AddMany(IReadOnlyList<float[]> vectors, int threads = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        CheckGrows();
        foreach (var vector in vectors)
        {
            CheckShape(vector);
        }

        var first = Rows;
        for (var i = 0; i < vectors.Count; i++)
        {
            Flat.Rows.Set(first + i, vectors[i]);
        }

        Admit(first + vectors.Count, threads, cancellationToken);
        return first;
    }

    /// <summary>Removes a vector, so that no search that begins afterwards finds it. False where there is none of this id.</summary>
    public bool Remove(int id)
    {
        var view = Current;
        if (id < 0 || id >= view.Rows || !Bitmap.Has(view.Live, id))
        {
            return false;
        }

        var live = view.Live.ToArray();
        live[id >> 6] &= ~(1UL << id);
        Publish(new View(view.Rows, view.Linked, view.Living - 1, live));
        if (_graph is not null && id < view.Linked)
        {
            Repair(id, live);
        }

        return true;
    }

    /// <summary>The k most like the query, best first; equal scores in the order of ids.</summary>
    /// <exception cref="ArgumentException">The query has not the index's dimensions, or is not finite.</exception>
    public IReadOnlyList<Neighbour> Search(ReadOnlySpan<float> query, int k, VectorSearchOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        CheckShape(query);
        var view = Current;
        var best = new NearestHits(k);
        if (VectorQuery.Of(query.ToArray(), _shape.Similarity) is { } prepared && k > 0)
        {
            using var allowed = Allowed.Of(view, options?.Filter);
            Find(view, prepared, allowed.Bits, k, options ?? VectorSearchOptions.Default, best.Offer);
        }

        return best.Ranked();
    }

    /// <summary>Searches exactly for several queries at once, reading the vectors once for eight of them.</summary>
    /// <exception cref="ArgumentException">A query has not the index's dimensions, or is not finite.</exception>
    public IReadOnlyList<Neighbour>[] SearchMany(IReadOnlyList<float[]> queries, int k, ulong[]? filter = null)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        var view = Current;
        var best = new NearestHits[queries.Count];
        var (prepared, numbers) = (new List<VectorQuery>(), new List<int>());
        for (var i = 0; i < queries.Count; i++)
        {
            CheckShape(queries[i]);
            best[i] = new NearestHits(k);
            if (VectorQuery.Of(queries[i], _shape.Similarity) is { } query)
            {
                prepared.Add(query);
                numbers.Add(i);
            }
        }

        using var allowed = Allowed.Of(view, filter);
        Flat.Search([.. prepared], view.Rows, allowed.Bits, k, (query, row, score) => best[numbers[query]].Offer(row, score));
        return Array.ConvertAll(best, hits => hits.Ranked());
    }

    private void Find(View view, VectorQuery query, ReadOnlySpan<ulong> allowed, int k, VectorSearchOptions options, Action<int, double> offer)
    {
        if (_graph is not { } graph || options.Exact || view.Linked < view.Rows)
        {
            Flat.Search(query, view.Rows, allowed, k, offer);
        }
        else
        {
            GraphSearch.Search(graph, query, view.Linked, allowed, k, options.Ef, offer, options.Way);
        }
    }

    private void CheckGrows()
    {
        if (_fixed)
        {
            throw new InvalidOperationException("The index is over a file of vectors: nothing can be added to it.");
        }
    }

    private int Store(ReadOnlySpan<float> vector)
    {
        CheckGrows();
        CheckShape(vector);
        var row = Current.Rows;
        Flat.Rows.Set(row, vector);
        return row;
    }

    /// <summary>Links the rows that are new, where there is a graph or should be one, and lets them be found.</summary>
    private void Admit(int rows, int threads, CancellationToken cancellationToken)
    {
        var view = Current;
        var live = new ulong[Math.Max(Bitmap.WordsFor(rows), view.Live.Length)];
        view.Live.CopyTo(live, 0);
        var living = view.Living;
        var table = Flat.Rows.Table;
        for (var row = view.Rows; row < rows; row++)
        {
            if (table.Has(row))
            {
                Bitmap.Add(live, row);
                living++;
            }
        }

        var linked = view.Linked;
        if (rows >= Options.GraphFrom)
        {
            _graph ??= new HnswGraph(Flat.Rows, Options.Graph);
            _writer ??= new GraphWriter(_graph, _locks);
            linked = GraphBuilder.Add(_graph, _locks, _writer, linked, rows, live, threads, cancellationToken);
        }

        // Cancelled or not the rows are there: until they are linked they are scanned.
        Publish(new View(rows, linked, living, live));
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Repair(int id, ulong[] live)
    {
        _repair ??= new GraphRepair(_graph!, _locks);
        var dead = Array.ConvertAll(live, word => ~word);
        _repair.Remove(id, dead);

        // Links from far away are only found by looking through all; a fifth of a graph's nodes dead is when it pays.
        if (++_unswept > 64 && _unswept * 5 > Count)
        {
            _repair.Sweep(dead, Current.Linked, CancellationToken.None);
            _unswept = 0;
        }
    }

    private void Publish(View view) => Volatile.Write(ref _view, view);

    private void CheckShape(ReadOnlySpan<float> vector)
    {
        if (vector.Length != Options.Dimensions)
        {
            throw new ArgumentException($"The vector has {vector.Length} dimensions, and the index {Options.Dimensions}.", nameof(vector));
        }

        Check(vector);
    }

    private static void Check(ReadOnlySpan<float> vector)
    {
        var sum = 0.0;
        foreach (var value in vector)
        {
            sum += (double)value * value;
        }

        // Beyond these, sums of products leave the range of single precision.
        if (!double.IsFinite(sum) || (sum != 0 && (sum < LeastLength * LeastLength || sum > MostLength * MostLength)))
        {
            throw new ArgumentException($"A vector's numbers are finite and its length is 0 or from {LeastLength} to {MostLength}; this one's is {Math.Sqrt(sum)}.", nameof(vector));
        }
    }

    /// <param name="Linked">Rows below this are in the graph, if they have a vector.</param>
    /// <param name="Live">The bits of those that can be found.</param>
    private sealed record View(int Rows, int Linked, int Living, ulong[] Live);

    /// <summary>The bits of what a search may find, in memory that is given back.</summary>
    private readonly ref struct Allowed(ulong[] bits, int words, bool rented)
    {
        public ReadOnlySpan<ulong> Bits => bits.AsSpan(0, words);

        public static Allowed Of(View view, ulong[]? filter)
        {
            if (filter is null)
            {
                return new Allowed(view.Live, view.Live.Length, rented: false);
            }

            var words = Math.Min(view.Live.Length, filter.Length);
            var bits = ArrayPool<ulong>.Shared.Rent(Math.Max(1, words));
            for (var i = 0; i < words; i++)
            {
                bits[i] = view.Live[i] & filter[i];
            }

            return new Allowed(bits, words, rented: true);
        }

        public void Dispose()
        {
            if (rented)
            {
                ArrayPool<ulong>.Shared.Return(bits);
            }
        }
    }
}
