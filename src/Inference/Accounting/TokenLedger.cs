using Microsoft.Extensions.Logging;

namespace RagCluster.Inference.Accounting;

/// <summary>
/// Counts tokens by tenant and model: at once into the metrics, and now and then, summed, into the log. Not safe for
/// concurrent use.
/// </summary>
public sealed partial class TokenLedger(ILogger log)
{
    /// <summary>More pairs of tenant and model than this are summed under "other" until the next entry.</summary>
    private const int MaxLines = 1000;

    private readonly Dictionary<(string Tenant, string Model), (long Input, long Output, long Calls)> _lines = [];

    public bool IsEmpty => _lines.Count == 0;

    public void Add(string tenant, string model, long input, long output)
    {
        InferenceMeter.Tokens(tenant, model, "input", input);
        InferenceMeter.Tokens(tenant, model, "output", output);
        var key = _lines.Count < MaxLines || _lines.ContainsKey((tenant, model)) ? (tenant, model) : ("other", "other");
        var sum = _lines.GetValueOrDefault(key);
        _lines[key] = (sum.Input + input, sum.Output + output, sum.Calls + 1);
    }

    /// <summary>Writes the sums since the last time into the log.</summary>
    public void Write()
    {
        foreach (var ((tenant, model), (input, output, calls)) in _lines)
        {
            LogUsage(log, tenant, model, calls, input, output);
        }

        _lines.Clear();
    }

    [LoggerMessage(5020, LogLevel.Information, "Tenant {Tenant} used the model {Model} {Calls} times: {InputTokens} tokens read, {OutputTokens} written.")]
    private static partial void LogUsage(ILogger log, string tenant, string model, long calls, long inputTokens, long outputTokens);
}
