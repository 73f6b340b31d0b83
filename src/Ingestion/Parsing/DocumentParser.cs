using System.Text.Json;
using System.Xml;
using RagCluster.Ingestion.Parsing.Formats;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// Parses in this process. Formats whose parsers could take the process down belong behind
/// <see cref="Isolation.IsolatedParser"/>, which runs this class in a worker process.
/// </summary>
public sealed class DocumentParser(ParserLimits limits, TimeProvider time) : IDocumentParser
{
    private readonly Dictionary<string, IFormat> _formats = new IFormat[]
    {
        new PlainTextFormat(), new MarkdownFormat(), new HtmlFormat(), new CsvFormat(), new JsonFormat(), new JsonLinesFormat(), new Pdf.PdfFormat(), new Docx.DocxFormat(),
    }.ToDictionary(f => f.MediaType);

    public async Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellation.ThrowIfCancellationRequested();
        // Parsing is computation: off the caller's turn at once.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return Parse(content, name, mediaType, cancellation);
    }

    /// <summary>The same on the caller's thread.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled before the end.</exception>
    public ParseResult Parse(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(name);
        using var timeout = new CancellationTokenSource(limits.Time, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            if (content.Length > limits.InputBytes)
            {
                throw new ParseException(FailureCodes.TooLarge, $"The document has {content.Length:N0} bytes; at most {limits.InputBytes:N0} are taken. Split it, or raise the limit.");
            }

            var sniffed = Sniffer.Sniff(content.Span, name, mediaType);
            var document = _formats[sniffed].Parse(new FormatInput(content, name, limits, both.Token));
            return document.Text.Length > 0
                ? new ParseSuccess(document)
                : new ParseFailure(FailureCodes.NoText, "The document was read and holds no text.");
        }
        catch (ParseException e)
        {
            return new ParseFailure(e.Code, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ParseFailure(FailureCodes.ParserTimeout, $"Parsing took longer than {limits.Time.TotalSeconds:0.#} seconds and was stopped.") { Transient = true };
        }
        catch (Exception e) when (IsBadInput(e))
        {
            return new ParseFailure(FailureCodes.Corrupt, $"The document is damaged and could not be read: {e.Message}");
        }
        catch (OutOfMemoryException)
        {
            return new ParseFailure(FailureCodes.ParserMemory, "Parsing the document needs more memory than there is. Split it into smaller documents.");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A parser's own fault costs this document, is named, and never takes its caller down.
            return new ParseFailure(FailureCodes.ParserCrashed, $"The parser failed on this document: {e.GetType().Name}: {e.Message}");
        }
    }

    // What the libraries and our own readers throw at damaged input.
    private static bool IsBadInput(Exception e) =>
        e is InvalidDataException or FormatException or JsonException or XmlException or EndOfStreamException or IOException or System.Text.DecoderFallbackException;
}

/// <summary>What a format's parser gets.</summary>
internal sealed record FormatInput(ReadOnlyMemory<byte> Content, string Name, ParserLimits Limits, CancellationToken Cancellation)
{
    public DocumentBuilder NewBuilder() => new(Limits, Cancellation);
}

/// <summary>One format's parser. It throws <see cref="ParseException"/> for bad input.</summary>
internal interface IFormat
{
    string MediaType { get; }

    ParsedDocument Parse(FormatInput input);
}
