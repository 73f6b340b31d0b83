using System.Globalization;
using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Pdf.Filters;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pdf.Objects;

/// <summary>
/// A PDF's objects by number. The cross-reference leads to them; where it is missing, wrong or points astray, the
/// whole file is searched for objects once instead.
/// </summary>
internal sealed class PdfFile : IPdfResolver
{
    private const int MaxHops = 32;
    private readonly FormatInput _input;
    private readonly byte[] _data;
    private readonly Dictionary<int, object?> _objects = [];
    private readonly HashSet<int> _open = [];
    private readonly Dictionary<int, PdfObjectStream> _containers = [];
    private readonly PdfSecurity? _security;
    private PdfXref _xref;
    private bool _rebuilt;
    private long _budget;

    public PdfFile(FormatInput input)
    {
        _input = input;
        _data = input.Content.ToArray();
        _budget = input.Limits.PdfStreamBytes;
        // While the cross-reference is being read, references lead nowhere; what they gave then is forgotten.
        _xref = new PdfXref([], new PdfDictionary(this));
        _xref = PdfXrefReader.Read(this) ?? Rebuild();
        Forget();
        if (_xref.Trailer.Dictionary("Root")?.Has("Pages") != true && !_rebuilt)
        {
            Forget();
            _xref = Rebuild();
        }

        if (_xref.Trailer.Raw("Encrypt") is { } encrypt)
        {
            var dictionary = (encrypt is PdfReference r ? Get(r) : encrypt) as PdfDictionary;
            Forget();
            _security = dictionary is null ? null : PdfSecurity.Open(dictionary, _xref.Trailer, (encrypt as PdfReference)?.Number ?? -1);
        }
    }

    public PdfDictionary Trailer => _xref.Trailer;

    public ReadOnlyMemory<byte> Data => _data;

    public ParserLimits Limits => _input.Limits;

    public CancellationToken Cancellation => _input.Cancellation;

    /// <summary>Whether the cross-reference was of no use.</summary>
    public bool IsDamaged => _rebuilt;

    public IEnumerable<int> Numbers => _xref.Entries.Keys.Order();

    public PdfLexer LexerAt(int position) => new(_data, this, Limits.NestingDepth) { Position = position };

    public object? Get(PdfReference reference)
    {
        object? value = reference;
        for (var hops = 0; value is PdfReference next; hops++)
        {
            if (hops == MaxHops)
            {
                return null;
            }

            value = Load(next.Number);
        }

        return value;
    }

    /// <summary>The bytes of a stream with its filters undone; what an incomplete or damaged stream still gives, where it is.</summary>
    public byte[] Decode(PdfStream stream)
    {
        Cancellation.ThrowIfCancellationRequested();
        var bytes = PdfFilters.Decode(stream, _budget, Cancellation, out var truncated);
        _budget -= bytes.Length;
        if (truncated || _budget <= 0)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The PDF's streams unpack to more than {Limits.PdfStreamBytes:N0} bytes. It was not read further.");
        }

        return bytes;
    }

    private object? Load(int number)
    {
        if (_objects.TryGetValue(number, out var known))
        {
            return known;
        }

        if (!_open.Add(number))
        {
            return null;
        }

        try
        {
            var value = _xref.Entries.TryGetValue(number, out var entry) ? Read(number, entry) : null;
            _objects[number] = value;
            return value;
        }
        finally
        {
            _open.Remove(number);
        }
    }

    private object? Read(int number, PdfXref.Entry entry)
    {
        if (entry.Container is { } container)
        {
            return InContainer(container, number, entry.Index);
        }

        if (ReadIndirect((int)Math.Min(entry.Offset, int.MaxValue), out var found) is var value && found == number)
        {
            return value;
        }

        if (_rebuilt)
        {
            return null;
        }

        // The cross-reference points astray: it is not trusted any more.
        var trailer = _xref.Trailer;
        _xref = Rebuild();
        if (!_xref.Trailer.Has("Root"))
        {
            _xref = _xref with { Trailer = trailer };
        }

        return _xref.Entries.TryGetValue(number, out var again) ? Read(number, again) : null;
    }

    /// <summary>Reads "12 0 obj ..." at an offset.</summary>
    /// <param name="number">The object's number, or -1 where there is no object.</param>
    internal object? ReadIndirect(int offset, out int number)
    {
        number = -1;
        if (offset < 0 || offset >= _data.Length)
        {
            return null;
        }

        var header = new PdfLexer(_data, null, Limits.NestingDepth) { Position = offset };
        if (header.Read() is not double n || header.Read() is not double generation || !header.TryKeyword("obj"u8) || n is < 0 or > int.MaxValue)
        {
            return null;
        }

        number = (int)n;
        var lexer = LexerAt(header.Position);
        var value = lexer.Read();
        if (value is PdfKeyword)
        {
            return null;
        }

        if (value is PdfDictionary dictionary && lexer.TryKeyword("stream"u8))
        {
            var raw = StreamBytes(dictionary, lexer.Position);
            value = new PdfStream(dictionary, raw);
        }

        return _security is null ? value : _security.Decrypt(value, number, (int)generation);
    }

    private ReadOnlyMemory<byte> StreamBytes(PdfDictionary dictionary, int at)
    {
        if (at < _data.Length && _data[at] == 13)
        {
            at++;
        }

        if (at < _data.Length && _data[at] == 10)
        {
            at++;
        }

        var length = dictionary["Length"] is double d and >= 0 && at + d <= _data.Length ? (int)d : -1;
        if (length >= 0)
        {
            var lexer = LexerAt(at + length);
            if (lexer.TryKeyword("endstream"u8) || lexer.TryKeyword("endobj"u8))
            {
                return _data.AsMemory(at, length);
            }
        }

        var rest = _data.AsSpan(at);
        var end = rest.IndexOf("endstream"u8);
        end = end < 0 ? rest.IndexOf("endobj"u8) : end;
        end = end < 0 ? rest.Length : end;
        // The line end before "endstream" is not part of the stream.
        end -= end > 0 && rest[end - 1] == 10 ? 1 : 0;
        end -= end > 0 && rest[end - 1] == 13 ? 1 : 0;
        return _data.AsMemory(at, end);
    }

    private object? InContainer(int container, int number, int index)
    {
        if (!_containers.TryGetValue(container, out var objects))
        {
            if (Load(container) is not PdfStream stream)
            {
                return null;
            }

            _containers[container] = objects = new PdfObjectStream(this, stream);
        }

        return objects.Read(number, index);
    }

    private PdfXref Rebuild()
    {
        _rebuilt = true;
        Forget();
        return PdfXrefReader.Search(this);
    }

    private void Forget()
    {
        _objects.Clear();
        _containers.Clear();
    }
}

/// <summary>A stream that holds objects (ISO 32000-1, 7.5.7).</summary>
internal sealed class PdfObjectStream
{
    private readonly PdfLexer _lexer;
    private readonly List<(int Number, int Offset)> _index = [];

    public PdfObjectStream(PdfFile file, PdfStream stream)
    {
        var bytes = file.Decode(stream);
        _lexer = new PdfLexer(bytes, file, file.Limits.NestingDepth);
        var header = new PdfLexer(bytes, null, file.Limits.NestingDepth);
        var first = stream.Dictionary.Int("First");
        for (var i = 0; i < stream.Dictionary.Int("N") && header.Read() is double number && header.Read() is double offset; i++)
        {
            _index.Add(((int)number, (int)Math.Clamp(first + offset, 0, bytes.Length)));
        }
    }

    public IEnumerable<int> Numbers => _index.Select(i => i.Number);

    public object? Read(int number, int index)
    {
        var at = index >= 0 && index < _index.Count && _index[index].Number == number ? _index[index] : _index.LastOrDefault(i => i.Number == number, (Number: -1, Offset: -1));
        if (at.Number != number)
        {
            return null;
        }

        _lexer.Position = at.Offset;
        return _lexer.Read() is var value and not PdfKeyword ? value : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_index.Count} objects");
}
