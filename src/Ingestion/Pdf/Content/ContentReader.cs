using System.Text;
using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Pdf.Fonts;
using RagCluster.Ingestion.Pdf.Objects;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>Follows a page's content streams and gathers the text that they show (ISO 32000-1, 9.4).</summary>
internal sealed class ContentReader(PdfFile file, FontCache fonts)
{
    private const int MaxForms = 16;
    private const int MaxStates = 512;

    // A page that draws forms which draw forms could go on for ages without using much memory.
    private const long MaxOperators = 100_000_000;

    private readonly List<Glyph> _glyphs = [];
    private readonly Stack<ActualText?> _marked = new();
    private readonly StringBuilder _shown = new();
    private long _operators;

    public List<TextRun> Runs { get; } = [];

    /// <param name="toPage">From user space to the upright page.</param>
    public void Read(byte[] content, PdfDictionary? resources, Matrix toPage)
    {
        _marked.Clear();
        Run(content, resources, new GraphicsState { Page = toPage }, 0);
    }

    /// <summary>Reads a form, as what a form field or a note shows.</summary>
    public void Read(PdfStream form, PdfDictionary? resources, Matrix toPage)
    {
        _marked.Clear();
        Form(form, resources, new GraphicsState { Page = toPage }, 0, mayOmitSubtype: true);
    }

    private void Run(byte[] content, PdfDictionary? resources, GraphicsState state, int depth)
    {
        var lexer = new PdfLexer(content, null, file.Limits.NestingDepth);
        var operands = new List<object?>();
        var states = new Stack<GraphicsState>();
        Matrix text = Matrix.Identity, line = Matrix.Identity;
        for (var value = lexer.Read(); value != PdfLexer.End; value = lexer.Read())
        {
            if (value is not PdfKeyword op)
            {
                if (operands.Count < 1024)
                {
                    operands.Add(value);
                }

                continue;
            }

            if ((++_operators & 1023) == 0)
            {
                file.Cancellation.ThrowIfCancellationRequested();
                if (_operators > MaxOperators)
                {
                    throw new ParseException(FailureCodes.TooLarge, $"The PDF's pages hold more than {MaxOperators:N0} drawing operators. It was not read further.");
                }
            }

            switch (op.Value)
            {
                case "q" when states.Count < MaxStates:
                    states.Push(state.Copy());
                    break;
                case "Q" when states.Count > 0:
                    state = states.Pop();
                    break;
                case "cm":
                    state.Page = Matrix.Of(Numbers(operands, 6)).Then(state.Page);
                    break;
                case "BT":
                    text = line = Matrix.Identity;
                    break;
                case "Tf" when operands.Count >= 2:
                    state.Font = operands[^2] is PdfName font ? fonts.Get(resources?.Dictionary("Font"), font.Value) : state.Font;
                    state.FontSize = operands[^1] is double size ? size : state.FontSize;
                    break;
                case "gs" when operands is [.., PdfName name] && resources?.Dictionary("ExtGState")?.Dictionary(name.Value)?.Array("Font") is { Count: >= 2 } set:
                    state.Font = fonts.Get(file, set[0]) ?? state.Font;
                    state.FontSize = set[1] as double? ?? state.FontSize;
                    break;
                case "Tc":
                    state.CharacterSpacing = Number(operands);
                    break;
                case "Tw":
                    state.WordSpacing = Number(operands);
                    break;
                case "Tz":
                    state.Scale = Number(operands) / 100;
                    break;
                case "TL":
                    state.Leading = Number(operands);
                    break;
                case "Ts":
                    state.Rise = Number(operands);
                    break;
                case "Td" or "TD":
                    var offset = Numbers(operands, 2);
                    if (op.Value == "TD")
                    {
                        state.Leading = -offset[1];
                    }

                    text = line = new Matrix(1, 0, 0, 1, offset[0], offset[1]).Then(line);
                    break;
                case "Tm":
                    text = line = Matrix.Of(Numbers(operands, 6));
                    break;
                case "T*":
                    text = line = new Matrix(1, 0, 0, 1, 0, -state.Leading).Then(line);
                    break;
                case "Tj" when operands is [.., byte[] shown]:
                    Show(shown, state, ref text);
                    break;
                case "'" when operands is [.., byte[] shown]:
                    text = line = new Matrix(1, 0, 0, 1, 0, -state.Leading).Then(line);
                    Show(shown, state, ref text);
                    break;
                case "\"" when operands is [.., double words, double characters, byte[] shown]:
                    (state.WordSpacing, state.CharacterSpacing) = (words, characters);
                    text = line = new Matrix(1, 0, 0, 1, 0, -state.Leading).Then(line);
                    Show(shown, state, ref text);
                    break;
                case "TJ" when operands is [.., PdfArray pieces]:
                    foreach (var piece in pieces)
                    {
                        if (piece is byte[] shown)
                        {
                            Show(shown, state, ref text);
                        }
                        else if (piece is double adjust)
                        {
                            text = new Matrix(1, 0, 0, 1, -adjust / 1000 * state.FontSize * state.Scale, 0).Then(text);
                        }
                    }

                    break;
                case "Do" when operands is [.., PdfName name] && depth < MaxForms:
                    Form(resources?.Dictionary("XObject")?.Stream(name.Value), resources, state, depth);
                    break;
                case "BDC":
                    _marked.Push(Replacement(operands, resources));
                    break;
                case "BMC":
                    _marked.Push(null);
                    break;
                case "EMC" when _marked.Count > 0:
                    EndReplacement(_marked.Pop());
                    break;
                case "BI":
                    SkipImage(lexer);
                    break;
            }

            operands.Clear();
        }
    }

    private void Form(PdfStream? form, PdfDictionary? outer, GraphicsState state, int depth, bool mayOmitSubtype = false)
    {
        if (form is null || form.Dictionary.Name("Subtype") is var subtype && subtype != "Form" && !(mayOmitSubtype && subtype is null))
        {
            return;
        }

        var inner = state.Copy();
        inner.Page = Matrix.Of(form.Dictionary.Numbers("Matrix", 6)).Then(state.Page);
        Run(file.Decode(form), form.Dictionary.Dictionary("Resources") ?? outer, inner, depth + 1);
    }

    private void Show(byte[] bytes, GraphicsState state, ref Matrix text)
    {
        if (state.Font is null)
        {
            return;
        }

        _glyphs.Clear();
        state.Font.Decode(bytes, _glyphs);
        var start = text;
        _shown.Clear();
        foreach (var glyph in _glyphs)
        {
            _shown.Append(glyph.Text);
            var advance = (glyph.Width * state.FontSize + state.CharacterSpacing + (glyph.IsSpace ? state.WordSpacing : 0)) * state.Scale;
            text = new Matrix(1, 0, 0, 1, advance, 0).Then(text);
            // A wide gap inside of a string is a gap between words as any other.
            if (state.CharacterSpacing > 0.25 * Math.Abs(state.FontSize) && _glyphs.Count > 1)
            {
                Emit(start, text, state, state.CharacterSpacing * state.Scale);
                start = text;
            }
        }

        Emit(start, text, state, 0);
    }

    private void Emit(Matrix from, Matrix to, GraphicsState state, double spacing)
    {
        var replaced = _marked.Count > 0 ? _marked.FirstOrDefault(m => m is not null) : null;
        if (_shown.Length == 0 && replaced is null)
        {
            return;
        }

        var shown = _shown.ToString();
        _shown.Clear();
        var device = from.Then(state.Page);
        var (x0, y0) = device.Apply(0, state.Rise);
        var (x1, y1) = to.Then(state.Page).Apply(-spacing, state.Rise);
        var (ux, uy) = device.Apply(0, state.Rise + state.FontSize);
        var size = Math.Sqrt((ux - x0) * (ux - x0) + (uy - y0) * (uy - y0));
        var width = Math.Sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0));
        if (size is 0 or > 10_000 || !double.IsFinite(x0 + y0 + width + size))
        {
            return;
        }

        // The direction of writing; the vector of a shown unit, so that text without width has one too.
        var sign = Math.Sign(state.FontSize) * Math.Sign(state.Scale == 0 ? 1 : state.Scale);
        var (dx, dy) = (device.A * sign, device.B * sign);
        var angle = (int)Math.Round(Math.Atan2(dy, dx) * 180 / Math.PI);
        var (cos, sin) = (Math.Cos(angle * Math.PI / 180), Math.Sin(angle * Math.PI / 180));
        var run = new TextRun(shown, x0 * cos + y0 * sin, x0 * sin - y0 * cos, width, size, angle, state.Font!.IsBold);
        if (replaced is not null)
        {
            replaced.Add(run);
        }
        else
        {
            Runs.Add(run);
        }
    }

    private void EndReplacement(ActualText? ended)
    {
        if (ended?.Run is { } run && ended.Text.Length > 0)
        {
            Runs.Add(run with { Text = ended.Text, Width = ended.Right - run.X });
        }
    }

    private static ActualText? Replacement(List<object?> operands, PdfDictionary? resources)
    {
        var properties = operands.Count > 0 ? operands[^1] : null;
        var dictionary = properties as PdfDictionary ?? (properties is PdfName name ? resources?.Dictionary("Properties")?.Dictionary(name.Value) : null);
        return dictionary?["ActualText"] is byte[] text ? new ActualText(PdfText.Decode(text)) : null;
    }

    /// <summary>Skips an inline image: its data ends at "EI" between white space.</summary>
    private static void SkipImage(PdfLexer lexer)
    {
        for (var value = lexer.Read(); value != PdfLexer.End && value is not PdfKeyword { Value: "ID" }; value = lexer.Read())
        {
            // The image's own dictionary.
        }

        var data = lexer.Data.Span;
        for (var at = lexer.Position + 1; at < data.Length;)
        {
            var hit = data[at..].IndexOf("EI"u8);
            if (hit < 0)
            {
                lexer.Position = data.Length;
                return;
            }

            at += hit;
            if (PdfLexer.IsWhite(data[at - 1]) && (at + 2 == data.Length || PdfLexer.IsWhite(data[at + 2])) && IsText(data[(at + 2)..Math.Min(data.Length, at + 12)]))
            {
                lexer.Position = at + 2;
                return;
            }

            at += 2;
        }

        lexer.Position = data.Length;
    }

    private static bool IsText(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExceptInRange((byte)9, (byte)126) < 0;

    private static double Number(List<object?> operands) => operands is [.., double number] ? number : 0;

    private static double[] Numbers(List<object?> operands, int count)
    {
        var numbers = new double[count];
        for (var i = 0; i < count && i < operands.Count; i++)
        {
            numbers[count - 1 - i] = operands[^(i + 1)] is double d ? d : 0;
        }

        return numbers;
    }

    /// <summary>Text that stands for what is shown inside of a marked piece of content (ISO 32000-1, 14.9.4).</summary>
    private sealed class ActualText(string text)
    {
        public string Text { get; } = text;

        public TextRun? Run { get; private set; }

        public double Right { get; private set; }

        public void Add(TextRun run)
        {
            Run ??= run;
            Right = Math.Max(Right, run.Right);
        }
    }
}
