using System.Diagnostics.CodeAnalysis;

namespace RagCluster.Ingestion.Pdf.Objects;

// A PDF object is one of: null, bool, double, byte[] (a string), PdfName, PdfArray, PdfDictionary, PdfStream, PdfReference;
// in a content stream also PdfKeyword (an operator).

internal sealed record PdfName(string Value);

internal sealed record PdfReference(int Number, int Generation);

internal sealed record PdfKeyword(string Value);

internal sealed class PdfArray : List<object?>;

/// <summary>A dictionary whose getters look through references by way of the file that it came from.</summary>
internal sealed class PdfDictionary(IPdfResolver? file)
{
    private readonly Dictionary<string, object?> _entries = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, object?> Entries => _entries;

    public object? this[string key]
    {
        get => Resolve(_entries.GetValueOrDefault(key));
        set => _entries[key] = value;
    }

    public object? Raw(string key) => _entries.GetValueOrDefault(key);

    public bool Has(string key) => _entries.ContainsKey(key);

    public string? Name(string key) => (this[key] as PdfName)?.Value;

    public double Number(string key, double otherwise = 0) => this[key] is double d ? d : otherwise;

    public int Int(string key, int otherwise = 0) => this[key] is double d and >= int.MinValue and <= int.MaxValue ? (int)d : otherwise;

    public PdfDictionary? Dictionary(string key) => this[key] switch
    {
        PdfDictionary d => d,
        PdfStream s => s.Dictionary,
        _ => null,
    };

    public PdfArray? Array(string key) => this[key] as PdfArray;

    public PdfStream? Stream(string key) => this[key] as PdfStream;

    public object? Resolve(object? value) => value is PdfReference reference ? file?.Get(reference) : value;

    /// <summary>The numbers of an array, others as 0; null where there is no array of at least this many.</summary>
    public double[]? Numbers(string key, int atLeast)
    {
        var array = Array(key);
        return array is null || array.Count < atLeast ? null : [.. array.Select(v => Resolve(v) is double d ? d : 0)];
    }
}

/// <summary>A dictionary with bytes, as they are in the file (filters not applied, decrypted where the file is encrypted).</summary>
internal sealed record PdfStream(PdfDictionary Dictionary, ReadOnlyMemory<byte> Raw);

internal interface IPdfResolver
{
    /// <summary>The object that is meant, looked through further references; null where there is none.</summary>
    [SuppressMessage("Naming", "CA1716", Justification = "Short within the reader.")]
    object? Get(PdfReference reference);
}
