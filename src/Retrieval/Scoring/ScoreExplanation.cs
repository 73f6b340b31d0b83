using RagCluster.Messages;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>A chunk's scores taken apart. The terms' contributions, added in this order in single precision, are the lexical score.</summary>
/// <param name="Cosine">Null where the query or the chunk has no vector, or their dimensions differ.</param>
public sealed record ScoreExplanation(ChunkId Chunk, double Lexical, IReadOnlyList<TermContribution> Terms, double? Cosine);

/// <param name="Term">As analysed.</param>
/// <param name="Count">How often the query has it.</param>
/// <param name="DocumentFrequency">In how many chunks it occurs, by the global statistics.</param>
/// <param name="Frequency">How often it occurs in each field.</param>
/// <param name="WeightedFrequency">The same after the field's weight and length normalisation; their sum saturates.</param>
/// <param name="Score">What it adds to the score.</param>
public sealed record TermContribution(
    string Term,
    int Count,
    long DocumentFrequency,
    double Idf,
    PerField<int> Frequency,
    PerField<float> WeightedFrequency,
    double Score);
