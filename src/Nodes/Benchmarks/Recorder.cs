namespace RagCluster.Nodes.Benchmarks;

/// <summary>Gathers what the rounds of a benchmark measured. Not safe from several threads.</summary>
internal sealed class Recorder(TextWriter progress)
{
    private readonly Dictionary<string, (Quantity Quantity, List<double> Values)> _measured = [];
    private readonly Dictionary<string, string> _settings = [];

    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>Says on the side what goes on, so that nobody takes a long run for a hang.</summary>
    public void Say(string text) => progress.WriteLine(text);

    public void Setting(string name, FormattableString value) => _settings[name] = FormattableString.Invariant(value);

    public void Add(Quantity quantity, double value)
    {
        if (!_measured.TryGetValue(quantity.Name, out var measured))
        {
            _measured[quantity.Name] = measured = (quantity, []);
        }

        measured.Values.Add(value);
    }

    /// <summary>Adds two quantiles of samples that were taken within one round. The samples are sorted in place.</summary>
    public void AddQuantiles(Quantity middle, Quantity tail, double tailShare, double[] samples)
    {
        Array.Sort(samples);
        Add(middle, Quantiles.OfSorted(samples, 0.5));
        Add(tail, Quantiles.OfSorted(samples, tailShare));
    }

    /// <summary>In the order in which they were first measured.</summary>
    public IReadOnlyList<Figure> Figures() => [.. _measured.Values.Select(m => Summarise(m.Quantity, [.. m.Values.Order()]))];

    private static Figure Summarise(Quantity quantity, double[] sorted)
    {
        var median = Quantiles.OfSorted(sorted, 0.5);
        return new Figure(
            quantity.Name,
            quantity.What,
            quantity.Unit,
            Round(median),
            Round(sorted[0]),
            Round(sorted[^1]),
            sorted.Length,
            quantity.Target?.Value,
            quantity.Target is null ? null : quantity.Target.AtLeast ? "at least" : "at most",
            quantity.Target?.IsMetBy(median));
    }

    /// <summary>Four digits are more than a benchmark can promise.</summary>
    private static double Round(double value)
    {
        if (value == 0 || !double.IsFinite(value))
        {
            return value;
        }

        var step = Math.Pow(10, Math.Floor(Math.Log10(Math.Abs(value))) - 3);
        return step >= 1 ? Math.Round(value / step) * step : Math.Round(value, Math.Clamp(-(int)Math.Round(Math.Log10(step)), 0, 15));
    }
}
