using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Index;

/// <summary>The parts of a chunk that words are searched in.</summary>
public enum Field
{
    Body,
    Title,
    Headings,
}

/// <summary>One number for each field.</summary>
public readonly record struct PerField<T>(T Body, T Title, T Headings);

/// <summary>
/// How often a term occurs in each field of a chunk, in 32 bits: body 20, title 6, headings 6. Counts beyond that stay
/// at the greatest that fits, where BM25 has long saturated.
/// </summary>
internal readonly record struct Frequencies(uint Bits)
{
    public const int MostInBody = (1 << 20) - 1;
    public const int MostInHead = (1 << 6) - 1;

    public int Body => (int)(Bits & MostInBody);

    public int Title => (int)(Bits >> 26);

    public int Headings => (int)(Bits >> 20) & MostInHead;

    public bool IsBodyOnly => Bits <= MostInBody;

    /// <summary>Those in one field alone; null means all.</summary>
    public Frequencies In(Field? field) => field switch
    {
        null => this,
        Field.Body => new(Bits & MostInBody),
        Field.Title => Of(0, Title, 0),
        _ => Of(0, 0, Headings),
    };

    public static Frequencies Of(int body, int title, int headings) =>
        new((uint)Math.Min(body, MostInBody) | ((uint)Math.Min(headings, MostInHead) << 20) | ((uint)Math.Min(title, MostInHead) << 26));
}

/// <summary>The names of fields in <see cref="TermStatistics.TotalLength"/>.</summary>
internal static class FieldNames
{
    public const string Body = "body";
    public const string Title = "title";
    public const string Headings = "headings";
}
