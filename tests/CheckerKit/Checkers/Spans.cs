using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C7 and I8: what is shown of a document is exactly what stands there.</summary>
public sealed class Spans : IChecker
{
    public string Name => "C7";

    public string Promise => "The text of a passage or citation is that of its span in that version of the document.";

    public IEnumerable<Violation> Check(Run run)
    {
        var texts = new Dictionary<(string Entity, int Version), string?>();
        foreach (var (record, received) in run.Log.Where(record => record.Event is DocumentReceived).Select(record => (record, (DocumentReceived)record.Event)))
        {
            if (!texts.TryAdd((record.Entity, received.Version), run.Contents.GetValueOrDefault(received.Content.Value)))
            {
                yield return new Violation(Name, record.Entity, $"Version {received.Version} was received twice, the second time at {record.Seq}.");
            }
        }

        var passages = run.Searches.SelectMany(search => search.Passages.Select(found => (Tenant: search.Principal.Tenant.Value, Where: $"search of {search.Client}", found.Passage)))
            .Concat(run.Index.SelectMany(index => index.Passages.Select(passage => (index.Tenant, Where: "the index", Passage: passage))))
            .Select(found => (found.Tenant, found.Where, found.Passage.Document, found.Passage.Version, found.Passage.Start, found.Passage.End, found.Passage.Text));
        var citations = run.Log.Where(record => record.Event is AnswerCompleted).SelectMany(record => ((AnswerCompleted)record.Event).Citations.Select(citation =>
            (Tenant: record.Entity[..record.Entity.IndexOf('/', StringComparison.Ordinal)], Where: $"{record.Entity} at {record.Seq}", citation.Document, citation.Version, citation.Start, citation.End, Text: citation.Quote)));
        foreach (var (tenant, where, document, version, start, end, text) in passages.Concat(citations))
        {
            var entity = $"{tenant}/{document.Value}";
            if (!texts.TryGetValue((entity, version), out var whole) || whole is null)
            {
                yield return new Violation(Name, entity, $"{where} shows version {version}, which was never received.");
            }
            else if (start < 0 || end > whole.Length || start > end || whole[start..end] != text)
            {
                yield return new Violation(Name, entity, $"{where} shows \"{text}\" as [{start}, {end}) of version {version}; there stands \"{(end <= whole.Length && start <= end && start >= 0 ? whole[start..end] : "nothing")}\".");
            }
        }
    }
}
