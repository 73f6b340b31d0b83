using System.Globalization;
using System.Text.Json;

namespace RagCluster.Nodes.Evaluation;

/// <summary>One measure of two evaluations, over the queries that both have.</summary>
/// <param name="Better">Queries on which the second one is better.</param>
/// <param name="Worse">Queries on which it is worse.</param>
/// <param name="P">How likely a difference of at least this size is if the two do not differ.</param>
internal sealed record ComparedMeasure(string Name, int Queries, double First, double Second, int Better, int Worse, double P)
{
    public double Difference => Second - First;
}

/// <summary>Two results of "eval --json", side by side.</summary>
/// <param name="Unpaired">Queries that only one of them has.</param>
internal sealed record Comparison(string First, string Second, int Unpaired, IReadOnlyList<ComparedMeasure> Measures)
{
    /// <exception cref="InvalidDataException">A file is no result of "eval --json", or the two have no query in common.</exception>
    public static Comparison Of(string first, string second)
    {
        var (a, b) = (Read(first), Read(second));
        if (a.Evaluation != b.Evaluation)
        {
            throw new InvalidDataException($"{first} is of eval {a.Evaluation}, {second} of eval {b.Evaluation}; only the same can be compared.");
        }

        var paired = a.Queries.Keys.Where(b.Queries.ContainsKey).ToList();
        if (paired.Count == 0)
        {
            throw new InvalidDataException($"{first} and {second} have no query in common.");
        }

        var measures = new List<ComparedMeasure>();
        foreach (var name in paired.SelectMany(id => a.Queries[id].Keys).Distinct())
        {
            var pairs = paired.Where(id => a.Queries[id].ContainsKey(name) && b.Queries[id].ContainsKey(name)).Select(id => (First: a.Queries[id][name], Second: b.Queries[id][name])).ToList();
            if (pairs.Count > 0)
            {
                var differences = pairs.Select(p => p.Second - p.First).ToArray();
                measures.Add(new ComparedMeasure(
                    name, pairs.Count, pairs.Average(p => p.First), pairs.Average(p => p.Second), differences.Count(d => d > 0), differences.Count(d => d < 0), RandomisationTest.P(differences)));
            }
        }

        return new Comparison(first, second, a.Queries.Count + b.Queries.Count - (2 * paired.Count), measures);
    }

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("first", First);
            json.WriteString("second", Second);
            json.WriteNumber("unpaired", Unpaired);
            json.WriteStartObject("measures");
            foreach (var m in Measures)
            {
                json.WriteStartObject(m.Name);
                json.WriteNumber("queries", m.Queries);
                json.WriteNumber("first", Math.Round(m.First, 6));
                json.WriteNumber("second", Math.Round(m.Second, 6));
                json.WriteNumber("difference", Math.Round(m.Difference, 6));
                json.WriteNumber("better", m.Better);
                json.WriteNumber("worse", m.Worse);
                json.WriteNumber("p", Math.Round(m.P, 6));
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    public void Write(TextWriter output)
    {
        output.WriteLine($"first   {First}");
        output.WriteLine($"second  {Second}");
        output.WriteLine();
        var width = Math.Max(7, Measures.Max(m => m.Name.Length));
        output.WriteLine($"{"measure".PadRight(width)}    first   second  difference  better  worse      p");
        foreach (var m in Measures)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{m.Name.PadRight(width)}  {m.First,7:0.0000}  {m.Second,7:0.0000}  {m.Difference,10:+0.0000;-0.0000;0.0000}  {m.Better,6}  {m.Worse,5}  {m.P,5:0.000}"));
        }

        output.WriteLine();
        output.WriteLine("p: paired randomisation test, two-sided. A difference with p above 0.05 may well be chance.");
        if (Unpaired > 0)
        {
            output.WriteLine($"{Unpaired} queries are in one of them only and left out.");
        }
    }

    private static (string Evaluation, Dictionary<string, Dictionary<string, double>> Queries) Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"{file} is not there. Make it with: ragcluster eval retrieval DIR --json > {file}");
        }

        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            var queries = new Dictionary<string, Dictionary<string, double>>(StringComparer.Ordinal);
            foreach (var query in json.RootElement.GetProperty("perQuery").EnumerateArray())
            {
                queries[query.GetProperty("id").GetString()!] = query.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Number).ToDictionary(p => p.Name, p => p.Value.GetDouble());
            }

            return (json.RootElement.GetProperty("evaluation").GetString()!, queries);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"{file} is no result of \"ragcluster eval ... --json\": {e.Message}", e);
        }
    }
}
