using System.Text;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// Assembles the canonical text and its blocks, in order, within the limits. Blocks are separated by an empty line,
/// items of one list and rows of one table by a line end.
/// </summary>
internal sealed class DocumentBuilder(ParserLimits limits, CancellationToken cancellation)
{
    private readonly StringBuilder _text = new();
    private readonly List<Block> _blocks = [];
    private readonly List<string> _warnings = [];
    private readonly List<(int Level, string Text)> _path = [];
    private IReadOnlyList<string> _headings = [];
    private bool _record;
    private bool _gap;

    /// <summary>The page that what follows stands on.</summary>
    public int? Page { get; set; }

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.OrdinalIgnoreCase);

    public bool IsEmpty => _blocks.Count == 0;

    public int Length => _text.Length;

    /// <summary>What follows has nothing to do with what came before, headings included.</summary>
    public void StartRecord()
    {
        _record = true;
        _path.Clear();
        _headings = [];
    }

    /// <summary>The next row or item belongs to another table or list than the one before.</summary>
    public void Gap() => _gap = true;

    public void Heading(int level, string text)
    {
        text = TextCleaner.OneLine(TextCleaner.Clean(text));
        if (text.Length == 0)
        {
            return;
        }

        level = Math.Clamp(level, 1, 9);
        while (_path.Count > 0 && _path[^1].Level >= level)
        {
            _path.RemoveAt(_path.Count - 1);
        }

        _headings = [.. _path.Select(h => h.Text)];
        Append(BlockKind.Heading, text, level, null);
        // A heading that is a paragraph in disguise would be repeated with every chunk below it.
        _path.Add((level, text.Length <= 200 ? text : text[..Boundary(text, 200)]));
        _headings = [.. _path.Select(h => h.Text)];
    }

    public void Paragraph(string text) => Append(BlockKind.Paragraph, TextCleaner.Lines(TextCleaner.Clean(text)), 0, null);

    /// <param name="depth">From 0 for the outermost list.</param>
    public void ListItem(string text, int depth = 0, string marker = "-")
    {
        text = TextCleaner.Lines(TextCleaner.Clean(text));
        if (text.Length > 0)
        {
            Append(BlockKind.ListItem, new string(' ', 2 * Math.Min(depth, 8)) + marker + " " + text, 0, null);
        }
    }

    public void TableRow(string text, int? row = null) => Append(BlockKind.TableRow, TextCleaner.OneLine(TextCleaner.Clean(text)), 0, row);

    /// <summary>Keeps its white space.</summary>
    public void Code(string text) => Append(BlockKind.Code, TextCleaner.Clean(text).Trim('\n'), 0, null);

    public void Warn(string warning)
    {
        if (_warnings.Count < 50)
        {
            _warnings.Add(warning);
        }
    }

    /// <summary>The document as assembled.</summary>
    /// <param name="title">What the document calls itself; the first heading of the first level, then the file's name stand in.</param>
    public ParsedDocument Build(string mediaType, string? title, string name, int? pages = null)
    {
        var text = _text.ToString();
        return Finish(text, _blocks, mediaType, title, name) with { Pages = pages, Metadata = Metadata, Warnings = _warnings };
    }

    internal static ParsedDocument Finish(string text, IReadOnlyList<Block> blocks, string mediaType, string? title, string name)
    {
        title = title is null ? "" : TextCleaner.OneLine(TextCleaner.Clean(title));
        if (title.Length == 0 && blocks.FirstOrDefault(b => b.Kind == BlockKind.Heading && !b.StartsRecord) is { } heading && heading.Level <= 2)
        {
            title = TextCleaner.OneLine(text.AsSpan(heading.Start, heading.End - heading.Start));
        }

        if (title.Length > 200)
        {
            title = title[..Boundary(title, 200)];
        }

        return new ParsedDocument { Text = text, Blocks = blocks, MediaType = mediaType, Title = title.Length > 0 ? title : FileTitle(name) };
    }

    /// <summary>The name without folders and extension, as words.</summary>
    internal static string FileTitle(string name)
    {
        var file = TextCleaner.OneLine(TextCleaner.Clean(name[(name.AsSpan().LastIndexOfAny('/', '\\') + 1)..]));
        var stem = Path.GetFileNameWithoutExtension(file);
        var title = (stem.Length > 0 ? stem : file).Replace('_', ' ').Trim();
        return title.Length > 0 ? title : "Untitled";
    }

    /// <summary>An offset not behind <paramref name="at"/> that does not cut a surrogate pair.</summary>
    internal static int Boundary(string text, int at) =>
        at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]) ? at - 1 : at;

    private void Append(BlockKind kind, string text, int level, int? row)
    {
        if ((_blocks.Count & 255) == 0)
        {
            cancellation.ThrowIfCancellationRequested();
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            return;
        }

        if ((long)_text.Length + text.Length + 2 > limits.OutputCharacters)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document's text is longer than {limits.OutputCharacters:N0} characters. Split it into smaller documents.");
        }

        if (_blocks.Count >= limits.Blocks)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document has more than {limits.Blocks:N0} paragraphs, rows and list items. Split it into smaller documents.");
        }

        if (_blocks.Count > 0)
        {
            var together = kind is BlockKind.ListItem or BlockKind.TableRow && _blocks[^1].Kind == kind && !_gap && !_record;
            _text.Append(together ? "\n" : "\n\n");
        }

        _gap = false;
        var start = _text.Length;
        _text.Append(text);
        _blocks.Add(new Block(kind, start, _text.Length) { Level = level, Headings = _headings, Page = Page, Row = row, StartsRecord = _record && _blocks.Count > 0 });
        _record = false;
    }
}
