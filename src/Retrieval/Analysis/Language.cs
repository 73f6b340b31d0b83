namespace RagCluster.Retrieval.Analysis;

/// <summary>What language a text is in, as far as it matters to analysis.</summary>
public enum Language
{
    /// <summary>Too short to tell, or of many languages, or of none.</summary>
    Unknown,
    English,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    Dutch,
    Swedish,
    Danish,
    Norwegian,
    Finnish,
    Polish,

    /// <summary>Of another script than the Latin one.</summary>
    Other,
}
