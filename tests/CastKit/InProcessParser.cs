using RagCluster.Ingestion.Parsing;

namespace RagCluster.CastKit;

/// <summary>The production parsers on the caller's thread, after a time of the simulator's.</summary>
public sealed class InProcessParser(TimeProvider time) : IDocumentParser
{
    private readonly DocumentParser _parser = new(new ParserLimits(), time);

    /// <summary>How long the next document takes; null and zero take one step.</summary>
    public Func<TimeSpan>? Delay { get; set; }

    /// <summary>What becomes of the next document instead of parsing it; null parses it.</summary>
    public Func<ParseFailure?>? Fault { get; set; }

    public async Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        if (Delay?.Invoke() is { } delay && delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, time, cancellation);
        }
        else
        {
            await Task.Yield();
        }

        return Fault?.Invoke() ?? _parser.Parse(content, name, mediaType, cancellation);
    }
}
