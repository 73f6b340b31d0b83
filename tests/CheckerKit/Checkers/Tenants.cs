using RagCluster.Messages.Conversations;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C8: each tenant's texts carry a word of its own, which nobody else is ever shown.</summary>
public sealed class Tenants : IChecker
{
    public string Name => "C8";

    public string Promise => "The canary of one tenant is in nothing that another is shown: passages, answers, streams, errors.";

    /// <summary>The word that stands in every text of the tenant.</summary>
    public static string Canary(string tenant) => $"canary-{tenant}-yranac";

    public IEnumerable<Violation> Check(Run run)
    {
        var shown = run.Searches.SelectMany(search => search.Passages.Select(passage => new Shown(search.Principal.Tenant.Value, $"search \"{search.Query}\" of {search.Client}", passage.Passage.Text)))
            .Concat(run.Log.Select(Text).OfType<Shown>())
            .Concat(run.Shown);
        foreach (var (tenant, where, text) in shown)
        {
            for (var at = text.IndexOf("canary-", StringComparison.Ordinal); at >= 0; at = text.IndexOf("canary-", at + 1, StringComparison.Ordinal))
            {
                if (!text.AsSpan(at).StartsWith(Canary(tenant), StringComparison.Ordinal))
                {
                    yield return new Violation(Name, tenant, $"In {where}: \"{text}\".");
                    break;
                }
            }
        }
    }

    private static Shown? Text(LogRecord record)
    {
        var text = record.Event switch
        {
            SourcesFound e => string.Join(' ', e.Sources.Select(source => source.Passage.Text)),
            AnswerDelta e => e.Text,
            AnswerCompleted e => e.Text + string.Concat(e.Citations.Select(citation => " " + citation.Quote)),
            AnswerFailed e => e.Detail,
            _ => null,
        };
        return text is null ? null : new Shown(record.Entity[..record.Entity.IndexOf('/', StringComparison.Ordinal)], $"{record.Entity} at {record.Seq}", text);
    }
}
