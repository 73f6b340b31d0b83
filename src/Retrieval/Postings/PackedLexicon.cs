namespace RagCluster.Retrieval.Postings;

/// <summary>
/// The terms of a sealed segment as a <see cref="LexiconWriter"/> packed them: searched as the bytes they are in the
/// file. What is unpacked when it is opened is a hash table over the terms and where every sixteenth one is.
/// </summary>
internal sealed class PackedLexicon : Lexicon
{
    /// <summary>Terms that one lexicon can have: numbers share a slot with the upper bits of the hash.</summary>
    public const int MostTerms = (1 << 24) - 1;

    private const uint TagMask = 0xFF00_0000;

    private readonly byte[] _dictionary;
    private readonly byte[] _postings;
    private readonly int[] _dictionaryAt;
    private readonly int[] _postingsAt;
    private readonly uint[] _slots;
    private readonly int _longest;

    private PackedLexicon(byte[] dictionary, byte[] postings, int chunkCount, int termCount, int[] dictionaryAt, int[] postingsAt, uint[] slots, int longest)
    {
        _dictionary = dictionary;
        _postings = postings;
        ChunkCount = chunkCount;
        TermCount = termCount;
        _dictionaryAt = dictionaryAt;
        _postingsAt = postingsAt;
        _slots = slots;
        _longest = longest;
    }

    public override int TermCount { get; }

    public int ChunkCount { get; }

    public ReadOnlySpan<byte> Dictionary => _dictionary;

    public ReadOnlySpan<byte> Postings => _postings;

    public override long Bytes => _dictionary.LongLength + _postings.LongLength + ((_dictionaryAt.Length + _postingsAt.Length + _slots.Length) * 4L);

    /// <summary>Takes the bytes as they are; whether postings are what they should be is for <see cref="LexiconCheck"/> to see.</summary>
    /// <exception cref="InvalidDataException">The dictionary is none that a <see cref="LexiconWriter"/> makes.</exception>
    public static PackedLexicon Open(byte[] dictionary, byte[] postings, int chunkCount)
    {
        var at = 0;
        var termCount = Varint.Read(dictionary, ref at);
        if (termCount > Math.Min(dictionary.Length, MostTerms) || postings.Length < BitPacking.Overrun)
        {
            throw new InvalidDataException("There are fewer bytes than terms.");
        }

        var blocks = ((int)termCount + LexiconWriter.TermsTogether - 1) / LexiconWriter.TermsTogether;
        var (dictionaryAt, postingsAt) = (new int[blocks], new int[blocks]);
        var slots = new uint[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, (termCount * 3 / 2) + 1))];
        var walk = new Walk(dictionary, postings.Length - BitPacking.Overrun, at, 0, (int)termCount, 0);
        byte[] before = [];
        var (beforeLength, longest) = (-1, 0);
        for (var number = 0; number < termCount; number++)
        {
            if (number % LexiconWriter.TermsTogether == 0)
            {
                (dictionaryAt[number / LexiconWriter.TermsTogether], postingsAt[number / LexiconWriter.TermsTogether]) = (walk.DictionaryAt, walk.NextDataAt);
                before = walk.Term.ToArray();
                beforeLength = number == 0 ? -1 : before.Length;
                walk.MoveNext();
                if (beforeLength >= 0 && walk.Term.SequenceCompareTo(before) <= 0)
                {
                    throw new InvalidDataException("The terms are not in order.");
                }
            }
            else
            {
                walk.MoveNext();
            }

            longest = Math.Max(longest, walk.Term.Length);
            var hash = TermBytes.HashOf(walk.Term);
            var slot = hash & (uint)(slots.Length - 1);
            while (slots[slot] != 0)
            {
                slot = (slot + 1) & (uint)(slots.Length - 1);
            }

            slots[slot] = (hash & TagMask) | (uint)(number + 1);
        }

        if (walk.DictionaryAt != dictionary.Length || walk.NextDataAt != postings.Length - BitPacking.Overrun)
        {
            throw new InvalidDataException("There are bytes left over.");
        }

        return new PackedLexicon(dictionary, postings, chunkCount, (int)termCount, dictionaryAt, postingsAt, slots, longest);
    }

    public override TermPostings? Find(ReadOnlySpan<char> term, int limit)
    {
        if (term.Length > _longest)
        {
            return null;
        }

        Span<byte> bytes = term.Length <= 128 ? stackalloc byte[TermBytes.MostFor(term.Length)] : new byte[TermBytes.MostFor(term.Length)];
        bytes = bytes[..TermBytes.Encode(term, bytes)];
        var hash = TermBytes.HashOf(bytes);
        for (var slot = hash & (uint)(_slots.Length - 1); _slots[slot] != 0; slot = (slot + 1) & (uint)(_slots.Length - 1))
        {
            if (((_slots[slot] ^ hash) & TagMask) != 0)
            {
                continue;
            }

            var number = (int)(_slots[slot] & MostTerms) - 1;
            var walk = From(number / LexiconWriter.TermsTogether);
            for (var i = number % LexiconWriter.TermsTogether; i >= 0; i--)
            {
                walk.MoveNext();
            }

            if (walk.Term.SequenceEqual(bytes))
            {
                var found = PostingsAt(walk, limit);
                return found.Count > 0 ? found : null;
            }
        }

        return null;
    }

    /// <summary>In order.</summary>
    public override IEnumerable<string> TermsWith(string prefix)
    {
        var bytes = new byte[TermBytes.MostFor(prefix.Length)];
        bytes = bytes[..TermBytes.Encode(prefix, bytes)];

        // The last block that begins before the prefix may hold terms with it behind its first.
        var (low, high) = (0, _dictionaryAt.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var first = From(middle);
            first.MoveNext();
            if (first.Term.SequenceCompareTo(bytes) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        for (var walk = From(Math.Max(0, low - 1)); walk.MoveNext();)
        {
            if (walk.Term.StartsWith(bytes))
            {
                yield return TermBytes.Decode(walk.Term)!;
            }
            else if (walk.Term.SequenceCompareTo(bytes) > 0)
            {
                yield break;
            }
        }
    }

    /// <summary>All terms, in order.</summary>
    public Walk All() => From(0);

    public PackedPostings PostingsAt(Walk walk, int limit) => new(_postings, walk.DataAt, walk.DataLength, walk.Count, limit, limit < ChunkCount);

    private Walk From(int block) => block < _dictionaryAt.Length
        ? new Walk(_dictionary, _postings.Length, _dictionaryAt[block], _postingsAt[block], TermCount - (block * LexiconWriter.TermsTogether), _longest)
        : new Walk(_dictionary, 0, _dictionary.Length, 0, 0, 0);

    /// <summary>Reads entries of the dictionary one after the other, from one that shares nothing with that before it.</summary>
    internal sealed class Walk(byte[] dictionary, int postingsLength, int dictionaryAt, int dataAt, int left, int longest)
    {
        private byte[] _term = new byte[Math.Max(longest, 64)];
        private int _length;
        private int _at = dictionaryAt;
        private int _left = left;
        private int _together;

        public ReadOnlySpan<byte> Term => _term.AsSpan(0, _length);

        public int DictionaryAt => _at;

        public int Count { get; private set; }

        public int DataAt { get; private set; }

        public int DataLength { get; private set; }

        public int NextDataAt { get; private set; } = dataAt;

        /// <exception cref="InvalidDataException">The entry makes no sense.</exception>
        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            _left--;
            if (_at >= dictionary.Length)
            {
                throw new InvalidDataException("There are fewer terms than announced.");
            }

            var head = dictionary[_at++];
            var shared = head >> 4;
            var rest = head & 15;
            var (longShared, longRest) = (shared == 15 ? Varint.Read(dictionary, ref _at) : 0, rest == 15 ? Varint.Read(dictionary, ref _at) : 0);
            if (longShared > dictionary.Length || longRest > dictionary.Length)
            {
                throw new InvalidDataException("A term is longer than the dictionary.");
            }

            Take(shared + (int)longShared, rest + (int)longRest);
            var data = Varint.Read(dictionary, ref _at);
            Count = (data & 1) != 0 ? 1 : (int)Math.Min(int.MaxValue, Varint.Read(dictionary, ref _at));
            DataAt = NextDataAt;
            DataLength = (int)(data >> 1);
            if (DataLength > postingsLength - DataAt || Count == 0)
            {
                throw new InvalidDataException("A term's postings lie outside the segment's.");
            }

            NextDataAt += DataLength;
            return true;
        }

        private void Take(int shared, int rest)
        {
            if (shared > _length || rest > dictionary.Length - _at || (shared > 0 && _together % LexiconWriter.TermsTogether == 0))
            {
                throw new InvalidDataException("A term shares more than the one before it has.");
            }

            // Within a group the rest decides the order: it comes after what the one before had there.
            var differs = dictionary.AsSpan(_at, rest).SequenceCompareTo(_term.AsSpan(shared, _length - shared)) > 0;
            if (_together % LexiconWriter.TermsTogether != 0 && !differs)
            {
                throw new InvalidDataException("The terms are not in order.");
            }

            if (_term.Length < shared + rest)
            {
                Array.Resize(ref _term, (shared + rest) * 2);
            }

            dictionary.AsSpan(_at, rest).CopyTo(_term.AsSpan(shared));
            _at += rest;
            _length = shared + rest;
            _together++;
        }
    }
}
