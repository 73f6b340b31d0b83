using System.Text.Json.Serialization;

namespace RagCluster.Ingestion.Parsing;

/// <summary>How parsing ended. Bad input is an answer, never an exception.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "outcome")]
[JsonDerivedType(typeof(ParseSuccess), "parsed")]
[JsonDerivedType(typeof(ParseFailure), "failed")]
public abstract record ParseResult;

public sealed record ParseSuccess(ParsedDocument Document) : ParseResult;

/// <param name="Code">One of <see cref="Messages.Documents.FailureCodes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
public sealed record ParseFailure(string Code, string Detail) : ParseResult
{
    /// <summary>Whether the same bytes may parse another time (the machine was short of something, not the document).</summary>
    public bool Transient { get; init; }
}

/// <summary>Turns bytes into text with structure.</summary>
public interface IDocumentParser
{
    /// <summary>
    /// Parses one document. Bad input ends in a <see cref="ParseFailure"/>; the only exception that escapes is
    /// <see cref="OperationCanceledException"/> for <paramref name="cancellation"/>.
    /// </summary>
    /// <param name="content">The whole document.</param>
    /// <param name="name">Its file name; a hint only, the content decides.</param>
    /// <param name="mediaType">As declared by whoever sent it; a hint only.</param>
    Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation);
}

/// <summary>Unwinds a parser that met bad input; it never leaves <see cref="DocumentParser"/>.</summary>
internal sealed class ParseException(string code, string detail) : Exception(detail)
{
    public string Code { get; } = code;
}
