using System.Text.Json;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Isolation;

/// <summary>
/// The worker's side: parses what comes in, one document after the other, until its input ends, which it does when the
/// node that started it is gone. A document that hangs its parser ends the worker at the latest after twice its time.
/// </summary>
public static class ParseWorker
{
    private const string LimitsOption = "--limits";
    private const int HungExitCode = 3;

    /// <summary>The entry of a program's hidden verb: reads standard input, writes standard output, and nothing else may write there.</summary>
    /// <param name="arguments">What follows the verb.</param>
    /// <returns>The program's exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var limits = LimitsOf(arguments);
        await using var input = Console.OpenStandardInput();
        await using var output = Console.OpenStandardOutput();
        await RunAsync(input, output, limits, TimeProvider.System, cancellation);
        return 0;
    }

    /// <summary>Serves requests from <paramref name="input"/> until it ends.</summary>
    public static async Task RunAsync(Stream input, Stream output, ParserLimits limits, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var parser = new DocumentParser(limits, time);
        while (await Frames.ReadAsync(input, 1 << 20, cancellation) is { } header)
        {
            var request = JsonSerializer.Deserialize(header, IsolationJson.Default.WireRequest) ?? throw new InvalidDataException("The request is empty.");
            if (request.Bytes < 0 || request.Bytes > limits.InputBytes)
            {
                throw new InvalidDataException($"A document of {request.Bytes:N0} bytes was announced; at most {limits.InputBytes:N0} are taken.");
            }

            var content = new byte[request.Bytes];
            await input.ReadExactlyAsync(content, cancellation);
            WireResult result;
            await using (time.CreateTimer(_ => Environment.Exit(HungExitCode), null, limits.Time * 2, Timeout.InfiniteTimeSpan))
            {
                result = WireResult.Of(await parser.ParseAsync(content, request.Name, request.MediaType, cancellation));
            }

            await Frames.WriteAsync(output, JsonSerializer.SerializeToUtf8Bytes(result, IsolationJson.Default.WireResult), cancellation);
            await output.FlushAsync(cancellation);
        }
    }

    internal static IEnumerable<string> ArgumentsOf(ParserLimits limits) => [LimitsOption, JsonSerializer.Serialize(limits, IsolationJson.Default.ParserLimits)];

    private static ParserLimits LimitsOf(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i + 1 < arguments.Count; i++)
        {
            if (arguments[i] == LimitsOption)
            {
                return JsonSerializer.Deserialize(arguments[i + 1], IsolationJson.Default.ParserLimits) ?? new ParserLimits();
            }
        }

        return new ParserLimits();
    }
}
