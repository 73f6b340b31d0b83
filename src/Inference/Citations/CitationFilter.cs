using System.Globalization;
using System.Text;

namespace RagCluster.Inference.Citations;

/// <summary>
/// Passes an answer's text through as it is generated, however its markers are cut between pieces: "[1]", "[1, 2]",
/// "[1-3]" and "[^1]" come out as "[1]", "[1][2]" and so on; numbers of passages that do not exist are taken out. What
/// might be the beginning of a marker is held back until it is clear. The pieces that come out, joined, do not depend on
/// how the text was cut.
/// </summary>
/// <param name="passages">How many passages there are.</param>
public sealed class CitationFilter(int passages)
{
    /// <summary>A longer run behind a bracket is text, not a marker.</summary>
    private const int MaxMarkerLength = 40;

    private const int MaxSpaces = 8;

    private readonly StringBuilder _pending = new();
    private readonly StringBuilder _out = new();
    private int _bracket = -1;

    /// <summary>The text that can be shown now.</summary>
    public string Push(ReadOnlySpan<char> piece)
    {
        foreach (var c in piece)
        {
            Take(c);
        }

        return Drain();
    }

    /// <summary>The text that was held back; to be called once, at the end.</summary>
    public string Complete()
    {
        Flush();
        return Drain();
    }

    private void Take(char c)
    {
        if (_bracket >= 0)
        {
            if (c == ']')
            {
                Resolve();
                return;
            }

            if ((char.IsAsciiDigit(c) || c is ',' or ';' or ' ' or '-' or '\u2013' or '^') && _pending.Length - _bracket < MaxMarkerLength)
            {
                _pending.Append(c);
                return;
            }

            Flush();
        }

        if (c == '[')
        {
            _bracket = _pending.Length;
            _pending.Append(c);
        }
        else if (c == ' ' && _pending.Length < MaxSpaces)
        {
            _pending.Append(c);
        }
        else
        {
            Flush();
            _out.Append(c);
        }
    }

    private void Resolve()
    {
        var content = _pending.ToString(_bracket + 1, _pending.Length - _bracket - 1);
        if (!content.AsSpan().ContainsAnyInRange('0', '9'))
        {
            _pending.Append(']');
            Flush();
            return;
        }

        var numbers = Numbers(content);
        if (numbers.Count > 0)
        {
            _out.Append(_pending, 0, _bracket);
            foreach (var number in numbers)
            {
                _out.Append(CultureInfo.InvariantCulture, $"[{number}]");
            }
        }

        _pending.Clear();
        _bracket = -1;
    }

    private List<int> Numbers(string content)
    {
        var numbers = new List<int>();
        foreach (var part in content.Split([',', ';', ' ', '^'], StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split(['-', '\u2013'], StringSplitOptions.RemoveEmptyEntries);
            if (ends.Length is 0 or > 2
                || !int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var to))
            {
                continue;
            }

            for (var n = Math.Max(1, from); n <= Math.Min(to, passages); n++)
            {
                if (!numbers.Contains(n))
                {
                    numbers.Add(n);
                }
            }
        }

        return numbers;
    }

    private void Flush()
    {
        _out.Append(_pending);
        _pending.Clear();
        _bracket = -1;
    }

    private string Drain()
    {
        var text = _out.ToString();
        _out.Clear();
        return text;
    }
}
