using System.Globalization;
using System.Text.Json;

namespace RagCluster.Nodes.Evaluation;

/// <summary>A kind of figure.</summary>
/// <param name="Name">Its name in JSON.</param>
/// <param name="What">For people.</param>
/// <param name="Format">How many digits mean something.</param>
internal sealed record Measure(string Name, string What, string Format = "0.000");

/// <summary>What one query came to.</summary>
/// <param name="Values">By the names of the measures that are means over queries.</param>
/// <param name="Answer">What was answered, where there were answers.</param>
internal sealed record MeasuredQuery(string Id, IReadOnlyDictionary<string, double> Values, string? Answer = null);

/// <summary>What an evaluation found.</summary>
/// <param name="Evaluation">"retrieval", "answers" or "chunking".</param>
/// <param name="Data">The folder's name.</param>
internal sealed record EvaluationResult(
    string Evaluation,
    string Data,
    DateTimeOffset At,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<(Measure Measure, double Value)> Figures,
    IReadOnlyList<MeasuredQuery> Queries)
{
    /// <summary>Documents that could not be taken in.</summary>
    public int FailedDocuments { get; init; }

    public double this[string name] => Figures.First(f => f.Measure.Name == name).Value;

    /// <summary>The mean of a measure over the queries that have it; null where none has.</summary>
    public static double? Mean(IEnumerable<MeasuredQuery> queries, string name)
    {
        var values = queries.Where(q => q.Values.ContainsKey(name)).Select(q => q.Values[name]).ToList();
        return values.Count > 0 ? values.Average() : null;
    }

    /// <summary>One object: the figures by name, then every query with its own.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("evaluation", Evaluation);
            json.WriteString("data", Data);
            json.WriteString("at", At);
            json.WriteStartObject("settings");
            foreach (var (name, value) in Settings)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            foreach (var (measure, value) in Figures)
            {
                json.WriteNumber(measure.Name, Math.Round(value, 6));
            }

            json.WriteStartArray("perQuery");
            foreach (var query in Queries)
            {
                json.WriteStartObject();
                json.WriteString("id", query.Id);
                foreach (var (name, value) in query.Values)
                {
                    json.WriteNumber(name, Math.Round(value, 6));
                }

                if (query.Answer is not null)
                {
                    json.WriteString("answer", query.Answer);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>A table for people.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"eval {Evaluation} {Data}, {At:yyyy-MM-dd HH:mm} UTC"));
        output.WriteLine(string.Join(", ", Settings.Select(s => $"{s.Key} {s.Value}")));
        output.WriteLine();
        var names = Figures.Max(f => f.Measure.Name.Length);
        var values = Figures.Select(f => f.Value.ToString(f.Measure.Format, CultureInfo.InvariantCulture)).ToList();
        var width = values.Max(v => v.Length);
        for (var i = 0; i < Figures.Count; i++)
        {
            output.WriteLine($"{Figures[i].Measure.Name.PadRight(names)}  {values[i].PadLeft(width)}  {Figures[i].Measure.What}");
        }
    }
}
