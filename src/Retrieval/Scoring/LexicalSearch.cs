using System.Numerics;
using System.Runtime.InteropServices;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// The best chunks for a query, with MaxScore (Turtle, Flood, "Query evaluation: strategies and optimizations", 1995) over
/// blocks with bounds of their own (Ding, Suel, "Faster top-k document retrieval using block-max indexes", 2011).
/// </summary>
/// <remarks>
/// 1. Each term has a bound on what it can add to any chunk of the segment. Once k hits are known, the terms with the
///    lowest bounds whose sum stays below the k-th score are set aside: a chunk that has none of the other terms cannot
///    enter. As the k-th score only rises, a term set aside stays so.
/// 2. The other terms add their scores, a block at a time, to an array over a window of chunk numbers that stays in
///    the processor's cache. Windows in which, by the bounds of their blocks, nothing can enter are left out. Where these
///    terms are rare, the window is wider and what they touched is noted; else it is swept.
/// 3. What is left are chunks whose score could, with all that the terms set aside may add, still enter. The terms
///    set aside are taken up again one by one, the one with the greatest bound first: while many chunks are left,
///    all that the term has in the window is added to them; once they are few, each is looked up by itself. After each term
///    those that cannot enter any more are dropped.
/// 4. A chunk that gets through is given its score anew, in the order of the query's terms, so that a score has the
///    same bits whichever terms were set aside.
/// </remarks>
internal sealed class LexicalSearch
{
    private const int Window = 8192;

    /// <summary>Where no more than one chunk in so many has a term that counts, what is touched is noted.</summary>
    private const int Sparse = 16;

    private const int SparseWindow = 32_768;

    /// <summary>Sums in another order differ by rounding: bounds are taken to be higher by this much.</summary>
    private const float Slack = 1 + 1e-5f;

    /// <summary>Looking up one chunk takes as long as adding so many postings (measured).</summary>
    private const int LookupCost = 24;

    [ThreadStatic]
    private static LexicalSearch? t_instance;

    /// <summary>All 0 between windows.</summary>
    private readonly float[] _window = new float[SparseWindow];
    private readonly List<TermScorer> _scorers = [];
    private readonly List<TermScorer> _byBound = [];
    private readonly int[] _touched = new int[SparseWindow + 1];
    private readonly int[] _candidates = new int[SparseWindow + 1];
    private SegmentView _view = null!;
    private TopK _top = null!;
    private int _viewNumber;
    private int _count;
    private int _aside;
    private float _asideBound;

    /// <summary>Offers the chunks of the view that may be among the best, are allowed (all, where <paramref name="allowed"/> is empty) and have a query term.</summary>
    public static void Search(SegmentView view, int viewNumber, Bm25 bm25, ReadOnlySpan<ulong> allowed, TopK top)
    {
        var search = t_instance ??= new LexicalSearch();
        search.Begin(view, viewNumber, bm25, top);
        search.Run(allowed);
        search._view = null!;
        search._top = null!;
    }

    private void Begin(SegmentView view, int viewNumber, Bm25 bm25, TopK top)
    {
        (_view, _viewNumber, _top, _count, _aside, _asideBound) = (view, viewNumber, top, 0, 0, 0);
        _byBound.Clear();
        for (var i = 0; i < bm25.Terms.Count; i++)
        {
            var term = bm25.Terms[i];
            if (view.Postings(term.Term) is { } postings)
            {
                if (_count == _scorers.Count)
                {
                    _scorers.Add(new TermScorer());
                }

                var scorer = _scorers[_count++];
                scorer.Begin(postings, term, _count - 1, bm25, view.Lengths);
                _byBound.Add(scorer);
            }
        }

        _byBound.Sort((x, y) => x.Bound != y.Bound ? x.Bound.CompareTo(y.Bound) : x.Place.CompareTo(y.Place));
    }

    private void Run(ReadOnlySpan<ulong> allowed)
    {
        while (true)
        {
            SetAside();
            var counting = CollectionsMarshal.AsSpan(_byBound)[_aside..];

            // The next window begins where the next term that counts does; none means that nothing can enter any more.
            var first = int.MaxValue;
            foreach (var scorer in counting)
            {
                first = Math.Min(first, scorer.Chunk);
            }

            if (first >= _view.Count)
            {
                return;
            }

            var sparse = IsSparse(counting);
            var window = _window.AsSpan(0, Math.Min(sparse ? SparseWindow : Window, _view.Count - first));
            if (CannotEnter(counting, first, first + window.Length))
            {
                foreach (var scorer in counting)
                {
                    scorer.SkipTo(first + window.Length);
                }
            }
            else if (sparse)
            {
                RunSparsely(window, first, allowed);
            }
            else
            {
                RunDensely(window, first, allowed);
            }
        }
    }

    private bool IsSparse(ReadOnlySpan<TermScorer> counting)
    {
        var count = 0L;
        foreach (var scorer in counting)
        {
            count += scorer.Count;
        }

        return count * Sparse < _view.Count;
    }

    private void RunDensely(Span<float> window, int first, ReadOnlySpan<ulong> allowed)
    {
        foreach (var scorer in CollectionsMarshal.AsSpan(_scorers)[.._count])
        {
            if (!scorer.IsAside)
            {
                scorer.AddTo(window, first);
            }
        }

        Offer(window, first, TakeUp(window, first, Sweep(window, Least(_asideBound)), isSparse: false), allowed);
        window.Clear();
    }

    private void RunSparsely(Span<float> window, int first, ReadOnlySpan<ulong> allowed)
    {
        var touched = 0;
        foreach (var scorer in CollectionsMarshal.AsSpan(_scorers)[.._count])
        {
            if (!scorer.IsAside)
            {
                touched = scorer.AddTo(window, first, _touched, touched);
            }
        }

        _touched.AsSpan(0, touched).CopyTo(_candidates);
        var left = Keep(window, touched, Least(_asideBound));
        _candidates.AsSpan(0, left).Sort();
        left = Distinct(left);
        Offer(window, first, TakeUp(window, first, left, isSparse: true), allowed);
        foreach (var at in _touched.AsSpan(0, touched))
        {
            window[at] = 0;
        }
    }

    private void SetAside()
    {
        while (_aside < _byBound.Count && (_asideBound + _byBound[_aside].Bound) * Slack < _top.Threshold)
        {
            _asideBound += _byBound[_aside].Bound;
            _byBound[_aside++].IsAside = true;
        }
    }

    private bool CannotEnter(ReadOnlySpan<TermScorer> counting, int first, int end)
    {
        if (double.IsNegativeInfinity(_top.Threshold))
        {
            return false;
        }

        var bound = _asideBound;
        foreach (var scorer in counting)
        {
            bound += scorer.BoundWithin(first, end);
        }

        return bound * Slack < _top.Threshold;
    }

    /// <summary>A place where a term adds nothing, because it counts in another field, may be noted twice.</summary>
    private int Distinct(int left)
    {
        var kept = 0;
        foreach (var candidate in _candidates.AsSpan(0, left))
        {
            if (kept == 0 || _candidates[kept - 1] != candidate)
            {
                _candidates[kept++] = candidate;
            }
        }

        return kept;
    }

    /// <summary>Adds what the terms set aside have, as far as it matters. How many candidates are left; they may still be more than can enter.</summary>
    private int TakeUp(Span<float> window, int first, int left, bool isSparse)
    {
        var rest = _asideBound;
        for (var i = _aside - 1; i >= 0 && left > 0; i--)
        {
            var scorer = _byBound[i];
            rest = i == 0 ? 0 : Math.Max(0, rest - scorer.Bound);
            if (left * (long)LookupCost * _view.Count > (long)scorer.Count * window.Length)
            {
                scorer.SkipTo(first);
                scorer.AddToPresent(window, first);
                left = isSparse || left < window.Length / Sparse ? Keep(window, left, Least(rest)) : Sweep(window, Least(rest));
                continue;
            }

            var (kept, least) = (0, Least(rest));
            foreach (var candidate in _candidates.AsSpan(0, left))
            {
                if (scorer.ScoreOf(first + candidate, least - window[candidate]) is { } part && (window[candidate] += part) >= least)
                {
                    _candidates[kept++] = candidate;
                }
            }

            left = kept;
        }

        return left;
    }

    /// <summary>Notes the chunks of the window that have at least so much.</summary>
    private int Sweep(ReadOnlySpan<float> window, float least)
    {
        var found = 0;
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(window);
        var bound = new Vector<float>(least);
        for (var block = 0; block < vectors.Length; block++)
        {
            if (Vector.GreaterThanOrEqualAny(vectors[block], bound))
            {
                var start = block * Vector<float>.Count;
                for (var i = start; i < start + Vector<float>.Count; i++)
                {
                    _candidates[found] = i;
                    found += window[i] >= least ? 1 : 0;
                }
            }
        }

        for (var i = vectors.Length * Vector<float>.Count; i < window.Length; i++)
        {
            _candidates[found] = i;
            found += window[i] >= least ? 1 : 0;
        }

        return found;
    }

    /// <summary>Keeps of the chunks noted those that have at least so much.</summary>
    private int Keep(ReadOnlySpan<float> window, int left, float least)
    {
        var kept = 0;
        foreach (var candidate in _candidates.AsSpan(0, left))
        {
            _candidates[kept] = candidate;
            kept += window[candidate] >= least ? 1 : 0;
        }

        return kept;
    }

    /// <summary>What a chunk must have, where the terms that are not yet added may add so much; always more than nothing.</summary>
    private float Least(float rest) => MathF.Max(float.Epsilon, (float)(_top.Threshold / (Slack * Slack)) - (rest * Slack * Slack));

    private void Offer(ReadOnlySpan<float> window, int first, int left, ReadOnlySpan<ulong> allowed)
    {
        var least = Least(0);
        foreach (var candidate in _candidates.AsSpan(0, left))
        {
            if (window[candidate] < least || (!allowed.IsEmpty && !Bitmap.Has(allowed, first + candidate)))
            {
                continue;
            }

            var score = window[candidate];
            if (_aside > 0)
            {
                score = 0;
                foreach (var scorer in CollectionsMarshal.AsSpan(_scorers)[.._count])
                {
                    score += scorer.ScoreOf(first + candidate, 0)!.Value;
                }
            }

            if (score >= _top.Threshold)
            {
                _top.Offer(new Hit(score, _viewNumber, first + candidate));
                least = Least(0);
            }
        }
    }
}
