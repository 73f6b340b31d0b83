using System.IO.Compression;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Filters;

/// <summary>
/// Undoes a stream's filters (ISO 32000-1, 7.4). A filter that meets damage gives what it has so far, as viewers do.
/// Pictures' filters (DCT, JPX, CCITT, JBIG2) give nothing: there is no text in them.
/// </summary>
internal static class PdfFilters
{
    private const int MaxChain = 8;

    /// <param name="limit">No result, not even one in between, is larger, in bytes.</param>
    /// <param name="truncated">Whether the limit cut the result.</param>
    public static byte[] Decode(PdfStream stream, long limit, CancellationToken cancellation, out bool truncated)
    {
        truncated = false;
        var bytes = stream.Raw;
        var dictionary = stream.Dictionary;
        var filters = Listed(dictionary, "Filter", "F");
        var parameters = Listed(dictionary, "DecodeParms", "DP");
        for (var i = 0; i < filters.Count && i < MaxChain; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var options = i < parameters.Count ? parameters[i] as PdfDictionary : null;
            switch ((filters[i] as PdfName)?.Value)
            {
                case "FlateDecode" or "Fl":
                    bytes = Predictor.Undo(Flate(bytes, limit, out truncated), options);
                    break;
                case "LZWDecode" or "LZW":
                    bytes = Predictor.Undo(Lzw.Decode(bytes.Span, options?.Int("EarlyChange", 1) ?? 1, limit, out truncated), options);
                    break;
                case "ASCII85Decode" or "A85":
                    bytes = AsciiFilters.Ascii85(bytes.Span);
                    break;
                case "ASCIIHexDecode" or "AHx":
                    bytes = AsciiFilters.Hex(bytes.Span);
                    break;
                case "RunLengthDecode" or "RL":
                    bytes = AsciiFilters.RunLength(bytes.Span, limit, out truncated);
                    break;
                case "Crypt":
                    break;
                default:
                    return [];
            }

            if (truncated)
            {
                break;
            }
        }

        return bytes.ToArray();
    }

    private static List<object?> Listed(PdfDictionary dictionary, string key, string shortKey)
    {
        var value = dictionary[key] ?? dictionary[shortKey];
        return value switch
        {
            null => [],
            PdfArray array => [.. array.Select(dictionary.Resolve)],
            _ => [value],
        };
    }

    private static byte[] Flate(ReadOnlyMemory<byte> bytes, long limit, out bool truncated)
    {
        var result = Inflate(bytes, zlib: true, limit, out truncated);
        // A damaged header or none at all: the data behind it may still be whole.
        if (result.Length == 0 && bytes.Length > 2)
        {
            result = Inflate(bytes[2..], zlib: false, limit, out truncated);
            if (result.Length == 0)
            {
                result = Inflate(bytes, zlib: false, limit, out truncated);
            }
        }

        return result;
    }

    private static byte[] Inflate(ReadOnlyMemory<byte> bytes, bool zlib, long limit, out bool truncated)
    {
        truncated = false;
        var output = new MemoryStream();
        using var input = new MemoryStream(bytes.ToArray(), writable: false);
        using Stream inflater = zlib ? new ZLibStream(input, CompressionMode.Decompress) : new DeflateStream(input, CompressionMode.Decompress);
        var buffer = new byte[16 << 10];
        try
        {
            while (inflater.Read(buffer) is var read and > 0)
            {
                output.Write(buffer, 0, read);
                if (output.Length > limit)
                {
                    truncated = true;
                    break;
                }
            }
        }
        catch (InvalidDataException)
        {
            // What came before the damage is kept; text without its end is better than none.
            return output.ToArray();
        }

        return output.ToArray();
    }
}
