using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using RagCluster.Retrieval.Analysis.Unicode;

namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// Reads the tokens of a text one by one. Offsets are UTF-16 code units of the text as given, end exclusive.
/// </summary>
/// <remarks>
/// What white space does not separate is looked at together: "LF-2041-B", "jane.doe@example.com", "2024-03-15",
/// "$1,250.50". Such a compound yields itself, at the position of its first part, and then its parts; a compound of
/// mere letters and hyphens ("non-smoker") yields them as one word ("nonsmoker") and its parts. Thousands separators go ("1250.50"), and an amount's only part
/// is its integer. "U.S." is one term, "us". A term is at most <see cref="MaxTermLength"/> long, the rest is cut off.
/// </remarks>
public ref struct TokenStream
{
    public const int MaxTermLength = 64;

    private readonly Analyzer _analyzer;
    private readonly ReadOnlySpan<char> _text;
    private TermBuffer _buffer;
    private int _length;
    private int _at;
    private int _words;
    private int _part;
    private int _partsEnd;
    private bool _onlyFirstPart;

    internal TokenStream(Analyzer analyzer, ReadOnlySpan<char> text)
    {
        _analyzer = analyzer;
        _text = text;
    }

    /// <summary>The current term, valid until the next move.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<char> Term => ((ReadOnlySpan<char>)_buffer)[.._length];

    public int Start { get; private set; }

    public int End { get; private set; }

    /// <summary>Counts words from 0, those that are left out included.</summary>
    public int Position { get; private set; }

    /// <summary>Whether this is a compound, whose parts follow from the same position on; it adds nothing to a field's length.</summary>
    public bool IsWhole { get; private set; }

    public bool MoveNext()
    {
        while (true)
        {
            if (_part < _partsEnd)
            {
                if (NextPart())
                {
                    return true;
                }

                continue;
            }

            _at = SkipToWord(_text, _at);
            if (_at >= _text.Length)
            {
                return false;
            }

            var start = _at;
            var end = EndOfWord(_text, start, out var plain);
            while (end + 1 < _text.Length && end - start <= MaxTermLength && IsJoiner(_text[end]) && IsWordAt(_text, end + 1))
            {
                end = EndOfWord(_text, end + 1, out _);
                plain = false;
            }

            _at = end;
            if (plain ? Word(start, end) : Compound(start, end))
            {
                return true;
            }
        }
    }

    private bool Compound(int start, int end)
    {
        var shape = CompoundShape.Of(_text[start..end]);
        if (shape.Kind is CompoundKind.Word)
        {
            return Word(start, end);
        }

        if (shape.Kind is CompoundKind.Acronym or CompoundKind.Number)
        {
            Position = _words++;
            IsWhole = false;
            return Whole(start, end, dropDots: shape.Kind is CompoundKind.Acronym) && !_analyzer.IsStopWord(Term);
        }

        _part = start;
        _partsEnd = end;
        _onlyFirstPart = shape.Kind is CompoundKind.Amount;
        if (shape.Kind is CompoundKind.Words || end - start > MaxTermLength)
        {
            return shape.Kind is CompoundKind.Words && Joined(start, end);
        }

        IsWhole = true;
        Position = _words;
        return Whole(start, end, dropDots: false);
    }

    /// <summary>"non-smoker" as "nonsmoker", stemmed: both are written.</summary>
    private bool Joined(int start, int end)
    {
        _length = 0;
        Start = start;
        End = end;
        foreach (var c in _text[start..end])
        {
            if (c is '-' or '\u2010' or '\u2011')
            {
                continue;
            }

            if (IsJoiner(c) || _length == MaxTermLength)
            {
                return false;
            }

            Fold(c);
        }

        _length = _analyzer.Stem(_buffer, _length);
        IsWhole = true;
        Position = _words;
        return _length > 0;
    }

    /// <summary>The compound as one term, without thousands separators and, of an acronym, without dots.</summary>
    private bool Whole(int start, int end, bool dropDots)
    {
        _length = 0;
        Start = start;
        End = end;
        for (var i = start; i < end && _length < MaxTermLength; i++)
        {
            if (!((_text[i] == ',' && CompoundShape.IsThousands(_text[i..end])) || (dropDots && _text[i] == '.')))
            {
                Fold(_text[i]);
            }
        }

        return _length > 0;
    }

    private bool NextPart()
    {
        var start = _part;
        while (start < _partsEnd && !IsWordAt(_text, start))
        {
            start++;
        }

        var end = start;
        while (end < _partsEnd && (IsPartOfWord(_text[end]) || IsInner(end)))
        {
            end++;
        }

        _part = _onlyFirstPart ? _partsEnd : end;
        return end > start && Word(start, end);
    }

    /// <summary>An apostrophe between letters, or a comma between thousands.</summary>
    private readonly bool IsInner(int at) =>
        at > 0 && at + 1 < _partsEnd
        && ((_text[at] is '\'' or '’' && char.IsLetter(_text[at - 1]) && char.IsLetter(_text[at + 1]))
            || (_text[at] == ',' && CompoundShape.IsThousands(_text[at.._partsEnd])));

    private bool Word(int start, int end)
    {
        Position = _words++;
        IsWhole = false;
        Start = start;
        End = end;
        _length = 0;
        if (end - start <= WordCache.LongestWord && LettersAndDigits(start, end, out var word, out var numbered))
        {
            // What has a digit is a term as it is: no stop word, and not stemmed.
            return numbered || CachedWord(word);
        }

        _length = 0;
        var digits = false;
        for (var i = start; i < end && _length < MaxTermLength; i++)
        {
            var c = _text[i];
            if (char.IsAsciiLetterLower(c))
            {
                _buffer[_length++] = c;
            }
            else if (char.IsAsciiLetterUpper(c))
            {
                _buffer[_length++] = (char)(c | 0x20);
            }
            else if (c != ',')
            {
                digits |= char.IsDigit(c);
                Fold(c);
            }
        }

        if (_analyzer.Elision(Term) is var elided and > 0)
        {
            ((Span<char>)_buffer)[elided.._length].CopyTo(_buffer);
            _length -= elided;
        }

        if (_length == 0 || _analyzer.IsStopWord(Term))
        {
            return false;
        }

        if (!digits)
        {
            _length = _analyzer.Stem(_buffer, _length);
        }

        return _length > 0;
    }

    /// <summary>Whether the word is ASCII letters and digits alone; in lower case it is then in the buffer.</summary>
    /// <param name="numbered">Whether there is a digit.</param>
    private bool LettersAndDigits(int start, int end, out UInt128 packed, out bool numbered)
    {
        var (low, high) = (0UL, 0UL);
        numbered = false;
        var word = _text[start..end];
        for (var i = 0; i < word.Length; i++)
        {
            var c = (uint)word[i] | 0x20;
            if (c - 'a' > 'z' - 'a')
            {
                // A digit has the bit of lower case already; a control character has it from here.
                if (!char.IsAsciiDigit(word[i]))
                {
                    packed = default;
                    return false;
                }

                numbered = true;
            }

            _buffer[i] = (char)c;
            if (i < 8)
            {
                low |= (ulong)c << (8 * i);
            }
            else
            {
                high |= (ulong)c << (8 * i);
            }
        }

        _length = word.Length;
        packed = new UInt128(high, low);
        return true;
    }

    /// <summary>What becomes of the word in the buffer, remembered from the last time where it was seen before.</summary>
    private bool CachedWord(UInt128 word)
    {
        ref var known = ref WordCache.Of(_analyzer).Slot(word);
        if (known.Word != word)
        {
            var length = _analyzer.IsStopWord(Term) ? 0 : _analyzer.Stem(_buffer, _length);
            var stem = UInt128.Zero;
            for (var i = 0; i < length; i++)
            {
                stem |= (UInt128)_buffer[i] << (8 * i);
            }

            known = new WordCache.Entry(word, stem, length);
        }
        else if (known.Stem != word)
        {
            var (low, high) = ((ulong)known.Stem, (ulong)(known.Stem >> 64));
            for (var i = 0; i < known.Length; i++)
            {
                _buffer[i] = (char)(byte)(i < 8 ? low >> (8 * i) : high >> (8 * (i - 8)));
            }
        }

        _length = known.Length;
        return _length > 0;
    }

    private void Fold(char c)
    {
        if (char.IsAscii(c))
        {
            _buffer[_length++] = char.ToLowerInvariant(c);
            return;
        }

        if (CharacterTables.IsFoldedAway(c))
        {
            return;
        }

        if (CharacterTables.FoldOf(c) is { } folded)
        {
            foreach (var f in folded)
            {
                if (_length < MaxTermLength)
                {
                    _buffer[_length++] = f;
                }
            }
        }
        else
        {
            _buffer[_length++] = char.ToLowerInvariant(c);
        }
    }

    private static int SkipToWord(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && !IsWordAt(text, at))
        {
            at++;
        }

        return at;
    }

    /// <summary>The end of the word at <paramref name="start"/>; plain where it is letters and digits alone.</summary>
    private static int EndOfWord(ReadOnlySpan<char> text, int start, out bool plain)
    {
        var at = start;
        while (at < text.Length && char.IsAsciiLetterOrDigit(text[at]))
        {
            at++;
        }

        plain = true;
        if (at == text.Length || (at > start && char.IsAscii(text[at]) && !(text[at] is '.' or ',' or ':' or ';' or '\'' or '_' or '"' && at + 1 < text.Length && IsPartOfWord(text[at + 1]))))
        {
            return at;
        }

        at = WordBreaker.Next(text, start);
        foreach (var c in text[start..at])
        {
            plain &= IsPartOfWord(c);
        }

        return at;
    }

    private static bool IsJoiner(char c) => c is '-' or '/' or '@' or '.' or '_' or '+' or '&' or '#' or ':' or '\\' or '=' or '\u2010' or '\u2011';

    private static bool IsWordAt(ReadOnlySpan<char> text, int at)
    {
        var c = text[at];
        return char.IsAscii(c)
            ? char.IsAsciiLetterOrDigit(c)
            : char.IsLetterOrDigit(c) || (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) && Rune.IsLetterOrDigit(new Rune(c, text[at + 1])));
    }

    private static bool IsPartOfWord(char c) => char.IsAscii(c) ? char.IsAsciiLetterOrDigit(c) : char.IsLetterOrDigit(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.Format;

    [InlineArray(MaxTermLength)]
    private struct TermBuffer
    {
        private char _first;
    }
}
