namespace RagCluster.Retrieval.Analysis;

internal enum CompoundKind
{
    /// <summary>One word with an apostrophe or a mark in it.</summary>
    Word,

    /// <summary>Letters joined by hyphens and the like: parts only.</summary>
    Words,

    /// <summary>"U.S.A": one term without its dots.</summary>
    Acronym,

    /// <summary>"1,250": one term without its separators.</summary>
    Number,

    /// <summary>"1,250.50": whole, and its integer.</summary>
    Amount,

    /// <summary>Policy numbers, dates, addresses, versions, paths: whole, and every part.</summary>
    Code,
}

/// <summary>What kind of thing characters without white space between them are.</summary>
internal readonly record struct CompoundShape(CompoundKind Kind)
{
    public static CompoundShape Of(ReadOnlySpan<char> text)
    {
        var (letters, digits, dots, commas, apostrophes, others) = (0, 0, 0, 0, 0, 0);
        var address = false;
        var singles = true;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '.':
                    dots++;
                    break;
                case ',' when IsThousands(text[i..]):
                    commas++;
                    break;
                case '\'' or '’':
                    apostrophes++;
                    break;
                case '@' or '_' or '\\':
                    address = true;
                    others++;
                    break;
                default:
                    if (char.IsDigit(c))
                    {
                        digits++;
                    }
                    else if (char.IsLetter(c))
                    {
                        letters++;
                        singles &= i == 0 || text[i - 1] == '.';
                    }
                    else if (!char.IsSurrogate(c) && !IsMark(c))
                    {
                        others++;
                    }

                    break;
            }
        }

        var joined = dots + commas + others;
        return new CompoundShape((letters, digits) switch
        {
            _ when joined == 0 => CompoundKind.Word,
            (0, > 0) when others + apostrophes == 0 && dots == 0 => CompoundKind.Number,
            (0, > 0) when others + apostrophes == 0 && dots == 1 => CompoundKind.Amount,
            ( > 1, 0) when others + apostrophes == 0 && dots > 0 && singles => CompoundKind.Acronym,
            (_, > 0) => CompoundKind.Code,
            _ => address || dots > 0 ? CompoundKind.Code : CompoundKind.Words,
        });
    }

    /// <summary>Whether the text goes on with a comma, three digits and no fourth.</summary>
    public static bool IsThousands(ReadOnlySpan<char> text) =>
        text.Length >= 4 && text[0] == ',' && char.IsAsciiDigit(text[1]) && char.IsAsciiDigit(text[2]) && char.IsAsciiDigit(text[3])
        && (text.Length == 4 || !char.IsAsciiDigit(text[4]));

    private static bool IsMark(char c) => char.GetUnicodeCategory(c) is
        System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.Format;
}
