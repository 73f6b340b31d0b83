using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Pdf.Content;
using RagCluster.Ingestion.Pdf.Layout;
using RagCluster.Ingestion.Pdf.Objects;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pdf;

/// <summary>
/// PDF, read without any outside tool. The way of a page: objects (Objects) are unpacked (Filters), its operators show
/// strings (Content) that fonts turn into text (Fonts), and their places on the page make lines, paragraphs, headings and
/// tables of them (Layout).
/// </summary>
internal sealed class PdfFormat : IFormat
{
    public string MediaType => MediaTypes.Pdf;

    public ParsedDocument Parse(FormatInput input)
    {
        var file = new PdfFile(input);
        var pages = PdfPages.Of(file, input.Limits.Pages + 1);
        if (pages.Count == 0)
        {
            throw new ParseException(FailureCodes.Corrupt, "The PDF has no pages that could be found; it is damaged. Send it again from its source.");
        }

        var builder = input.NewBuilder();
        if (pages.Count > input.Limits.Pages)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The PDF has more than {input.Limits.Pages:N0} pages. Split it.");
        }

        var fonts = new FontCache(file);
        var lines = new List<List<PdfLine>>();
        var reader = new ContentReader(file, fonts);
        for (var number = 1; number <= pages.Count; number++)
        {
            reader.Runs.Clear();
            var page = pages[number - 1];
            reader.Read(Content(file, page), page.Resources, page.ToPage);
            foreach (var (form, toUserSpace) in PdfAnnotations.Appearances(page.Dictionary))
            {
                reader.Read(form, page.Resources, toUserSpace.Then(page.ToPage));
            }

            lines.Add(LineBuilder.Build(reader.Runs, number));
        }

        new BlockAssembler(builder).Write(RunningLines.Remove(lines));
        Explain(builder, file, fonts, lines);
        return builder.Build(MediaTypes.Pdf, Title(file, lines), input.Name, pages.Count);
    }

    private static void Explain(DocumentBuilder builder, PdfFile file, FontCache fonts, List<List<PdfLine>> lines)
    {
        if (builder.IsEmpty && file.IsDamaged)
        {
            throw new ParseException(FailureCodes.Corrupt, "The PDF is damaged or was cut off, and no text could be recovered. Send it again from its source.");
        }

        if (builder.IsEmpty)
        {
            throw new ParseException(
                FailureCodes.NoText,
                fonts.Unknown > 0
                    ? "The PDF's fonts do not say which characters their glyphs stand for, so that its text cannot be read. Print it to a new PDF, or recognise it with OCR."
                    : $"The PDF's {lines.Count} page(s) hold no text, only pictures or nothing. Recognise its text with OCR and send the result.");
        }

        var empty = lines.Select((page, i) => (page, Number: i + 1)).Where(p => p.page.Count == 0).Select(p => p.Number).ToList();
        if (empty.Count > 0)
        {
            builder.Warn($"{empty.Count} of {lines.Count} pages hold no text (the first is page {empty[0]}); pictures are not read.");
        }

        if (file.IsDamaged)
        {
            builder.Warn("The PDF's cross-reference is damaged; its objects were searched for, and some may be missing.");
        }

        if (fonts.Unknown > 0)
        {
            builder.Warn($"{fonts.Unknown} glyphs were left out because their fonts do not say which characters they stand for.");
        }
    }

    private static byte[] Content(PdfFile file, PdfPage page)
    {
        switch (page.Dictionary["Contents"])
        {
            case PdfStream stream:
                return file.Decode(stream);
            case PdfArray parts:
                var all = new MemoryStream();
                foreach (var part in parts)
                {
                    if (page.Dictionary.Resolve(part) is PdfStream stream)
                    {
                        all.Write(file.Decode(stream));
                        all.WriteByte((byte)'\n');
                    }
                }

                return all.ToArray();
            default:
                return [];
        }
    }

    /// <summary>The title among the properties, unless it is a file's name or a program's default; else the first big line.</summary>
    private static string? Title(PdfFile file, List<List<PdfLine>> lines)
    {
        var own = file.Trailer.Dictionary("Info")?["Title"] is byte[] bytes ? TextCleaner.OneLine(TextCleaner.Clean(PdfText.Decode(bytes))) : "";
        var useless = own.Length < 4 || own.StartsWith("Microsoft Word - ", StringComparison.OrdinalIgnoreCase) || own.StartsWith("untitled", StringComparison.OrdinalIgnoreCase)
            || own.Contains('\\', StringComparison.Ordinal) || own.EndsWith(".doc", StringComparison.OrdinalIgnoreCase) || own.EndsWith(".docx", StringComparison.OrdinalIgnoreCase)
            || own.EndsWith(".dvi", StringComparison.OrdinalIgnoreCase) || own.EndsWith(".pdf", StringComparison.OrdinalIgnoreCase) || own.EndsWith(".indd", StringComparison.OrdinalIgnoreCase);
        return useless ? BlockAssembler.BigLine(lines) : own;
    }
}
