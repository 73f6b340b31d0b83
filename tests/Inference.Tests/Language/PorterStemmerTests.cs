using System.IO.Compression;
using RagCluster.Inference.Language;

namespace RagCluster.Inference.Tests.Language;

public class PorterStemmerTests
{
    [Theory]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("motoring", "motor")]
    [InlineData("hopping", "hop")]
    [InlineData("relational", "relat")]
    [InlineData("insurability", "insur")]
    [InlineData("policies", "polici")]
    [InlineData("policy", "polici")]
    [InlineData("is", "is")]
    public void Inflections_share_a_stem(string word, string stem) => Stem(word).ShouldBe(stem);

    [Fact]
    public void The_published_vocabulary_gives_the_published_stems()
    {
        var folder = SharedData.Find("text");
        var words = Lines(Path.Combine(folder, "snowball_porter_voc.txt.gz"));
        var stems = Lines(Path.Combine(folder, "snowball_porter_output.txt.gz"));
        words.Count.ShouldBe(stems.Count);

        // Left out: words that the author's program leaves alone, and its two departures from the paper.
        var wrong = words.Zip(stems)
            .Where(p => p.First.Length > 2 && p.First.All(char.IsAsciiLetterLower) && !p.First.Contains("bl") && !p.First.Contains("log") && Stem(p.First) != p.Second)
            .Take(10).ToList();
        wrong.ShouldBeEmpty();
    }

    private static string Stem(string word)
    {
        var buffer = word.ToCharArray();
        return new string(buffer, 0, PorterStemmer.Stem(buffer));
    }

    private static List<string> Lines(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        return [.. reader.ReadToEnd().Split('\n')];
    }
}
