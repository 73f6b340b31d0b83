using System.Globalization;
using System.Text;

namespace RagCluster.Inference.Prompting;

/// <summary>
/// What separates retrieved text from everything else in a prompt: three angle brackets. No text of a document or a
/// person contains them, nor anything that cannot be seen.
/// </summary>
internal static class Fence
{
    public const string Open = "<<<";
    public const string Close = ">>>";

    /// <summary>
    /// The text without what could be taken for a fence, and without characters that people do not see and models read:
    /// controls but for line ends and tabs, zero-width and bidirectional characters, variation selectors, tags, halves of
    /// surrogate pairs. A run of three or more angle brackets, of whatever width, becomes quotation marks of the same look.
    /// </summary>
    public static string Out(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // A half of a surrogate pair is enumerated as U+FFFD, as one that is written out; neither says anything.
            if (rune.Value is '\n' or '\t' || !(rune == Rune.ReplacementChar || IsInvisible(rune)))
            {
                clean.Append(rune.ToString());
            }
        }

        for (var from = 0; from < clean.Length;)
        {
            var side = Side(clean[from]);
            var to = from + 1;
            while (side != 0 && to < clean.Length && Side(clean[to]) == side)
            {
                to++;
            }

            for (var i = from; side != 0 && to - from >= 3 && i < to; i++)
            {
                clean[i] = side < 0 ? '\u2039' : '\u203a';
            }

            from = to;
        }

        return clean.ToString();
    }

    /// <summary>On one line, and without what separates the parts of a passage's first line.</summary>
    public static string OutOfLine(string text) => Out(text).ReplaceLineEndings(" ").Replace('|', '/');

    private static int Side(char c) => c switch
    {
        '<' or '\uff1c' or '\ufe64' => -1,
        '>' or '\uff1e' or '\ufe65' => 1,
        _ => 0,
    };

    private static bool IsInvisible(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        || rune.Value is (>= 0xfe00 and <= 0xfe0f) or (>= 0xe0000 and <= 0xe0fff) or 0x034f or 0x115f or 0x1160 or 0x3164 or 0xffa0;
}
