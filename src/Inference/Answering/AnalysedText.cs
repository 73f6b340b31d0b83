using RagCluster.Inference.Language;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Answering;

/// <summary>A content word of a text.</summary>
/// <param name="Stem">The hash of its stem.</param>
/// <param name="Meaning">The hash of what it means, or 0 (see <see cref="WordTable.Meaning"/>).</param>
/// <param name="Position">Its place among all words of the text.</param>
internal readonly record struct Term(ulong Stem, ulong Meaning, int Position, string Word, float Weight, bool IsNumber, bool IsName);

/// <summary>The content words of a text in order.</summary>
internal static class Terms
{
    /// <summary>Function words are left out. A number weighs as much as a rare word.</summary>
    public static List<Term> Of(ReadOnlySpan<char> text)
    {
        var terms = new List<Term>();
        var words = new WordReader(text, stackalloc char[WordReader.MaxWordLength]);
        Span<char> stem = stackalloc char[WordReader.MaxWordLength];
        var position = 0;
        while (words.MoveNext())
        {
            position++;
            var weight = WordTable.Weight(words.Word);
            if (WordTable.IsFunctionWeight(weight))
            {
                continue;
            }

            words.Word.CopyTo(stem);
            var key = WordTable.StemHash(stem[..PorterStemmer.Stem(stem[..words.Word.Length])]);
            var number = char.IsAsciiDigit(words.Word[0]);
            var name = char.IsUpper(text[words.Start]) && position > 1;
            terms.Add(new Term(key, WordTable.Meaning(key), position, words.Word.ToString(), number ? 1f : weight, number, name));
        }

        return terms;
    }
}
