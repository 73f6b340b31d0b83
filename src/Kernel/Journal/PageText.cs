using System.Text;

namespace RagCluster.Kernel.Journal;

/// <summary>Holds the texts of one page of records in few large arrays instead of two small ones per record.</summary>
internal sealed class PageText
{
    private const int FirstChunkBytes = 1024;
    private const int MaxChunkBytes = 32 * 1024;

    private byte[] _chunk = [];
    private int _used;
    private byte[] _name = [];

    public int Bytes { get; private set; }

    public ReadOnlyMemory<byte> Add(ReadOnlySpan<byte> text)
    {
        if (text.Length > _chunk.Length - _used)
        {
            // Most pages of one entity hold an event or two; those of a shard's log are full.
            var next = Math.Clamp(_chunk.Length * 2, FirstChunkBytes, MaxChunkBytes);
            if (text.Length > next / 4)
            {
                Bytes += text.Length;
                return text.ToArray();
            }

            _chunk = new byte[next];
            _used = 0;
        }

        var memory = _chunk.AsMemory(_used, text.Length);
        text.CopyTo(memory.Span);
        _used += text.Length;
        Bytes += text.Length;
        return memory;
    }

    /// <summary>Whether this is the name remembered last: neighbours in a log are often of one entity.</summary>
    public bool Same(ReadOnlySpan<byte> name) => name.SequenceEqual(_name);

    public string Remember(ReadOnlySpan<byte> name)
    {
        _name = name.ToArray();
        return Encoding.UTF8.GetString(name);
    }
}
