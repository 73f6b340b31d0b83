using System.Text;
using System.Text.RegularExpressions;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C10, second half, and I5: the shape of every answer in the journal.</summary>
public sealed partial class Answers : IChecker
{
    public string Name => "C10-answer";

    public string Promise =>
        "A question is asked once, begins once, ends at most once, and nothing but feedback follows its end; text shown before a restart is void, and what is complete is what was shown since.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var conversation in run.Log.Where(record => record.Event is ConversationEvent).GroupBy(record => record.Entity))
        {
            var questions = new Dictionary<QuestionId, Course>();
            foreach (var record in conversation)
            {
                if (Step(questions, (ConversationEvent)record.Event) is { } wrong)
                {
                    yield return new Violation(Name, conversation.Key, $"At {record.Seq}, {record.Event.GetType().Name}: {wrong}");
                }
            }
        }
    }

    /// <summary>What is wrong with the event where it stands; null for nothing.</summary>
    private static string? Step(Dictionary<QuestionId, Course> questions, ConversationEvent e)
    {
        var id = e switch
        {
            QuestionAsked x => x.Question,
            AnswerBegun x => x.Question,
            SourcesFound x => x.Question,
            AnswerDelta x => x.Question,
            AnswerRestarted x => x.Question,
            AnswerCompleted x => x.Question,
            AnswerFailed x => x.Question,
            AnswerCancelled x => x.Question,
            _ => (QuestionId?)null,
        };
        if (id is not { } question)
        {
            return null;
        }

        if (e is QuestionAsked)
        {
            return questions.TryAdd(question, new Course()) ? null : $"{question} was asked before.";
        }

        if (!questions.TryGetValue(question, out var course))
        {
            return $"{question} was never asked.";
        }

        if (course.Ended)
        {
            return $"{question} had ended.";
        }

        switch (e)
        {
            case AnswerDelta when !course.Begun:
                return $"text of {question}, whose answer had not begun.";
            case AnswerDelta delta:
                course.Text.Append(delta.Text);
                break;
            case AnswerBegun when course.Text.Length > 0:
                return $"{question} begins although text of it was shown.";
            case AnswerBegun:
                course.Begun = true;
                break;
            case AnswerRestarted when course.Text.Length == 0:
                return $"{question} starts over, and nothing of it had been shown.";
            case AnswerRestarted:
                course.Text.Clear();
                break;
            case AnswerCompleted completed:
                course.Ended = true;
                if (Words(course.Text.ToString()) != Words(completed.Text))
                {
                    return $"{question} is complete as \"{completed.Text}\"; shown was \"{course.Text}\".";
                }

                break;
            case AnswerFailed or AnswerCancelled:
                course.Ended = true;
                break;
        }

        return null;
    }

    /// <summary>Markers are verified only when the answer is whole: those that prove nothing leave it then, with the space before them.</summary>
    private static string Words(string text) => Unsaid().Replace(text, "");

    [GeneratedRegex(@"\[\d+\]|[\s\[\]]")]
    private static partial Regex Unsaid();

    private sealed class Course
    {
        public StringBuilder Text { get; } = new();

        public bool Begun { get; set; }

        public bool Ended { get; set; }
    }
}
