using RagCluster.Inference.Language;

namespace RagCluster.Inference.Answering;

/// <summary>Which kinds of answer a sentence holds, by its words and their shapes alone.</summary>
internal static class KindReader
{
    private static readonly HashSet<string> s_units =
        ["second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month", "months", "year", "years", "decade", "decades", "century", "centuries"];

    private static readonly HashSet<string> s_months =
        ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    private static readonly HashSet<string> s_money =
        ["dollar", "dollars", "euro", "euros", "usd", "eur", "gbp", "chf", "pound", "pounds", "percent", "cent", "cents", "million", "billion", "thousand", "free", "pence"];

    private static readonly HashSet<string> s_numbers =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "ninety", "hundred", "once", "twice", "half", "third", "quarter", "dozen"];

    private static readonly HashSet<string> s_reasons = ["because", "due", "since", "therefore", "so", "reason", "reasons", "cause", "caused", "causes", "result", "owing", "order", "purpose", "consequently"];

    private static readonly HashSet<string> s_verdicts =
        ["can", "cannot", "cant", "may", "must", "not", "no", "only", "unless", "allowed", "permitted", "required", "excluded", "covered", "covers", "entitled", "eligible", "if", "always", "never", "yes", "will", "dont", "doesnt", "isnt", "wont"];

    private static readonly HashSet<string> s_definitions = ["is", "are", "means", "mean", "refers", "defined", "called", "was", "were"];

    private static readonly HashSet<string> s_places = ["in", "at", "near", "from", "to", "on", "between", "along", "outside", "within"];

    public static AnswerKinds Read(ReadOnlySpan<char> sentence)
    {
        var kinds = sentence.IndexOfAny("$€£%¥") >= 0 ? AnswerKinds.Amount : AnswerKinds.None;
        var reader = new WordReader(sentence, stackalloc char[WordReader.MaxWordLength]);
        var position = 0;
        var numberAt = -10;
        var placeAt = -10;
        var afterPer = false;
        while (reader.MoveNext())
        {
            position++;
            var word = reader.Word.ToString();
            var digit = char.IsAsciiDigit(word[0]);
            if (digit || s_numbers.Contains(word))
            {
                kinds |= AnswerKinds.Number;
                numberAt = position;
                if (word.Length == 4 && digit && word[0] is '1' or '2' && word.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0)
                {
                    kinds |= AnswerKinds.Date;
                }
            }

            if (s_units.Contains(word) && position - numberAt <= 2 && !afterPer)
            {
                kinds |= AnswerKinds.Duration;
            }

            kinds |= s_months.Contains(word) ? AnswerKinds.Date : 0;
            kinds |= s_money.Contains(word) && (word is "free" || position - numberAt <= 2) ? AnswerKinds.Amount : 0;
            kinds |= s_reasons.Contains(word) ? AnswerKinds.Reason : 0;
            kinds |= s_verdicts.Contains(word) ? AnswerKinds.Verdict : 0;
            kinds |= s_definitions.Contains(word) && position <= 12 ? AnswerKinds.Definition : 0;
            if (position > 1 && char.IsUpper(sentence[reader.Start]))
            {
                kinds |= AnswerKinds.Name;
                kinds |= position - placeAt <= 3 ? AnswerKinds.Place : 0;
            }

            placeAt = s_places.Contains(word) ? position : placeAt;
            afterPer = word is "per" or "a";
        }

        return sentence.Count(',') + sentence.Count(';') >= 2 ? kinds | AnswerKinds.List : kinds;
    }
}
