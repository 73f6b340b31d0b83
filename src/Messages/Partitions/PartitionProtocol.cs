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
[JsonDerivedType(typeof(ReadNeighbours), "read-neighbours")]
[JsonDerivedType(typeof(DescribePartition), "describe")]
[JsonDerivedType(typeof(BeginReembedding), "begin-reembedding")]
[JsonDerivedType(typeof(ReembedChunks), "reembed-chunks")]
[JsonDerivedType(typeof(EndReembedding), "end-reembedding")]
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
public sealed record CountTerms(string Query) : PartitionCommand
{
    /// <summary>How the query is read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public QuerySyntax Syntax { get; init; }

    /// <summary>Further terms to count, as analysed: those of an expansion.</summary>
    public IReadOnlyList<string>? Terms { get; init; }
}

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
    int K) : PartitionCommand
{
    /// <summary>How the query is read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public QuerySyntax Syntax { get; init; }

    /// <summary>What is searched for by words in place of the query's own; what the query requires and excludes stays so.</summary>
    public IReadOnlyList<ExpandedTerm>? Expansion { get; init; }

    /// <summary>Takes every score of the reply apart.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Explain { get; init; }

    /// <summary>Tells both scores and the vector of every passage of the reply, whichever ranking it is in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Scores { get; init; }

    /// <summary>What makes documents count for more or for less; the reply says how much.</summary>
    public IReadOnlyList<Boost>? Boosts { get; init; }

    /// <summary>The metadata whose values are counted among what the roles and the filter let through.</summary>
    public IReadOnlyList<string>? Facets { get; init; }

    /// <summary>The model of <see cref="Vector"/>; null where nobody said.</summary>
    public EmbeddingModel? VectorModel { get; init; }

    /// <summary>The query by other models, for partitions that still search by one of them.</summary>
    public IReadOnlyList<QueryVector>? OtherVectors { get; init; }
}

/// <summary>Multiplies the scores of documents that meet a condition, or that are old.</summary>
/// <param name="Condition">What the factor is for; of a decay, the key that says when the document is of (ISO 8601).</param>
/// <param name="Factor">By which the score is multiplied: more than 0, 1 changes nothing. Of a decay: by which it is multiplied each half-life.</param>
public sealed record Boost(MetadataCondition Condition, double Factor)
{
    /// <summary>Makes a decay of it: after so much time the factor counts once, after twice as much twice. What is undated stays as it is.</summary>
    public TimeSpan? HalfLife { get; init; }

    /// <summary>The moment that a decay counts from.</summary>
    public DateTimeOffset Now { get; init; }
}

/// <summary>By what a passage's score is multiplied.</summary>
public sealed record PassageFactor(ChunkId Passage, double Factor);

/// <summary>How a query is read.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<QuerySyntax>))]
public enum QuerySyntax
{
    /// <summary>Words and nothing else: questions.</summary>
    Plain,

    /// <summary>Words with operators: "phrases", +required, -excluded and so on.</summary>
    Operators,
}

/// <summary>A term that is searched for.</summary>
/// <param name="Term">As analysed.</param>
/// <param name="Weight">How much it counts; a word of a query counts 1.</param>
public sealed record ExpandedTerm(string Term, double Weight);

/// <summary>Reads the passages around others of the same document versions, as far as the roles may read them.</summary>
/// <param name="Reach">How many before and how many behind each.</param>
public sealed record ReadNeighbours(IReadOnlyList<ChunkId> Passages, int Reach, RoleSet Roles) : PartitionCommand;

public sealed record DescribePartition : PartitionCommand;

/// <summary>Restricts a search beyond what the roles already do. Empty parts restrict nothing.</summary>
public sealed record SearchFilter(IReadOnlyList<DocumentId> Documents, IReadOnlyDictionary<string, string> Metadata)
{
    public static SearchFilter None { get; } = new([], new Dictionary<string, string>());

    /// <summary>What else a document's metadata must be like, all of it.</summary>
    public IReadOnlyList<MetadataCondition>? Conditions { get; init; }
}

/// <summary>
/// One condition on one value of a document's metadata; parts that are not given ask nothing. Without any part it asks
/// that there is a value.
/// </summary>
public sealed record MetadataCondition(string Key)
{
    /// <summary>The value is one of these.</summary>
    public IReadOnlyList<string>? In { get; init; }

    /// <summary>The value is this or beyond: both are numbers, or both are dates (ISO 8601). A value that is neither never is.</summary>
    public string? From { get; init; }

    /// <summary>The value is this or less.</summary>
    public string? To { get; init; }

    /// <summary>Turns the whole condition round; documents without such a value then meet it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Not { get; init; }
}

/// <summary>How many chunks have a value of metadata.</summary>
public sealed record FacetValue(string Value, long Count);

/// <summary>A chunk with its vector; offsets as in <see cref="Passage"/>.</summary>
public sealed record Chunk(int Ordinal, int Start, int End, int? Page, IReadOnlyList<string> Headings, string Text, Embedding Vector);

/// <summary>A partition's answer to a command.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PartitionDone), "done")]
[JsonDerivedType(typeof(TermStatistics), "term-statistics")]
[JsonDerivedType(typeof(PassagesFound), "passages-found")]
[JsonDerivedType(typeof(NeighboursRead), "neighbours-read")]
[JsonDerivedType(typeof(PartitionDescribed), "described")]
public abstract record PartitionReply;

/// <param name="Changed">Whether anything had to change.</param>
public sealed record PartitionDone(bool Changed) : PartitionReply;

/// <summary>How often terms occur: summed over partitions, it is what one big index would say.</summary>
/// <param name="Documents">How many chunks there are.</param>
/// <param name="TotalLength">Their lengths in terms, summed, by field.</param>
/// <param name="DocumentFrequency">In how many chunks each query term occurs.</param>
public sealed record TermStatistics(long Documents, IReadOnlyDictionary<string, long> TotalLength, IReadOnlyDictionary<string, long> DocumentFrequency) : PartitionReply
{
    /// <summary>The model by whose vectors the partition searches; null where it has none, and in a sum.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EmbeddingModel? Model { get; init; }
}

/// <summary>Two rankings, best first; they are fused by who gathers them.</summary>
public sealed record PassagesFound(IReadOnlyList<ScoredPassage> Lexical, IReadOnlyList<ScoredPassage> Vector) : PartitionReply
{
    /// <summary>The scores of all passages in either ranking taken apart, where that was asked for.</summary>
    public IReadOnlyList<PassageExplanation>? Explanations { get; init; }

    /// <summary>Both scores of all passages in either ranking, where that was asked for; an older node does not tell.</summary>
    public IReadOnlyList<PassageScores>? Scores { get; init; }

    /// <summary>What boosts make of the passages in either ranking; 1 for those that are missing here.</summary>
    public IReadOnlyList<PassageFactor>? Factors { get; init; }

    /// <summary>By key of metadata its values, the most frequent first, where that was asked for.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<FacetValue>>? Facets { get; init; }
}

/// <summary>A passage's two scores, whichever ranking it is in.</summary>
/// <param name="Lexical">By words; 0 where no term occurs.</param>
/// <param name="Cosine">By vector; null where the query or the passage has none of that many dimensions.</param>
/// <param name="Vector">The passage's own.</param>
public sealed record PassageScores(ChunkId Passage, double Lexical, double? Cosine, Embedding? Vector);

/// <param name="Passages">Those asked for themselves are not among them; in no particular order, none twice.</param>
public sealed record NeighboursRead(IReadOnlyList<Passage> Passages) : PartitionReply;

/// <summary>What a passage's two scores are made of.</summary>
/// <param name="Lexical">The sum of the terms' scores; 0 where no term occurs.</param>
/// <param name="Cosine">Null where the query or the passage has no vector.</param>
public sealed record PassageExplanation(ChunkId Passage, double Lexical, IReadOnlyList<TermExplanation> Terms, double? Cosine);

/// <summary>What one term adds to a passage's score by words.</summary>
/// <param name="Term">As analysed.</param>
/// <param name="Weight">How much the query asks for it.</param>
/// <param name="DocumentFrequency">In how many chunks of the tenant it occurs.</param>
/// <param name="Idf">How much that makes it count.</param>
/// <param name="Body">How often it occurs in the text.</param>
/// <param name="Title">And in the document's title.</param>
/// <param name="Headings">And in the headings above.</param>
/// <param name="WeightedFrequency">These after the fields' weights and lengths, summed; what saturates.</param>
/// <param name="Score">What it adds.</param>
public sealed record TermExplanation(
    string Term, double Weight, long DocumentFrequency, double Idf, int Body, int Title, int Headings, double WeightedFrequency, double Score);

public sealed record PartitionDescribed(int Documents, int Chunks, long IndexBytes) : PartitionReply
{
    /// <summary>The model by whose vectors it searches; null where it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EmbeddingModel? Model { get; init; }

    /// <summary>The model by which it is being embedded anew; null where it is not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EmbeddingModel? Next { get; init; }

    /// <summary>How many documents are embedded anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Reembedded { get; init; }
}

/// <summary>What happened to a partition. The names are a frozen format: add, never change.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ChunksIndexed), "chunks-indexed")]
[JsonDerivedType(typeof(ChunksRemoved), "chunks-removed")]
[JsonDerivedType(typeof(ChunksRestricted), "chunks-restricted")]
[JsonDerivedType(typeof(ReembeddingBegun), "reembedding-begun")]
[JsonDerivedType(typeof(ChunksReembedded), "chunks-reembedded")]
[JsonDerivedType(typeof(ReembeddingEnded), "reembedding-ended")]
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
