namespace RagCluster.Pbm.Shell;

/// <summary>A line that is being typed: text, cursor, and the lines before it. Knows keys and no console.</summary>
internal sealed class LineBuffer
{
    private const int MaxHistory = 500;

    private readonly List<string> _history = [];
    private int _shown;
    private string _typed = "";

    public string Text { get; private set; } = "";

    public int Cursor { get; private set; }

    /// <summary>False: the key means nothing to a line.</summary>
    public bool Press(ConsoleKeyInfo key)
    {
        var control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow:
                Cursor = Math.Max(0, Cursor - 1);
                return true;
            case ConsoleKey.RightArrow:
                Cursor = Math.Min(Text.Length, Cursor + 1);
                return true;
            case ConsoleKey.Home:
            case ConsoleKey.A when control:
                Cursor = 0;
                return true;
            case ConsoleKey.End:
            case ConsoleKey.E when control:
                Cursor = Text.Length;
                return true;
            case ConsoleKey.Backspace when Cursor > 0:
                Replace(Cursor - 1, Cursor, "");
                return true;
            case ConsoleKey.Delete when Cursor < Text.Length:
                Replace(Cursor, Cursor + 1, "");
                return true;
            case ConsoleKey.U when control:
                Replace(0, Cursor, "");
                return true;
            case ConsoleKey.W when control:
                Replace(WordStart(), Cursor, "");
                return true;
            case ConsoleKey.UpArrow:
                Show(_shown - 1);
                return true;
            case ConsoleKey.DownArrow:
                Show(_shown + 1);
                return true;
            default:
                if (key.KeyChar == '\0' || char.IsControl(key.KeyChar))
                {
                    return false;
                }

                Replace(Cursor, Cursor, key.KeyChar.ToString());
                return true;
        }
    }

    /// <summary>Puts text in place of a part; the cursor is behind it then.</summary>
    public void Replace(int start, int end, string text)
    {
        Text = Text[..start] + text + Text[end..];
        Cursor = start + text.Length;
    }

    /// <summary>Where the word that the cursor is in, or just behind, begins.</summary>
    public int WordStart()
    {
        var start = Cursor;
        while (start > 0 && Text[start - 1] == ' ')
        {
            start--;
        }

        while (start > 0 && Text[start - 1] != ' ')
        {
            start--;
        }

        return start;
    }

    /// <summary>The line is done: gives it, and begins an empty one.</summary>
    public string Enter()
    {
        var line = Text;
        if (line.Trim().Length > 0 && (_history.Count == 0 || _history[^1] != line))
        {
            _history.Add(line);
            if (_history.Count > MaxHistory)
            {
                _history.RemoveAt(0);
            }
        }

        (Text, Cursor, _shown, _typed) = ("", 0, _history.Count, "");
        return line;
    }

    private void Show(int which)
    {
        if (which < 0 || which > _history.Count)
        {
            return;
        }

        if (_shown == _history.Count)
        {
            _typed = Text;
        }

        _shown = which;
        Text = which == _history.Count ? _typed : _history[which];
        Cursor = Text.Length;
    }
}
