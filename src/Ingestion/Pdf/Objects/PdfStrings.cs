namespace RagCluster.Ingestion.Pdf.Objects;

/// <summary>Reads strings (ISO 32000-1, 7.3.4).</summary>
internal static class PdfStrings
{
    /// <summary>A string in parentheses; <paramref name="at"/> moves from the first of them to behind the last.</summary>
    public static byte[] Literal(ReadOnlySpan<byte> span, ref int at)
    {
        var text = new List<byte>();
        var open = 1;
        at++;
        while (at < span.Length)
        {
            var b = span[at++];
            if (b == '\\' && at < span.Length)
            {
                Escape(span, ref at, text);
                continue;
            }

            open += b == '(' ? 1 : b == ')' ? -1 : 0;
            if (open == 0)
            {
                break;
            }

            text.Add(b);
        }

        return [.. text];
    }

    private static void Escape(ReadOnlySpan<byte> span, ref int at, List<byte> text)
    {
        var e = span[at++];
        switch (e)
        {
            case (byte)'n':
                text.Add(10);
                break;
            case (byte)'r':
                text.Add(13);
                break;
            case (byte)'t':
                text.Add(9);
                break;
            case (byte)'b':
                text.Add(8);
                break;
            case (byte)'f':
                text.Add(12);
                break;
            case 13:
                at += at < span.Length && span[at] == 10 ? 1 : 0;
                break;
            case 10:
                break;
            case >= (byte)'0' and <= (byte)'7':
                var code = e - '0';
                for (var i = 0; i < 2 && at < span.Length && span[at] is >= (byte)'0' and <= (byte)'7'; i++)
                {
                    code = code * 8 + span[at++] - '0';
                }

                text.Add((byte)code);
                break;
            default:
                text.Add(e);
                break;
        }
    }

    /// <summary>A string in angle brackets, as hexadecimal digits; others are skipped.</summary>
    public static byte[] Hexadecimal(ReadOnlySpan<byte> span, ref int at)
    {
        var bytes = new List<byte>();
        var half = -1;
        at++;
        while (at < span.Length && span[at] != '>')
        {
            var digit = Digit(span[at++]);
            if (digit < 0)
            {
                continue;
            }

            if (half < 0)
            {
                half = digit;
            }
            else
            {
                bytes.Add((byte)(half * 16 + digit));
                half = -1;
            }
        }

        at = Math.Min(at + 1, span.Length);
        if (half >= 0)
        {
            bytes.Add((byte)(half * 16));
        }

        return [.. bytes];
    }

    /// <summary>A hexadecimal digit's value, or -1.</summary>
    public static int Digit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
