using System.Globalization;
using RagCluster.Messages.Text;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Analysis.Unicode;

namespace RagCluster.Retrieval.Tests.Analysis;

/// <summary>The published vectors of the algorithms that analysis is made of, all of them.</summary>
public class ConformanceTests
{
    [Fact]
    public void Porter2_gives_the_stems_of_Snowballs_english_vocabulary() =>
        Wrong("snowball_english_voc.txt.gz", "snowball_english_output.txt.gz", Porter2Stemmer.Stem).ShouldBeEmpty();

    [Fact]
    public void Porter_gives_the_stems_of_Snowballs_porter_vocabulary() =>
        Wrong("snowball_porter_voc.txt.gz", "snowball_porter_output.txt.gz", PorterStemmer.Stem).ShouldBeEmpty();

    [Fact]
    public void Words_break_where_Unicodes_test_says()
    {
        var wrong = new List<string>();
        foreach (var line in SharedData.LinesOf("text", "WordBreakTest-15.0.0.txt"))
        {
            var hash = line.IndexOf('#', StringComparison.Ordinal);
            var test = (hash < 0 ? line : line[..hash]).Trim();
            if (test.Length == 0)
            {
                continue;
            }

            var text = "";
            var expected = new List<int>();
            foreach (var part in test.Split(' '))
            {
                if (part == "÷")
                {
                    expected.Add(text.Length);
                }
                else if (part != "×")
                {
                    text += char.ConvertFromUtf32(int.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                }
            }

            var actual = new List<int> { 0 };
            while (actual[^1] < text.Length)
            {
                actual.Add(WordBreaker.Next(text, actual[^1]));
            }

            if (!actual.SequenceEqual(expected))
            {
                wrong.Add($"{line} -> {string.Join(',', actual)}");
            }
        }

        wrong.ShouldBeEmpty();
    }

    private delegate int Stemmer(Span<char> word);

    private static List<string> Wrong(string vocabulary, string output, Stemmer stem)
    {
        var words = SharedData.LinesOf("text", vocabulary);
        var stems = SharedData.LinesOf("text", output);
        words.Length.ShouldBe(stems.Length);
        words.Length.ShouldBeGreaterThan(20_000);
        var wrong = new List<string>();
        for (var i = 0; i < words.Length; i++)
        {
            var buffer = words[i].ToCharArray();
            var stemmed = new string(buffer, 0, stem(buffer));
            if (stemmed != stems[i])
            {
                wrong.Add($"{words[i]}: {stemmed}, expected {stems[i]}");
            }
        }

        return wrong;
    }
}
