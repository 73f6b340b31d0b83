using System.Text.Json.Nodes;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>
/// What the scripted node answers: a question with "unanswerable" gets an abstention, with "unavailable" a failure, with
/// "markup" the text of the hostile document, and any other an answer of three cited sentences.
/// </summary>
internal sealed class Script(ScriptedDocuments documents)
{
    public const string Unavailable = "The model did not answer within 30 seconds. Ask again, or tell the administrator.";

    public const string Hostile =
        "Free-look <img src=x onerror=\"document.title='owned'\"> period. <script>document.title='owned'</script> " +
        "[click me](javascript:alert(1)) ![pixel](https://example.com/p.png) <a href=\"https://example.com\">link</a> <b>bold</b>";

    public sealed record Scripted(string Text, IReadOnlyList<string> Pieces, JsonArray Citations, JsonArray Sources, string? Failure = null);

    public Scripted Answer(string question)
    {
        if (question.Contains("unavailable", StringComparison.OrdinalIgnoreCase))
        {
            return new Scripted("", [], [], [], Unavailable);
        }

        if (question.Contains("unanswerable", StringComparison.OrdinalIgnoreCase))
        {
            const string none = "The documents do not say anything about this.";
            return new Scripted(none, Cut(none), [], []);
        }

        return question.Contains("markup", StringComparison.OrdinalIgnoreCase)
            ? Cite(("hostile", Hostile))
            : Cite(
                ("term-life", "You may return the policy within 30 days of receiving it and get back every premium paid."),
                ("claims", "The free-look period starts on the day on which the policy reaches you, by post or in your online account."),
                ("term-life", "If a claim has been paid within that time, the policy cannot be returned."));
    }

    private Scripted Cite(params (string Document, string Sentence)[] quotes)
    {
        var citations = new JsonArray();
        var sources = new JsonArray();
        var text = "";
        foreach (var ((id, sentence), i) in quotes.Select((quote, i) => (quote, i)))
        {
            var row = documents.Find(id) ?? throw new InvalidOperationException($"The script cites {id}, which was not put there.");
            var start = row.Text.IndexOf(sentence, StringComparison.Ordinal);
            text += $"{(i == 0 ? "" : i == 2 ? "\n\n" : " ")}{sentence} [{i + 1}]";
            int? page = row.Pages is null ? null : 2 + i;
            citations.Add(new JsonObject
            {
                ["n"] = i + 1, ["document"] = id, ["version"] = row.Version, ["chunk"] = i, ["start"] = start, ["end"] = start + sentence.Length,
                ["page"] = page, ["quote"] = sentence, ["title"] = row.Title,
            });
            sources.Add(new JsonObject
            {
                ["document"] = id, ["version"] = row.Version, ["ordinal"] = i, ["start"] = start, ["end"] = start + sentence.Length,
                ["page"] = page, ["title"] = row.Title, ["headings"] = new JsonArray(), ["text"] = sentence, ["score"] = 1.0 - (i * 0.1),
            });
        }

        return new Scripted(text, Cut(text), citations, sources);
    }

    /// <summary>Pieces of four words, as a model's tokens would come.</summary>
    private static List<string> Cut(string text)
    {
        var pieces = new List<string>();
        var from = 0;
        var words = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == ' ' && ++words % 4 == 0)
            {
                pieces.Add(text[from..i]);
                from = i;
            }
        }

        pieces.Add(text[from..]);
        return pieces;
    }
}
