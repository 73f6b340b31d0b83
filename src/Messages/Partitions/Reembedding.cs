namespace RagCluster.Messages.Partitions;

/// <summary>An embedding model: vectors of different ones cannot be compared, also where they are of the same length.</summary>
/// <param name="Name">As its endpoint calls it.</param>
/// <param name="Dimensions">The length of its vectors; 0 where that is not known yet.</param>
public sealed record EmbeddingModel(string Name, int Dimensions)
{
    /// <summary>Whether vectors of both can be compared; a length that is not known stands in nobody's way.</summary>
    public bool IsComparableTo(EmbeddingModel other) =>
        Name == other.Name && (Dimensions == other.Dimensions || Dimensions == 0 || other.Dimensions == 0);

    public override string ToString() => Dimensions == 0 ? Name : $"{Name}/{Dimensions}";
}

/// <summary>From here on a second index with vectors of another model is built beside the one that is searched. A second index of yet another model is given up.</summary>
public sealed record BeginReembedding(EmbeddingModel Model) : PartitionCommand;

/// <summary>The vectors of another model for the chunks of a document version, in their order. Ignored where the document has another version by now.</summary>
public sealed record ReembedChunks(DocumentId Document, int Version, EmbeddingModel Model, IReadOnlyList<Embedding> Vectors) : PartitionCommand;

/// <summary>
/// Ends it: the second index takes the place of the first, or is given up. To switch, every document must be in it;
/// where one is not (it came meanwhile), nothing changes.
/// </summary>
public sealed record EndReembedding(EmbeddingModel Model, bool Switch, ModelComparison? Comparison) : PartitionCommand;

/// <summary>How well both models found what they should, from 0 to 1.</summary>
/// <param name="Queries">How many questions were asked.</param>
/// <param name="Old">Recall with the model that is in use; null where it cannot be asked any more.</param>
/// <param name="New">Recall with the other one.</param>
public sealed record ModelComparison(int Queries, double? Old, double New);

public sealed record ReembeddingBegun(EmbeddingModel Model) : PartitionEvent;

public sealed record ChunksReembedded(DocumentId Document, int Version, EmbeddingModel Model, IReadOnlyList<Embedding> Vectors) : PartitionEvent;

/// <param name="Switched">The vectors of this model are searched from here on; else all stays as it was.</param>
public sealed record ReembeddingEnded(EmbeddingModel Model, bool Switched, ModelComparison? Comparison) : PartitionEvent;

/// <summary>A query's vector by a model that is not the current one.</summary>
public sealed record QueryVector(EmbeddingModel Model, Embedding Vector);
