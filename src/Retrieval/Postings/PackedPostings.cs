using System.Buffers.Binary;
using System.Numerics;
using System.Numerics.Tensors;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Postings;

/// <summary>The postings of a term as a <see cref="LexiconWriter"/> packed them.</summary>
internal sealed class PackedPostings : TermPostings
{
    private readonly byte[] _bytes;
    private readonly int _total;
    private readonly int _limit;
    private readonly int _entries;
    private readonly int _blocks;
    private readonly int _positions;
    private readonly int _end;
    private readonly int _count;

    /// <param name="bytes">All postings of the segment, with <see cref="BitPacking.Overrun"/> bytes behind them.</param>
    /// <param name="limit">Chunks from here on are left out.</param>
    /// <param name="cuts">Whether there may be such chunks.</param>
    public PackedPostings(byte[] bytes, int start, int length, int count, int limit, bool cuts)
    {
        _bytes = bytes;
        _total = count;
        _limit = limit;
        _end = start + length;
        if (IsBlocked)
        {
            var blocks = (count + PostingBlock.Size - 1) / PostingBlock.Size;
            _entries = start + LexiconWriter.HeadSize;
            _blocks = checked(_entries + (blocks * LexiconWriter.EntrySize));
            _positions = _blocks <= _end ? checked(_blocks + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(start))) : throw new InvalidDataException("A term's data is too short for its blocks.");
        }
        else
        {
            _blocks = start;
            _positions = -1;
        }

        _count = cuts ? CountBelow() : count;
    }

    public override int Count => _count;

    private bool IsBlocked => _total >= PostingBlock.Size;

    public override int LastOf(int block) => IsBlocked ? BinaryPrimitives.ReadInt32LittleEndian(Entry(block)) : int.MaxValue;

    public override Impact? ImpactOf(int block) => IsBlocked ? Impact.Read(Entry(block)[12..]) : null;

    public override Impact? Whole => IsBlocked ? Impact.Read(_bytes.AsSpan(_entries - Impact.Size)) : null;

    public override void Load(int block, PostingBlock into) => Load(block, into, out _);

    public override PositionReader Positions() => new Reader(this);

    /// <summary>Writes the postings under new numbers; those of chunks whose number is -1 are left out.</summary>
    public void CopyTo(LexiconWriter writer, ReadOnlySpan<int> numbers, PostingBlock block)
    {
        var bytes = _bytes.AsSpan(0, _end);
        for (var number = 0; number < BlockCount; number++)
        {
            Load(number, block, out var end);
            var at = PositionsOf(number, end);
            for (var i = 0; i < block.Count; i++)
            {
                var from = at;
                var frequencies = block.FrequenciesAt(i);
                PositionCode.Skip(bytes, ref at, frequencies.Body + frequencies.Title + frequencies.Headings);
                if (numbers[block.ChunkAt(i)] is var chunk and >= 0)
                {
                    writer.Add(chunk, frequencies).Bytes(bytes[from..at]);
                }
            }
        }
    }

    /// <summary>Compares everything that is known without unpacking with what is unpacked, and walks through all positions.</summary>
    /// <exception cref="InvalidDataException">They differ.</exception>
    public void Check(Lengths lengths, PostingBlock block)
    {
        Span<byte> impactBytes = stackalloc byte[Impact.Size];
        var bytes = _bytes.AsSpan(0, _end);
        var blocksEnd = IsBlocked ? _positions : _end;
        Expect(_blocks <= blocksEnd && blocksEnd <= _end);
        var (at, positionsAt, before) = (_blocks, _positions, -1);
        var whole = Impact.None;
        for (var number = 0; number * PostingBlock.Size < _total; number++)
        {
            Expect(!IsBlocked || (_blocks + BinaryPrimitives.ReadInt32LittleEndian(Entry(number)[4..]) == at && PositionsOf(number, 0) == positionsAt));
            Load(number, block, out at);
            Expect(at <= blocksEnd && block.Count == Math.Min(PostingBlock.Size, _total - (number * PostingBlock.Size)));
            positionsAt = IsBlocked ? positionsAt : at;
            var impact = Impact.None;
            for (var i = 0; i < block.Count; i++)
            {
                var (chunk, frequencies) = (block.ChunkAt(i), block.FrequenciesAt(i));
                Expect(chunk > before && chunk < _limit);
                before = chunk;
                impact.Add(frequencies, lengths.Body[chunk], lengths.Title[chunk], lengths.Headings[chunk]);
                CheckPositions(bytes, ref positionsAt, frequencies.Body);
                CheckPositions(bytes, ref positionsAt, frequencies.Title);
                CheckPositions(bytes, ref positionsAt, frequencies.Headings);
            }

            whole.Add(impact);
            impact.Write(impactBytes);
            Expect(!IsBlocked || (LastOf(number) == before && impactBytes.SequenceEqual(Entry(number)[12..])));
        }

        whole.Write(impactBytes);
        Expect(!IsBlocked || impactBytes.SequenceEqual(_bytes.AsSpan(_entries - Impact.Size, Impact.Size)));
        Expect(positionsAt == _end && (!IsBlocked || at == _positions));
    }

    private static void CheckPositions(ReadOnlySpan<byte> bytes, ref int at, int count)
    {
        var position = 0L;
        for (; count > 0; count--)
        {
            position += PositionCode.Read(bytes, ref at);
        }

        Expect(position <= int.MaxValue);
    }

    private static void Expect(bool condition)
    {
        if (!condition)
        {
            throw new InvalidDataException("A term's postings are not what its index of them says.");
        }
    }

    /// <summary>Where a block's positions begin; of a term without blocks, where its postings end.</summary>
    private int PositionsOf(int block, int endOfPostings) => IsBlocked ? _positions + BinaryPrimitives.ReadInt32LittleEndian(Entry(block)[8..]) : endOfPostings;

    private ReadOnlySpan<byte> Entry(int block) => _bytes.AsSpan(_entries + (block * LexiconWriter.EntrySize), LexiconWriter.EntrySize);

    private int CountBelow()
    {
        var blocks = (_total + PostingBlock.Size - 1) / PostingBlock.Size;
        var block = 0;
        while (block < blocks - 1 && LastOf(block) < _limit)
        {
            block++;
        }

        var unpacked = new PostingBlock();
        Load(block, unpacked, out _);
        return (block * PostingBlock.Size) + unpacked.Count;
    }

    private void Load(int block, PostingBlock into, out int end)
    {
        into.Clear();
        var count = Math.Min(PostingBlock.Size, _total - (block * PostingBlock.Size));
        var before = block == 0 ? -1 : LastOf(block - 1);
        var at = IsBlocked ? _blocks + BinaryPrimitives.ReadInt32LittleEndian(Entry(block)[4..]) : _blocks;
        if (count == PostingBlock.Size)
        {
            LoadPacked(ref at, before, into);
        }
        else
        {
            LoadFew(ref at, before, count, into);
        }

        end = at;
        into.Close(count, _limit);
    }

    private void LoadPacked(ref int at, int before, PostingBlock into)
    {
        var (gapWidth, kind) = (_bytes[at], _bytes[at + 1]);
        var bodyWidth = kind & 0x7F;
        at += 2;
        var least = Varint.Read(_bytes, ref at);
        var (gapBytes, bodyBytes) = (BitPacking.BytesFor(PostingBlock.Size, gapWidth), BitPacking.BytesFor(PostingBlock.Size, bodyWidth));
        if (gapWidth > BitPacking.WidestShuffled || bodyWidth > 20 || _bytes.Length - at < gapBytes + bodyBytes + BitPacking.Overrun)
        {
            throw new InvalidDataException("A block of postings lies outside its term's data.");
        }

        BitPacking.Unpack(ref _bytes[at], gapWidth, into.Chunks);
        AddUp(into.Chunks, before);
        at += gapBytes;
        BitPacking.Unpack(ref _bytes[at], bodyWidth, into.Bodies);
        if (least != 0)
        {
            TensorPrimitives.Add(into.Bodies, least, into.Bodies);
        }

        at += bodyBytes;
        if ((kind & 0x80) != 0)
        {
            LoadHeads(ref at, into);
        }
    }

    private void LoadHeads(ref int at, PostingBlock into)
    {
        into.WithHeads();
        for (var word = 0; word < 2; word++)
        {
            var bits = BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at + (word * 8)));
            var pairs = at + 16 + (word == 0 ? 0 : 2 * BitOperations.PopCount(BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at))));
            while (bits != 0)
            {
                var i = (word * 64) + BitOperations.TrailingZeroCount(bits);
                into.Heads[i] = Frequencies.Of(0, _bytes[pairs], _bytes[pairs + 1]).Bits;
                bits &= bits - 1;
                pairs += 2;
            }

            if (word == 1)
            {
                at = pairs;
            }
        }
    }

    private void LoadFew(ref int at, int before, int count, PostingBlock into)
    {
        var head = count == 1 ? LexiconWriter.Singly : _bytes[at++];
        if (head == LexiconWriter.Singly)
        {
            LoadSingly(ref at, before, count, into);
            return;
        }

        var (gapWidth, bodyWidth) = (head & 31, head >> 5);
        var (gapBytes, bodyBytes) = (BitPacking.BytesFor(count, gapWidth), BitPacking.BytesFor(count, bodyWidth));
        if (gapWidth > BitPacking.WidestShuffled || _end - at < gapBytes + bodyBytes)
        {
            throw new InvalidDataException("Postings lie outside their term's data.");
        }

        // The last group of eight may be begun by postings and go on with what follows; that is cut off in the end.
        var whole = (count + 7) & ~7;
        BitPacking.Unpack(ref _bytes[at], gapWidth, into.Chunks[..whole]);
        AddUp(into.Chunks[..count], before);
        at += gapBytes;
        BitPacking.Unpack(ref _bytes[at], bodyWidth, into.Bodies[..whole]);
        TensorPrimitives.Add(into.Bodies[..count], 1u, into.Bodies[..count]);
        at += bodyBytes;
    }

    /// <summary>Makes chunk numbers of gaps.</summary>
    private static void AddUp(Span<uint> gaps, int before)
    {
        var chunk = (uint)before;
        foreach (ref var gap in gaps)
        {
            chunk += gap + 1;
            gap = chunk;
        }
    }

    private void LoadSingly(ref int at, int before, int count, PostingBlock into)
    {
        var bytes = _bytes.AsSpan(0, _end);
        for (var i = 0; i < count; i++)
        {
            var head = Varint.Read(bytes, ref at);
            before += (int)(head >> 1) + 1;
            if ((head & 1) == 0)
            {
                into.Add(before, new Frequencies(1));
                continue;
            }

            var body = Varint.Read(bytes, ref at);
            if ((body & 1) == 0)
            {
                into.Add(before, new Frequencies((body >> 1) & Frequencies.MostInBody));
            }
            else
            {
                into.Add(before, Frequencies.Of((int)(body >> 1), bytes[at], bytes[at + 1]));
                at += 2;
            }
        }
    }

    private sealed class Reader(PackedPostings postings) : PositionReader
    {
        private readonly PostingBlock _block = new();
        private int _number = -1;
        private int _index;
        private int _at;

        public override bool MoveTo(int chunk)
        {
            Begin();
            var number = postings.BlockOf(chunk, Math.Max(_number, 0));
            if (number >= postings.BlockCount)
            {
                return false;
            }

            if (number != _number)
            {
                postings.Load(number, _block, out var end);
                (_number, _index, _at) = (number, 0, postings.PositionsOf(number, end));
            }

            var index = _block.FirstAtOrAfter(chunk);
            if (index == _block.Count || _block.ChunkAt(index) != chunk)
            {
                return false;
            }

            var bytes = postings._bytes.AsSpan(0, postings._end);
            for (; _index < index; _index++)
            {
                var skipped = _block.FrequenciesAt(_index);
                PositionCode.Skip(bytes, ref _at, skipped.Body + skipped.Title + skipped.Headings);
            }

            var at = _at;
            var frequencies = _block.FrequenciesAt(index);
            Read(bytes, ref at, frequencies.Body);
            NextField();
            Read(bytes, ref at, frequencies.Title);
            NextField();
            Read(bytes, ref at, frequencies.Headings);
            return true;
        }

        private void Read(ReadOnlySpan<byte> bytes, ref int at, int count)
        {
            var position = 0;
            for (; count > 0; count--)
            {
                position += (int)PositionCode.Read(bytes, ref at);
                Add(position);
            }
        }
    }
}
