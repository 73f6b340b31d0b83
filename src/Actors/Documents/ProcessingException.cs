namespace RagCluster.Actors.Documents;

/// <summary>A step of a document's processing did not succeed, for a reason that belongs into the document's state.</summary>
public sealed class ProcessingException : Exception
{
    public ProcessingException(string code, string detail, bool transient)
        : base(detail)
    {
        Code = code;
        Transient = transient;
    }

    /// <summary>One of <see cref="Messages.Documents.FailureCodes"/>.</summary>
    public string Code { get; }

    /// <summary>Whether trying again may help.</summary>
    public bool Transient { get; }
}
