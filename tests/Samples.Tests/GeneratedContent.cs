using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace RagCluster.Samples.Tests;

/// <summary>What a generated document says with its compression undone: compressors may pack the same bytes differently from one runtime to the next.</summary>
internal static partial class GeneratedContent
{
    public static string Of(byte[] file) => file.AsSpan().StartsWith("PK"u8) ? OfZip(file) : OfPdf(file);

    private static string OfZip(byte[] file)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        var content = new StringBuilder();
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(entry.Open());
            content.Append(entry.FullName).Append('\n').Append(reader.ReadToEnd()).Append('\n');
        }

        return content.ToString();
    }

    private static string OfPdf(byte[] file)
    {
        // Latin-1 maps bytes and characters one to one.
        var text = Encoding.Latin1.GetString(file);
        return string.Join('\n', StreamLength().Matches(text).Select(match =>
        {
            var length = int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
            using var zlib = new ZLibStream(new MemoryStream(file, match.Index + match.Length, length), CompressionMode.Decompress);
            using var reader = new StreamReader(zlib, Encoding.Latin1);
            return reader.ReadToEnd();
        }));
    }

    [GeneratedRegex("<< /Length ([0-9]+) /Filter /FlateDecode >>\nstream\n")]
    private static partial Regex StreamLength();
}
