using System.IO.Compression;
using System.Xml;
using System.Xml.Linq;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Docx;

/// <summary>
/// The parts of a DOCX container. Nothing is unpacked beyond the limits, whatever the container's directory says of
/// sizes; XML is read without document types, so that no entity is ever expanded or fetched.
/// </summary>
internal sealed class DocxPackage : IDisposable
{
    private readonly FormatInput _input;
    private readonly ZipArchive _archive;
    private long _unpacked;

    public DocxPackage(FormatInput input)
    {
        _input = input;
        _archive = Containers.Open(input.Content, input.Limits);
        Main = MainPart();
    }

    /// <summary>The path of the main document part.</summary>
    public string Main { get; }

    /// <summary>Opens a part for reading from start to end; null where there is none.</summary>
    public XmlReader? Open(string path)
    {
        var entry = _archive.GetEntry(path) ?? _archive.Entries.FirstOrDefault(e => string.Equals(e.FullName.Replace('\\', '/'), path, StringComparison.OrdinalIgnoreCase));
        return entry is null ? null : XmlReader.Create(new Metered(this, entry), new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            CloseInput = true,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        });
    }

    /// <summary>A whole part; null where there is none or it is damaged, which is told as a warning.</summary>
    public XElement? Load(string path, DocumentBuilder builder)
    {
        try
        {
            using var reader = Open(path);
            return reader is null ? null : XElement.Load(reader);
        }
        catch (Exception e) when (e is XmlException or InvalidDataException)
        {
            builder.Warn($"The part '{path}' is damaged and was left out: {e.Message}");
            return null;
        }
    }

    /// <summary>A part beside the main one: "styles.xml" of "word/document.xml" is "word/styles.xml".</summary>
    public XElement? Sibling(string name, DocumentBuilder builder) => Load(Main[..(Main.LastIndexOf('/') + 1)] + name, builder);

    public void Dispose() => _archive.Dispose();

    private string MainPart()
    {
        using var reader = Open("_rels/.rels");
        if (reader is not null)
        {
            foreach (var relation in XElement.Load(reader).Elements())
            {
                if (((string?)relation.Attribute("Type"))?.EndsWith("/officeDocument", StringComparison.Ordinal) == true && (string?)relation.Attribute("Target") is { } target)
                {
                    return target.TrimStart('/');
                }
            }
        }

        return "word/document.xml";
    }

    /// <summary>Counts what is really unpacked.</summary>
    private sealed class Metered(DocxPackage package, ZipArchiveEntry entry) : Stream
    {
        private readonly Stream _inner = entry.Open();
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => _read; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            package._input.Cancellation.ThrowIfCancellationRequested();
            var read = _inner.Read(buffer, offset, count);
            _read += read;
            package._unpacked += read;
            var limits = package._input.Limits;
            if (package._unpacked > limits.ZipBytes || _read > 1 << 20 && _read / Math.Max(1, entry.CompressedLength) > limits.ZipRatio)
            {
                throw new ParseException(FailureCodes.TooLarge, $"The container unpacks to an unreasonable size ('{TextCleaner.OneLine(entry.FullName)}' gave more than {_read:N0} bytes from {entry.CompressedLength:N0}). It was not read further.");
            }

            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
