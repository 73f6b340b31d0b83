using System.Text.Json.Serialization;
using RagCluster.Messages.Identity;

namespace RagCluster.Messages.Partitions;

/// <summary>What can be asked of an index partition: it owns the chunks and vectors of the documents that hash to it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(IndexChunks), "index-chunks")]
[JsonDerivedType(typeof(RemoveChunks), "remove-chunks")]
[JsonDerivedType(typeof(RestrictChunks), "restrict-chunks")]
[JsonDerivedType(typeof(CountTerms), "count-terms")]
[JsonDerivedType(typeof(FindPassages), "find-passages")]
[JsonDerivedType(typeof(DescribePartition), "describe")]
public abstract record PartitionCommand;

/// <summary>Makes these the chunks of the document, in place of any older version's. An older version than the indexed one is ignored.</summary>
public sealed record IndexChunks(
    DocumentId Document,
    int Version,
    string Title,
    RoleSet Readers,
    int AccessRevision,
    IReadOnlyDictionary<string, string> Metadata,
    string Model,
    IReadOnlyList<Chunk> Chunks) : PartitionCommand;

/// <summary>Forgets the document, whatever its version.</summary>
public sealed record RemoveChunks(DocumentId Document, int UpToVersion) : PartitionCommand;

/// <summary>Changes who may find the document's chunks, those of versions still to come included. An older revision than the known one is ignored.</summary>
public sealed record RestrictChunks(DocumentId Document, RoleSet Readers, int AccessRevision) : PartitionCommand;

/// <summary>First half of a search: the statistics that make scores of different partitions comparable.</summary>
public sealed record CountTerms(string Query) : PartitionCommand;

/// <summary>Second half of a search: the partition's best passages among those that the roles may read.</summary>
/// <param name="Vector">The query's embedding; null searches by words alone.</param>
/// <param name="Terms">The statistics of all partitions together.</param>
/// <param name="K">How many of each ranking.</param>
public sealed record FindPassages(
    string Query,
    Embedding? Vector,
    TermStatistics Terms,
    RoleSet Roles,
    SearchFilter Filter,
    int K) : PartitionCommand;

public sealed record DescribePartition : PartitionCommand;

/// <summary>Restricts a search beyond what the roles already do. Empty parts restrict nothing.</summary>
public sealed record SearchFilter(IReadOnlyList<DocumentId> Documents, IReadOnlyDictionary<string, string> Metadata)
{
    public static SearchFilter None { get; } = new([], new Dictionary<string, string>());
}

/// <summary>A chunk with its vector; offsets as in <see cref="Passage"/>.</summary>
public sealed record Chunk(int Ordinal, int Start, int End, int? Page, IReadOnlyList<string> Headings, string Text, Embedding Vector);

/// <summary>A partition's answer to a command.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PartitionDone), "done")]
[JsonDerivedType(typeof(TermStatistics), "term-statistics")]
[JsonDerivedType(typeof(PassagesFound), "passages-found")]
[JsonDerivedType(typeof(PartitionDescribed), "described")]
public abstract record PartitionReply;

/// <param name="Changed">Whether anything had to change.</param>
public sealed record PartitionDone(bool Changed) : PartitionReply;

/// <summary>How often terms occur: summed over partitions, it is what one big index would say.</summary>
/// <param name="Documents">How many chunks there are.</param>
/// <param name="TotalLength">Their lengths in terms, summed, by field.</param>
/// <param name="DocumentFrequency">In how many chunks each query term occurs.</param>
public sealed record TermStatistics(long Documents, IReadOnlyDictionary<string, long> TotalLength, IReadOnlyDictionary<string, long> DocumentFrequency) : PartitionReply;

/// <summary>Two rankings, best first; they are fused by who gathers them.</summary>
public sealed record PassagesFound(IReadOnlyList<ScoredPassage> Lexical, IReadOnlyList<ScoredPassage> Vector) : PartitionReply;

public sealed record PartitionDescribed(int Documents, int Chunks, long IndexBytes) : PartitionReply;

/// <summary>What happened to a partition. The names are a frozen format: add, never change.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ChunksIndexed), "chunks-indexed")]
[JsonDerivedType(typeof(ChunksRemoved), "chunks-removed")]
[JsonDerivedType(typeof(ChunksRestricted), "chunks-restricted")]
public abstract record PartitionEvent;

public sealed record ChunksIndexed(
    DocumentId Document,
    int Version,
    string Title,
    RoleSet Readers,
    int AccessRevision,
    IReadOnlyDictionary<string, string> Metadata,
    string Model,
    IReadOnlyList<Chunk> Chunks) : PartitionEvent;

public sealed record ChunksRemoved(DocumentId Document, int UpToVersion) : PartitionEvent;

public sealed record ChunksRestricted(DocumentId Document, RoleSet Readers, int AccessRevision) : PartitionEvent;
