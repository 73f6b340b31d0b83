using System.Buffers.Binary;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// What bounds the scores of some postings, whatever the parameters of the formula and the average lengths may be: in
/// each field the highest frequency and the shortest length of a chunk that has the term in it. No posting among
/// them scores higher than one that had them all.
/// </summary>
/// <remarks>Saturates where it is written (8 bytes): lengths at the greatest that fits, which bounds from above all the same.</remarks>
internal struct Impact
{
    public const int Size = 8;

    private const int Unbounded = int.MaxValue;

    private int _mostBody;
    private int _mostTitle;
    private int _mostHeadings;
    private int _shortestBody;
    private int _shortestTitle;
    private int _shortestHeadings;

    public static Impact None => new() { _shortestBody = int.MaxValue, _shortestTitle = int.MaxValue, _shortestHeadings = int.MaxValue };

    public readonly PerField<int> MostOften => new(_mostBody, _mostTitle, _mostHeadings);

    public readonly PerField<int> Shortest => new(_shortestBody, _shortestTitle, _shortestHeadings);

    public void Add(Frequencies frequencies, int bodyLength, int titleLength, int headingsLength)
    {
        if (frequencies.Body > 0)
        {
            _mostBody = Math.Max(_mostBody, frequencies.Body);
            _shortestBody = Math.Min(_shortestBody, bodyLength);
        }

        if (frequencies.IsBodyOnly)
        {
            return;
        }

        if (frequencies.Title > 0)
        {
            _mostTitle = Math.Max(_mostTitle, frequencies.Title);
            _shortestTitle = Math.Min(_shortestTitle, titleLength);
        }

        if (frequencies.Headings > 0)
        {
            _mostHeadings = Math.Max(_mostHeadings, frequencies.Headings);
            _shortestHeadings = Math.Min(_shortestHeadings, headingsLength);
        }
    }

    public void Add(in Impact other)
    {
        _mostBody = Math.Max(_mostBody, other._mostBody);
        _mostTitle = Math.Max(_mostTitle, other._mostTitle);
        _mostHeadings = Math.Max(_mostHeadings, other._mostHeadings);
        _shortestBody = Math.Min(_shortestBody, other._shortestBody);
        _shortestTitle = Math.Min(_shortestTitle, other._shortestTitle);
        _shortestHeadings = Math.Min(_shortestHeadings, other._shortestHeadings);
    }

    public readonly void Write(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)Math.Min(_mostBody, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], (ushort)Math.Min(_shortestBody, ushort.MaxValue));
        target[4] = (byte)_mostTitle;
        target[5] = (byte)Math.Min(_shortestTitle, byte.MaxValue);
        target[6] = (byte)_mostHeadings;
        target[7] = (byte)Math.Min(_shortestHeadings, byte.MaxValue);
    }

    public static Impact Read(ReadOnlySpan<byte> source)
    {
        var most = BinaryPrimitives.ReadUInt16LittleEndian(source);
        return new Impact
        {
            _mostBody = most == ushort.MaxValue ? Unbounded : most,
            _shortestBody = BinaryPrimitives.ReadUInt16LittleEndian(source[2..]),
            _mostTitle = source[4],
            _shortestTitle = source[5],
            _mostHeadings = source[6],
            _shortestHeadings = source[7],
        };
    }
}
