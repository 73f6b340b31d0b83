using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C9, C7's second half, and I7: who is shown a passage may read it at that moment.</summary>
public sealed class Access : IChecker
{
    public string Name => "C9";

    public string Promise =>
        "A passage is shown only to somebody who could read its document at some moment of the search; a revocation or deletion that was acknowledged counts from then on, and what is indexed and readable is found.";

    public IEnumerable<Violation> Check(Run run)
    {
        if (run.ReadsMayBeStale)
        {
            yield break;
        }

        var courses = DocumentCourse.All(run);
        var shown = run.Searches
            .SelectMany(search => search.Passages.Select(found => (search.Principal, search.From, search.To, found.Passage, Where: $"A search of {search.Client}")))
            .Concat(InAnswers(run));
        foreach (var (principal, from, to, passage, where) in shown)
        {
            var entity = $"{principal.Tenant.Value}/{passage.Document.Value}";
            if (!courses.TryGetValue(entity, out var course))
            {
                yield return new Violation(Name, entity, $"{where} found a document that does not exist.");
            }
            else if (!course.Between(from, to).Any(state => state.IsReadableBy(principal)))
            {
                yield return new Violation(
                    Name, entity, $"{where} from {from} to {to} showed version {passage.Version} to {principal.User} ({principal.Roles}); possible were {string.Join("; ", course.Between(from, to))}.");
            }
        }

        foreach (var search in run.Searches.Where(search => search is { Expected: not null, Complete: true }))
        {
            var entity = $"{search.Principal.Tenant.Value}/{search.Expected}";
            if (courses.TryGetValue(entity, out var course)
                && course.Between(search.From, search.To) is [{ IsIndexed: true } only] && only.IsReadableBy(search.Principal)
                && search.Passages.All(found => found.Passage.Document.Value != search.Expected || found.Passage.Version != only.Version))
            {
                yield return new Violation(Name, entity, $"A search of {search.Client} from {search.From} to {search.To} did not find version {only.Version}, which was indexed and readable all the time.");
            }
        }
    }

    /// <summary>What an answer was made of was found between the question and the sources, for the roles of its asker.</summary>
    private static IEnumerable<(Principal Principal, TimeSpan From, TimeSpan To, Passage Passage, string Where)> InAnswers(Run run)
    {
        foreach (var conversation in run.Log.Where(record => record is { Event: ConversationEvent, CommittedAt: not null }).GroupBy(record => record.Entity))
        {
            var asked = new Dictionary<QuestionId, (Principal Asker, TimeSpan At)>();
            foreach (var record in conversation)
            {
                if (record.Event is QuestionAsked question)
                {
                    asked[question.Question] = (question.Asker, record.CommittedAt!.Value);
                }
                else if (record.Event is SourcesFound sources && asked.TryGetValue(sources.Question, out var by))
                {
                    foreach (var source in sources.Sources)
                    {
                        yield return (by.Asker, by.At, record.CommittedAt!.Value, source.Passage, $"The answer to {sources.Question}");
                    }
                }
            }
        }
    }
}
