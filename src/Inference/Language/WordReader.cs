namespace RagCluster.Inference.Language;

/// <summary>
/// Reads a text's words in order, lower-cased and folded to plain Latin letters, without allocating. A word is a run of
/// letters and digits; "1,000" and "2.5" are one word each, "insurer's" is "insurer", an ideograph is a word by itself.
/// Words longer than <see cref="MaxWordLength"/> are cut.
/// </summary>
internal ref struct WordReader(ReadOnlySpan<char> text, Span<char> buffer)
{
    public const int MaxWordLength = 40;

    private readonly ReadOnlySpan<char> _text = text;
    private readonly Span<char> _buffer = buffer;
    private int _position;

    /// <summary>The current word, folded; valid until the next move.</summary>
    public Span<char> Word { get; private set; }

    /// <summary>Where the current word begins in the text.</summary>
    public int Start { get; private set; }

    /// <summary>Where the current word ends in the text, exclusive.</summary>
    public readonly int End => _position;

    public bool MoveNext()
    {
        var i = _position;
        while (i < _text.Length && !IsWordCharacter(_text[i]))
        {
            i++;
        }

        if (i == _text.Length)
        {
            _position = i;
            return false;
        }

        Start = i;
        var length = 0;
        for (; i < _text.Length; i++)
        {
            var c = _text[i];
            if (IsIdeograph(c))
            {
                if (i == Start)
                {
                    length = Append(length, c);
                    i++;
                }

                break;
            }

            if (IsWordCharacter(c))
            {
                length = Append(length, c);
            }
            else if (IsJoiner(i, out var keep))
            {
                length = keep ? Append(length, c) : length;
            }
            else if (c is '\'' or '\u2019' && i + 1 < _text.Length && char.IsAsciiLetter(_text[i + 1]))
            {
                // The possessive is dropped; "don't" is "dont".
                if (_text[i + 1] is 's' or 'S' && (i + 2 == _text.Length || !IsWordCharacter(_text[i + 2])))
                {
                    i += 2;
                    break;
                }
            }
            else
            {
                break;
            }
        }

        _position = i;
        Word = _buffer[..length];
        return true;
    }

    internal static bool IsWordCharacter(char c) => c < 128 ? char.IsAsciiLetterOrDigit(c) : char.IsLetterOrDigit(c);

    private static bool IsIdeograph(char c) => c is >= '\u3040' and <= '\u30ff' or >= '\u3400' and <= '\u9fff';

    /// <summary>A comma between digits is left out, a point between digits stays.</summary>
    private readonly bool IsJoiner(int i, out bool keep)
    {
        keep = _text[i] == '.';
        return _text[i] is ',' or '.'
            && i > 0 && char.IsAsciiDigit(_text[i - 1])
            && i + 1 < _text.Length && char.IsAsciiDigit(_text[i + 1]);
    }

    private readonly int Append(int length, char c)
    {
        if (length >= MaxWordLength)
        {
            return length;
        }

        _buffer[length] = Fold(c);
        return length + 1;
    }

    private static char Fold(char c) => c switch
    {
        < (char)128 => char.ToLowerInvariant(c),
        >= '\u00c0' and <= '\u00c5' or >= '\u00e0' and <= '\u00e5' or >= '\u0100' and <= '\u0105' => 'a',
        '\u00c7' or '\u00e7' or >= '\u0106' and <= '\u010d' => 'c',
        >= '\u010e' and <= '\u0111' => 'd',
        >= '\u00c8' and <= '\u00cb' or >= '\u00e8' and <= '\u00eb' or >= '\u0112' and <= '\u011b' => 'e',
        >= '\u011c' and <= '\u0123' => 'g',
        >= '\u00cc' and <= '\u00cf' or >= '\u00ec' and <= '\u00ef' or >= '\u0128' and <= '\u0131' => 'i',
        >= '\u0139' and <= '\u0142' => 'l',
        '\u00d1' or '\u00f1' or >= '\u0143' and <= '\u0148' => 'n',
        >= '\u00d2' and <= '\u00d6' or '\u00d8' or >= '\u00f2' and <= '\u00f6' or '\u00f8' or >= '\u014c' and <= '\u0151' => 'o',
        >= '\u0154' and <= '\u0159' => 'r',
        >= '\u015a' and <= '\u0161' => 's',
        >= '\u0162' and <= '\u0167' => 't',
        >= '\u00d9' and <= '\u00dc' or >= '\u00f9' and <= '\u00fc' or >= '\u0168' and <= '\u0173' => 'u',
        '\u00dd' or '\u00fd' or '\u00ff' or '\u0178' => 'y',
        >= '\u0179' and <= '\u017e' => 'z',
        _ => char.ToLowerInvariant(c),
    };
}
