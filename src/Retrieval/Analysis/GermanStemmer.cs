namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// The German stemmer of the Snowball project, in place and without allocating, for words that are folded already: "ß" is
/// "ss", and umlauts are their base letters, which is what the algorithm makes of them in the end.
/// Source: https://snowballstem.org/algorithms/german/stemmer.html.
/// </summary>
/// <remarks>
/// R1 is the region after the first non-vowel that follows a vowel, but begins at the fourth letter at the earliest; R2
/// is the same counted from where R1 would begin without that. A 'u' or 'y' between vowels is a consonant and is written as a capital
/// while the steps run.
/// </remarks>
public static class GermanStemmer
{
    /// <summary>Replaces the word, in lower case, with its stem and returns the stem's length, which is never greater.</summary>
    public static int Stem(Span<char> word)
    {
        for (var i = 1; i + 1 < word.Length; i++)
        {
            if (word[i] is 'u' or 'y' && IsVowel(word[i - 1]) && IsVowel(word[i + 1]))
            {
                word[i] = char.ToUpperInvariant(word[i]);
            }
        }

        var start = Region(word, 0);
        var (r1, r2) = (Math.Max(start, 3), Region(word, start));
        var length = Step3(word, Step2(word, Step1(word, word.Length, r1), r1), r1, r2);
        word[..length].Replace('U', 'u');
        word[..length].Replace('Y', 'y');
        return length;
    }

    /// <summary>Where the region behind the next vowel and non-vowel begins; the end where there is none.</summary>
    private static int Region(ReadOnlySpan<char> word, int from)
    {
        var at = from;
        while (at < word.Length && !IsVowel(word[at]))
        {
            at++;
        }

        while (at < word.Length && IsVowel(word[at]))
        {
            at++;
        }

        return Math.Min(word.Length, at + 1);
    }

    /// <summary>Endings of cases and plurals.</summary>
    private static int Step1(ReadOnlySpan<char> word, int length, int r1)
    {
        var text = word[..length];
        if (Ends(text, "ern"))
        {
            return In(r1, length - 3) ? length - 3 : length;
        }

        if (Ends(text, "em") || Ends(text, "er"))
        {
            return In(r1, length - 2) ? length - 2 : length;
        }

        var ending = Ends(text, "en") || Ends(text, "es") ? 2 : Ends(text, "e") ? 1 : 0;
        if (ending > 0)
        {
            if (!In(r1, length - ending))
            {
                return length;
            }

            length -= ending;
            return Ends(word[..length], "niss") ? length - 1 : length;
        }

        return Ends(text, "s") && In(r1, length - 1) && length > 1 && "bdfghklmnrt".Contains(text[length - 2]) ? length - 1 : length;
    }

    /// <summary>Endings of comparison and of verbs.</summary>
    private static int Step2(ReadOnlySpan<char> word, int length, int r1)
    {
        var text = word[..length];
        if (Ends(text, "est"))
        {
            return In(r1, length - 3) ? length - 3 : length;
        }

        if (Ends(text, "en") || Ends(text, "er"))
        {
            return In(r1, length - 2) ? length - 2 : length;
        }

        return Ends(text, "st") && In(r1, length - 2) && length >= 6 && "bdfghklmnt".Contains(text[length - 3]) ? length - 2 : length;
    }

    /// <summary>Suffixes that make nouns and adjectives.</summary>
    private static int Step3(ReadOnlySpan<char> word, int length, int r1, int r2)
    {
        var text = word[..length];
        if (Ends(text, "isch"))
        {
            return In(r2, length - 4) && !Ends(text[..(length - 4)], "e") ? length - 4 : length;
        }

        if (Ends(text, "lich") || Ends(text, "heit"))
        {
            if (!In(r2, length - 4))
            {
                return length;
            }

            length -= 4;
            text = word[..length];
            return (Ends(text, "er") || Ends(text, "en")) && In(r1, length - 2) ? length - 2 : length;
        }

        if (Ends(text, "keit"))
        {
            if (!In(r2, length - 4))
            {
                return length;
            }

            length -= 4;
            text = word[..length];
            return Ends(text, "lich") ? (In(r2, length - 4) ? length - 4 : length)
                : Ends(text, "ig") && In(r2, length - 2) ? length - 2 : length;
        }

        if (Ends(text, "end") || Ends(text, "ung"))
        {
            if (!In(r2, length - 3))
            {
                return length;
            }

            length -= 3;
            text = word[..length];
            return Ends(text, "ig") && !Ends(text[..(length - 2)], "e") && In(r2, length - 2) ? length - 2 : length;
        }

        return (Ends(text, "ig") || Ends(text, "ik")) && In(r2, length - 2) && !Ends(text[..(length - 2)], "e") ? length - 2 : length;
    }

    private static bool In(int region, int at) => at >= region;

    private static bool Ends(ReadOnlySpan<char> text, string suffix) => text.EndsWith(suffix);

    private static bool IsVowel(char c) => c is 'a' or 'e' or 'i' or 'o' or 'u' or 'y';
}
