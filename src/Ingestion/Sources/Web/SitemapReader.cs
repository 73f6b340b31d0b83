using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml;

namespace RagCluster.Ingestion.Sources.Web;

/// <param name="Location">As written.</param>
/// <param name="LastModified">When the page changed, where the sitemap says so.</param>
public sealed record SitemapEntry(string Location, DateTimeOffset? LastModified);

/// <param name="IsIndex">The entries are sitemaps in their turn.</param>
/// <param name="Truncated">There was more than a sitemap may have.</param>
public sealed record Sitemap(IReadOnlyList<SitemapEntry> Entries, bool IsIndex, bool Truncated);

/// <summary>
/// Reads sitemaps (sitemaps.org): XML of pages, XML of further sitemaps, or plain text with one address on each line;
/// each of them also compressed with gzip. Neither entities nor other files are ever read.
/// </summary>
public static class SitemapReader
{
    /// <summary>The protocol's own limit.</summary>
    public const int MaxEntries = 50_000;

    private const long MaxCharacters = 52_428_800;

    /// <exception cref="InvalidDataException">It is none of these; the message says why.</exception>
    public static Sitemap Read(byte[] content)
    {
        ArgumentNullException.ThrowIfNull(content);
        var bytes = content is [0x1f, 0x8b, ..] ? Unpacked(content) : content;
        var start = bytes.AsSpan().TrimStart("\ufeff"u8).TrimStart(" \r\n\t"u8);
        return !start.IsEmpty && start[0] == '<' ? ReadXml(bytes) : ReadText(bytes);
    }

    private static byte[] Unpacked(byte[] content)
    {
        using var unpacked = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
        var buffer = new byte[64 << 10];
        for (int read; (read = gzip.Read(buffer)) > 0;)
        {
            if (unpacked.Length + read > MaxCharacters)
            {
                throw new InvalidDataException($"The sitemap has more than {MaxCharacters} bytes when unpacked.");
            }

            unpacked.Write(buffer, 0, read);
        }

        return unpacked.ToArray();
    }

    private static Sitemap ReadText(byte[] bytes)
    {
        var entries = new List<SitemapEntry>();
        using var reader = new StreamReader(new MemoryStream(bytes), Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (line.Trim() is not { Length: > 0 } address)
            {
                continue;
            }

            if (entries.Count == MaxEntries)
            {
                return new Sitemap(entries, false, true);
            }

            if (!address.StartsWith("http://", StringComparison.OrdinalIgnoreCase) && !address.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            {
                throw new InvalidDataException("It is neither XML nor a list of http and https addresses.");
            }

            entries.Add(new SitemapEntry(address, null));
        }

        return new Sitemap(entries, false, false);
    }

    private static Sitemap ReadXml(byte[] bytes)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxCharacters,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        };
        var entries = new List<SitemapEntry>();
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(bytes), settings);
            reader.MoveToContent();
            var isIndex = reader.LocalName == "sitemapindex";
            if (!isIndex && reader.LocalName != "urlset")
            {
                throw new InvalidDataException($"Its root element is <{reader.LocalName}>; a sitemap's is <urlset> or <sitemapindex>.");
            }

            string? location = null;
            DateTimeOffset? modified = null;
            while (reader.Read())
            {
                // Extensions (images, news) have elements of the same names one level further down.
                if (reader is { NodeType: XmlNodeType.Element, Depth: 2, IsEmptyElement: false })
                {
                    switch (reader.LocalName)
                    {
                        case "loc":
                            location = TextOf(reader);
                            break;
                        case "lastmod":
                            modified = DateTimeOffset.TryParse(TextOf(reader), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
                            break;
                    }
                }
                else if (reader is { NodeType: XmlNodeType.EndElement, Depth: 1 })
                {
                    if (location is { Length: > 0 })
                    {
                        if (entries.Count == MaxEntries)
                        {
                            return new Sitemap(entries, isIndex, true);
                        }

                        entries.Add(new SitemapEntry(location, modified));
                    }

                    (location, modified) = (null, null);
                }
            }

            return new Sitemap(entries, isIndex, false);
        }
        catch (XmlException e)
        {
            throw new InvalidDataException($"Its XML cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Text and no elements; the reader ends on the closing tag, so that depths stay right.</summary>
    private static string TextOf(XmlReader reader)
    {
        var text = new StringBuilder();
        var depth = reader.Depth;
        while (reader.Read() && !(reader.NodeType == XmlNodeType.EndElement && reader.Depth == depth))
        {
            if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA && text.Length < 8192)
            {
                text.Append(reader.Value);
            }
        }

        return text.ToString().Trim();
    }
}
