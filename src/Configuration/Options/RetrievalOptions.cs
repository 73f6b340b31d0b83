using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

public sealed record RetrievalOptions : IChecked
{
    [Within("1", "10000")]
    public int TopK { get; init; } = 40;

    [Within("1", "100")]
    public int Passages { get; init; } = 8;

    public FusionMethod Fusion { get; init; } = FusionMethod.Scores;

    /// <summary>The constant of <see cref="FusionMethod.Ranks"/>; the other method has none.</summary>
    [Within("1", "10000")]
    public int RrfK { get; init; } = 60;

    public AnalysisOptions Analysis { get; init; } = new();

    public RetrievalWeights Weights { get; init; } = new();

    public NeighbourOptions Neighbours { get; init; } = new();

    public RerankOptions Rerank { get; init; } = new();

    [Within("10ms", "1m")]
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(2);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Passages > TopK)
        {
            yield return ("passages", "at most top-k, from which they are taken");
        }

        if (Weights is { Lexical: 0, Vector: 0 })
        {
            yield return ("weights.lexical", "at least one of lexical and vector above 0");
        }
    }
}

/// <summary>How the lexical and the vector list become one.</summary>
public enum FusionMethod
{
    /// <summary>The weighted sum of scores and of further evidence.</summary>
    Scores,

    /// <summary>Reciprocal rank fusion.</summary>
    Ranks,
}

/// <summary>How the words of each field are read.</summary>
public sealed record AnalysisOptions
{
    public TextAnalyzer Body { get; init; } = TextAnalyzer.Auto;

    public TextAnalyzer Title { get; init; } = TextAnalyzer.Auto;

    public TextAnalyzer Headings { get; init; } = TextAnalyzer.Auto;
}

public enum TextAnalyzer
{
    /// <summary>By the language of the text.</summary>
    Auto,
    English,
    German,

    /// <summary>Without stop words and stemming.</summary>
    Simple,
}

/// <summary>What each kind of evidence counts in the fused ranking; lexical and vector relative to each other.</summary>
public sealed record RetrievalWeights
{
    [Within("0", "1000")]
    public double Lexical { get; init; } = 0.9;

    [Within("0", "1000")]
    public double Vector { get; init; } = 0.1;

    [Within("0", "10")]
    public double Order { get; init; } = 0.15;

    [Within("0", "10")]
    public double Nearness { get; init; } = 0.1;

    [Within("0", "10")]
    public double Similar { get; init; } = 0.25;

    [Within("0", "10")]
    public double Adjacent { get; init; } = 0.15;
}

/// <summary>What the re-ranker of inference.reranking is given.</summary>
public sealed record RerankOptions
{
    [Within("2", "1000")]
    public int Candidates { get; init; } = 20;

    [Within("10ms", "1m")]
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>The passages next to those found, for the answer.</summary>
public sealed record NeighbourOptions
{
    [Within("0", "5")]
    public int Reach { get; init; }

    [Within("0", "1000000")]
    public int Tokens { get; init; } = 1500;
}
