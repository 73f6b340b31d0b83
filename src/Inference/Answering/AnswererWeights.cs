namespace RagCluster.Inference.Answering;

/// <summary>Constants of the answerer, found on questions about encyclopedia paragraphs (see the evaluation tests).</summary>
internal sealed record AnswererWeights
{
    /// <summary>Below this coverage the answerer abstains.</summary>
    public double MinCoverage { get; init; } = 0.48;

    /// <summary>What a term counts that is not in the sentence but in the line that introduces it.</summary>
    public double InHeading { get; init; } = 0.85;

    /// <summary>... in the innermost of the passage's headings.</summary>
    public double InSection { get; init; } = 0.75;

    /// <summary>... in the passage's title or its other headings.</summary>
    public double InTitle { get; init; } = 0.6;

    /// <summary>... in the sentence before or after.</summary>
    public double InNeighbour { get; init; } = 0.4;

    /// <summary>... elsewhere in the passage.</summary>
    public double InPassage { get; init; } = 0.2;

    /// <summary>Added for terms in the sentence itself or in what heads it.</summary>
    public double Own { get; init; } = 0.3;

    public double Synonym { get; init; } = 0.7;

    public double Misspelt { get; init; } = 0.8;

    /// <summary>Added where the sentence holds the kind of thing that is asked for.</summary>
    public double Kind { get; init; } = 0.18;

    /// <summary>Added for terms that follow each other as in the question.</summary>
    public double Pair { get; init; } = 0.2;

    /// <summary>Added to the first passage's sentences, shrinking with rank.</summary>
    public double Rank { get; init; } = 0.08;

    /// <summary>Added to what comes first below its heading, as far as the heading is about the question.</summary>
    public double First { get; init; } = 0.1;

    /// <summary>Taken off for a condition ("if", "unless") of which the question says nothing.</summary>
    public double Condition { get; init; } = 0.2;

    /// <summary>A further sentence must reach this share of the best one's score.</summary>
    public double Further { get; init; } = 0.82;

    public int MaxSentences { get; init; } = 3;

    public int MaxListItems { get; init; } = 8;
}
