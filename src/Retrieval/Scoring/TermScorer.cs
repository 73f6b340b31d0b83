using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Postings;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// One query term in one segment, with two places in its postings: where the next chunks are read from in order, and
/// where single chunks are looked up. Kept between searches and begun anew for each.
/// </summary>
internal sealed class TermScorer
{
    private const int MostBlocksLookedAt = 8;

    private readonly PostingBlock _block = new();
    private readonly PostingBlock _probed = new();
    private readonly float[] _scores = new float[PostingBlock.Size];
    private TermPostings _postings = null!;
    private Bm25 _bm25 = null!;
    private Lengths _lengths;
    private int _number;
    private bool _loaded;
    private int _at;
    private int _blocks;
    private int _probedNumber;
    private int _looked;
    private int _boundNumber;
    private float _bound;
    private float _weight;
    private Field? _field;

    /// <summary>What the term can add to any chunk at most.</summary>
    public float Bound { get; private set; }

    /// <summary>Which of the query's terms this is.</summary>
    public int Place { get; private set; }

    public bool IsAside { get; set; }

    /// <summary>In how many chunks it occurs.</summary>
    public int Count { get; private set; }

    public void Begin(TermPostings postings, in WeightedTerm term, int place, Bm25 bm25, Lengths lengths)
    {
        (_postings, _weight, _field, Place, _bm25, _lengths) = (postings, term.Weight, term.Field, place, bm25, lengths);
        (_number, _loaded, _at, _blocks, Count) = (0, false, 0, postings.BlockCount, postings.Count);
        (_probedNumber, _looked, _boundNumber, IsAside) = (-1, 0, -1, false);
        Bound = WholeBound();
    }

    /// <summary>The next chunk that is read; the greatest number at the end.</summary>
    public int Chunk => EnsureLoaded() ? _block.ChunkAt(_at) : int.MaxValue;

    /// <summary>Unpacks and scores the block at hand; false at the end.</summary>
    private bool EnsureLoaded()
    {
        if (_loaded || _number >= _blocks)
        {
            return _loaded;
        }

        _postings.Load(_number, _block);
        _bm25.Score(_weight, _block, _lengths, _field, _scores);
        (_loaded, _at) = (true, 0);
        return true;
    }

    private void NextBlock()
    {
        _number++;
        _loaded = false;
    }

    /// <summary>Goes on at the first chunk that is not below <paramref name="chunk"/>.</summary>
    public void SkipTo(int chunk)
    {
        var number = _postings.BlockOf(chunk, _number);
        if (number != _number)
        {
            (_number, _loaded) = (number, false);
        }

        if (EnsureLoaded())
        {
            _at = Math.Max(_at, _block.FirstAtOrAfter(chunk));
            if (_at == _block.Count)
            {
                NextBlock();
            }
        }
    }

    /// <summary>The most that the term adds to any chunk from <paramref name="first"/> up to but not including <paramref name="end"/>.</summary>
    public float BoundWithin(int first, int end)
    {
        // Where many blocks lie in the window one of them is nearly as good as the best of all.
        if (_blocks == 1 || (long)Count * (end - first) > (long)_lengths.Body.Length * MostBlocksLookedAt * PostingBlock.Size)
        {
            return Bound;
        }

        var bound = 0f;
        for (var number = _postings.BlockOf(first, Math.Min(_number, _blocks)); number < _blocks; number++)
        {
            bound = Math.Max(bound, BoundOf(number));
            if (bound >= Bound || _postings.LastOf(number) >= end - 1)
            {
                break;
            }
        }

        return bound;
    }

    /// <summary>Adds the scores of the chunks of a window, which begins at or before the next one.</summary>
    public void AddTo(Span<float> window, int first)
    {
        while (Within(window.Length, first, out var chunks, out var scores))
        {
            for (var i = 0; i < chunks.Length; i++)
            {
                window[(int)chunks[i] - first] += scores[i];
            }
        }
    }

    /// <summary>The same, and notes the places that were 0 before; how many are noted now.</summary>
    public int AddTo(Span<float> window, int first, int[] touched, int count)
    {
        while (Within(window.Length, first, out var chunks, out var scores))
        {
            for (var i = 0; i < chunks.Length; i++)
            {
                var at = (int)chunks[i] - first;
                touched[count] = at;
                count += window[at] == 0 ? 1 : 0;
                window[at] += scores[i];
            }
        }

        return count;
    }

    /// <summary>The same where there is something already, and nowhere else.</summary>
    public void AddToPresent(Span<float> window, int first)
    {
        while (Within(window.Length, first, out var chunks, out var scores))
        {
            for (var i = 0; i < chunks.Length; i++)
            {
                ref var place = ref window[(int)chunks[i] - first];
                place = place > 0 ? place + scores[i] : place;
            }
        }
    }

    /// <summary>Goes past the next postings of one block that lie in a window, and gives them; false where there is none.</summary>
    private bool Within(int length, int first, out ReadOnlySpan<uint> chunks, out ReadOnlySpan<float> scores)
    {
        if (!EnsureLoaded() || _block.ChunkAt(_at) - first >= length)
        {
            chunks = [];
            scores = [];
            return false;
        }

        var end = _block.ChunkAt(_block.Count - 1) - first < length ? _block.Count : _block.FirstAtOrAfter(first + length);
        chunks = _block.Chunks[_at..end];
        scores = _scores.AsSpan(_at..end);
        _at = end;
        if (end == _block.Count)
        {
            // The arrays stay as they are until the next block is unpacked.
            NextBlock();
        }

        return true;
    }

    /// <summary>What the term adds to a chunk; cheapest where that is near the one looked up before. Null where, by the bound of its block, it adds no more than <paramref name="least"/> at best.</summary>
    public float? ScoreOf(int chunk, float least)
    {
        var number = _postings.BlockOf(chunk, _looked > 0 && _postings.LastOf(_looked - 1) >= chunk ? 0 : _looked);
        _looked = number;
        if (number >= _blocks)
        {
            return 0 < least ? null : 0;
        }

        if (least > 0 && BoundOf(number) < least)
        {
            return null;
        }

        if (_loaded && number == _number)
        {
            var index = _block.FirstAtOrAfter(chunk);
            return index < _block.Count && _block.ChunkAt(index) == chunk ? _scores[index] : 0;
        }

        if (number != _probedNumber)
        {
            _postings.Load(number, _probed);
            _probedNumber = number;
        }

        var at = _probed.FirstAtOrAfter(chunk);
        return at < _probed.Count && _probed.ChunkAt(at) == chunk ? _bm25.Score(_weight, _probed.FrequenciesAt(at).In(_field), _lengths, chunk) : 0;
    }

    private float BoundOf(int number)
    {
        if (number != _boundNumber)
        {
            _boundNumber = number;
            _bound = _postings.ImpactOf(number) is { } impact ? _bm25.Bound(_weight, impact) : Bound;
        }

        return _bound;
    }

    private float WholeBound()
    {
        if (_blocks == 1)
        {
            // The bound of a single block is the best that is in it.
            EnsureLoaded();
            var best = 0f;
            foreach (var score in _scores.AsSpan(0, _block.Count))
            {
                best = Math.Max(best, score);
            }

            return best;
        }

        return _bm25.Bound(_weight, _postings.Whole!.Value);
    }
}
