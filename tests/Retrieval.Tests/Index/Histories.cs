using FsCheck;
using FsCheck.Fluent;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Tests.Index;

/// <summary>
/// Random histories of a partition over few documents, words, roles and vectors, so that ties, duplicates,
/// replacements, empty texts and repeated deletes are common.
/// </summary>
internal static class Histories
{
    public const int Dimensions = 5;

    public static readonly string[] Vocabulary =
        ["premium", "premiums", "policy", "lapse", "the", "LF-2041-B", "$1,250.50", "rider", "surrender", "loan", "Café", "é", "", "premium premium premium policy"];

    public static readonly string[] Roles = ["adviser", "customer", "underwriter"];

    private static readonly Gen<string> Text = Gen.Elements(Vocabulary).ArrayOf().Select(words => string.Join(' ', words));

    public static readonly Gen<RoleSet> RoleSets = Gen.SubListOf(Roles).Select(names => RoleSet.Of(names));

    private static readonly Gen<string> Document = Gen.Choose(0, 7).Select(i => $"d{i}");

    public static readonly Gen<IReadOnlyDictionary<string, string>> Metadata =
        from product in Gen.Elements("", "life", "annuity")
        from year in Gen.Elements("", "", "2024")
        select (IReadOnlyDictionary<string, string>)new[] { ("product", product), ("year", year) }.Where(p => p.Item2.Length > 0).ToDictionary(p => p.Item1, p => p.Item2);

    public static readonly Gen<float[]> Vector = Gen.Frequency(
        (12, Gen.Choose(-2, 2).Select(i => (float)i).ArrayOf(Dimensions)),
        (6, Gen.Choose(-30000, 30000).Select(i => i / 1000f).ArrayOf(Dimensions)),
        (1, Gen.Constant(new float[Dimensions])),
        (1, Gen.Constant(Array.Empty<float>())),
        (1, Gen.Constant(new float[] { 1, 2, 3 })));

    private static readonly Gen<(string, string[], float[])> Piece =
        from text in Text
        from headings in Text.ArrayOf().Resize(2)
        from vector in Vector
        select (text, headings, vector);

    private static readonly Gen<PartitionEvent> Indexed =
        from document in Document
        from version in Gen.Choose(1, 3)
        from title in Text
        from readers in RoleSets
        from revision in Gen.Choose(0, 2)
        from metadata in Metadata
        from pieces in Piece.ArrayOf().Resize(4)
        select (PartitionEvent)(Samples.Indexed(
            document, version, title, readers, metadata, [.. pieces.Select((p, i) => Samples.Chunk(i, p.Item1, p.Item3, p.Item2))]) with { AccessRevision = revision });

    private static readonly Gen<PartitionEvent> Removed =
        from document in Document
        from version in Gen.Choose(1, 3)
        select (PartitionEvent)new ChunksRemoved(new DocumentId(document), version);

    private static readonly Gen<PartitionEvent> Restricted =
        from document in Document
        from readers in RoleSets
        from revision in Gen.Choose(0, 3)
        select (PartitionEvent)new ChunksRestricted(new DocumentId(document), readers, revision);

    public static readonly Gen<PartitionEvent> Event = Gen.Frequency((6, Indexed), (1, Removed), (2, Restricted));

    public static readonly Gen<Question> Questions =
        from query in Text
        from vector in Vector
        from roles in RoleSets
        from documents in Gen.Frequency((3, Gen.Constant(Array.Empty<string>())), (1, Gen.SubListOf("d0", "d1", "d2", "nowhere").Select(names => names.ToArray())))
        from metadata in Gen.Frequency((3, Gen.Constant(Samples.NoMetadata)), (1, Metadata))
        from k in Gen.Choose(0, 6)
        select new Question(query, Embedding.Of(vector), roles, new SearchFilter([.. documents.Select(d => new DocumentId(d))], metadata), k);
}

internal sealed record Question(string Query, Embedding Vector, RoleSet Roles, SearchFilter Filter, int K);
