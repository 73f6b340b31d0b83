using System.Globalization;
using RagCluster.Inference.Language;
using RagCluster.Inference.Prompting;

namespace RagCluster.Inference.QueryRewriting;

/// <summary>
/// Makes a question that leans on the one before it stand alone, by rules on English words: it puts what was talked
/// about in the place of a pronoun, and an elliptical follow-up in the place of the part of the earlier question that it
/// varies. A question that leans on nothing comes out unchanged.
/// </summary>
internal static class FollowUp
{
    private const int MaxTurns = 6;
    private const int MaxItemWords = 12;

    private static readonly string[] s_openings =
        ["and what about", "and how about", "but what about", "what about", "how about", "what if it is", "and", "but", "or", "also", "then"];

    private static readonly HashSet<string> s_prepositions =
        ["for", "in", "with", "without", "after", "before", "during", "under", "over", "of", "at", "on", "to", "from", "by", "if", "when", "as", "within"];

    private static readonly HashSet<string> s_pronouns = ["it", "they", "them", "this", "that", "these", "those", "he", "she", "him"];
    private static readonly HashSet<string> s_possessives = ["its", "their", "his", "her"];
    private static readonly HashSet<string> s_determiners = ["the", "a", "an", "my", "your", "our", "this", "that"];
    private static readonly HashSet<string> s_expletives = ["take", "takes", "possible", "necessary", "true", "mean", "allowed", "legal", "ok", "okay", "normal", "common", "better", "worth", "possible?"];

    private static readonly HashSet<string> s_questionWords =
        ["what", "how", "when", "where", "who", "whom", "whose", "why", "which", "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should", "will", "would", "has", "have"];

    private static readonly string[] s_ordinals = ["first", "second", "third", "fourth", "fifth", "sixth"];

    public static string Resolve(string question, IReadOnlyList<PastTurn> history)
    {
        var standing = "";
        var answer = "";
        foreach (var turn in history.TakeLast(MaxTurns))
        {
            standing = Resolve(turn.Question, standing, answer);
            answer = turn.Answer;
        }

        return Resolve(question, standing, answer);
    }

    private static string Resolve(string question, string previous, string previousAnswer)
    {
        question = Squeezed(question);
        if (previous.Length == 0 || question.Length == 0)
        {
            return question;
        }

        var body = question.TrimEnd('?', '.', '!', ' ');
        var lower = body.ToLowerInvariant();
        if (lower is "why" or "why not" or "how" or "how come" or "when" or "where" or "since when")
        {
            return $"{char.ToUpperInvariant(body[0])}{body[1..]}: {previous}";
        }

        if (Opening(lower) is { } opening)
        {
            var rest = body[opening..].TrimStart(' ', ',');
            var first = FirstWord(rest);
            if (rest.Length > 0 && !(s_questionWords.Contains(first) && rest.Contains(' ', StringComparison.Ordinal)))
            {
                return Vary(previous, OrdinalItem(rest, previousAnswer) ?? rest);
            }

            body = rest.Length > 0 ? char.ToUpperInvariant(rest[0]) + rest[1..] : body;
        }
        else if (s_prepositions.Contains(FirstWord(body)) && !body.Contains(',', StringComparison.Ordinal) && WordCount(body) <= 6)
        {
            return Vary(previous, body);
        }

        return ReplacePronoun(body, previous, previousAnswer) + "?";
    }

    private static int? Opening(string lower)
    {
        foreach (var opening in s_openings)
        {
            if (lower.StartsWith(opening, StringComparison.Ordinal) && (lower.Length == opening.Length || lower[opening.Length] is ' ' or ','))
            {
                return opening.Length;
            }
        }

        return null;
    }

    /// <summary>
    /// The earlier question with <paramref name="part"/> in place of what it varies: a phrase after the same
    /// preposition, or one that ends in the same word; otherwise added at the end.
    /// </summary>
    private static string Vary(string previous, string part)
    {
        var words = previous.TrimEnd('?', '.', '!', ' ').Split(' ');
        var varied = part.Split(' ');
        var preposition = varied[0].ToLowerInvariant();
        if (s_prepositions.Contains(preposition))
        {
            varied[0] = preposition;
            var at = Array.FindLastIndex(words, w => w.Equals(preposition, StringComparison.OrdinalIgnoreCase));
            if (at > 0)
            {
                var end = Array.FindIndex(words, at + 1, w => s_prepositions.Contains(w.ToLowerInvariant()));
                return Join([.. words[..at], .. varied, .. end < 0 ? [] : words[end..]]);
            }

            return Join([.. words, .. varied]);
        }

        var head = Array.FindLastIndex(words, w => w.Equals(varied[^1], StringComparison.OrdinalIgnoreCase));
        if (head > 0)
        {
            var start = head;
            while (start > 1 && !WordTable.IsFunctionWord(words[start - 1].ToLowerInvariant()))
            {
                start--;
            }

            return Join([.. words[..start], .. WithoutDeterminer(varied, words[start - 1]), .. words[(head + 1)..]]);
        }

        return Join([.. words, "for", .. varied]);
    }

    private static string[] WithoutDeterminer(string[] phrase, string before) =>
        phrase.Length > 1 && s_determiners.Contains(phrase[0].ToLowerInvariant()) && s_determiners.Contains(before.ToLowerInvariant()) ? phrase[1..] : phrase;

    private static string ReplacePronoun(string body, string previous, string previousAnswer)
    {
        if (OrdinalItem(body, previousAnswer) is { } item && OrdinalPhrase(body) is { } phrase)
        {
            return body.Replace(phrase, item, StringComparison.OrdinalIgnoreCase);
        }

        var words = body.Split(' ');
        for (var i = 0; i < words.Length; i++)
        {
            var word = words[i].TrimEnd(',').ToLowerInvariant();
            var possessive = s_possessives.Contains(word) && i + 1 < words.Length;
            if (!possessive && !(s_pronouns.Contains(word) && IsReference(words, i, word)))
            {
                continue;
            }

            if (Topic(previous) is not { } topic)
            {
                return body;
            }

            words[i] = (possessive ? $"{topic}'s" : topic) + (words[i].EndsWith(',') ? "," : "");
            return string.Join(' ', words);
        }

        return body;
    }

    /// <summary>"it" of "how long does it take" refers to nothing; "that" before another word mostly begins a clause.</summary>
    private static bool IsReference(string[] words, int i, string word)
    {
        var next = i + 1 < words.Length ? words[i + 1].TrimEnd(',').ToLowerInvariant() : "";
        return word switch
        {
            "it" => !s_expletives.Contains(next),
            "this" or "that" or "these" or "those" => next.Length == 0 || s_questionWords.Contains(next) || s_prepositions.Contains(next)
                || (i > 0 && s_questionWords.Contains(words[i - 1].ToLowerInvariant()) && WordTable.Weight(next) < 0.6f),
            _ => true,
        };
    }

    /// <summary>What a question is about: the phrase behind its first article, or its longest run of content words.</summary>
    private static string? Topic(string question)
    {
        var words = question.TrimEnd('?', '.', '!', ' ').Split(' ');
        string? longest = null;
        for (var i = 0; i < words.Length; i++)
        {
            var end = i;
            while (end < words.Length && IsTopical(words[end], end))
            {
                end++;
            }

            if (end == i)
            {
                continue;
            }

            var run = string.Join(' ', words[i..end]).TrimEnd(',');
            if (i > 0 && s_determiners.Contains(words[i - 1].ToLowerInvariant()))
            {
                return $"the {run}";
            }

            longest = longest is null || run.Length > longest.Length ? run : longest;
            i = end;
        }

        return longest;
    }

    private static bool IsTopical(string word, int position)
    {
        var lower = word.TrimEnd(',').ToLowerInvariant();
        return !WordTable.IsFunctionWord(lower) && !(position == 0 && s_questionWords.Contains(lower)) && lower is not ("long" or "much" or "many" or "happens" or "mean" or "means");
    }

    private static string? OrdinalPhrase(string text)
    {
        foreach (var ordinal in s_ordinals)
        {
            foreach (var ending in new[] { " one", " option", " item", " point", "" })
            {
                var phrase = $"the {ordinal}{ending}";
                if (text.EndsWith(phrase, StringComparison.OrdinalIgnoreCase) || (ending.Length > 0 && text.Contains(phrase + " ", StringComparison.OrdinalIgnoreCase)))
                {
                    return phrase;
                }
            }
        }

        return null;
    }

    /// <summary>The item of the earlier answer's list that "the second one" means.</summary>
    private static string? OrdinalItem(string text, string answer)
    {
        if (OrdinalPhrase(text) is not { } phrase)
        {
            return null;
        }

        var n = Array.FindIndex(s_ordinals, o => phrase.Contains(o, StringComparison.Ordinal));
        var items = answer.Split('\n', StringSplitOptions.TrimEntries)
            .Where(line => line.Length > 2 && (line[0] is '-' or '*' or '•' || char.IsAsciiDigit(line[0])))
            .Select(Item)
            .ToList();
        return n < items.Count && items[n].Length > 0 ? items[n] : null;
    }

    private static string Item(string line)
    {
        var text = line.TrimStart('-', '*', '•', '.', ')', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ' ');
        var marker = text.IndexOf('[', StringComparison.Ordinal);
        var words = (marker >= 0 ? text[..marker] : text).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words.Take(MaxItemWords)).TrimEnd('.', ';', ',');
    }

    private static string FirstWord(string text)
    {
        var end = text.IndexOf(' ', StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).TrimEnd(',').ToLower(CultureInfo.InvariantCulture);
    }

    private static int WordCount(string text) => text.Count(c => c == ' ') + 1;

    private static string Join(string[] words) => string.Join(' ', words) + "?";

    private static string Squeezed(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
