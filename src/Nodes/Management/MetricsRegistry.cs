using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace RagCluster.Nodes.Management;

/// <summary>
/// Listens to the node's meters and writes them as OpenMetrics 1.0 text. Instruments follow OpenTelemetry's names
/// ("ragcluster.kernel.appends"); on the page dots become underscores and units are spelled out and appended.
/// </summary>
internal sealed class MetricsRegistry : IDisposable
{
    /// <summary>More series than this of one instrument are folded into one labelled "other": cardinality is bounded.</summary>
    public const int MaxSeries = 200;

    /// <summary>Upper bounds in seconds, from a tenth of a millisecond to a minute.</summary>
    private static readonly double[] s_buckets = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

    private static readonly double[] s_countBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096];

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly Dictionary<Instrument, Family> _byInstrument = [];
    private readonly MeterListener _listener = new();

    public MetricsRegistry(Func<string, bool> meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters(instrument.Meter.Name))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, v, tags, _) => Record(i, v, tags));
        _listener.SetMeasurementEventCallback<int>((i, v, tags, _) => Record(i, v, tags));
        _listener.SetMeasurementEventCallback<double>((i, v, tags, _) => Record(i, v, tags));
        _listener.Start();
    }

    public const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    public const string PlainText = "text/plain; version=0.0.4; charset=utf-8";

    /// <param name="openMetrics">OpenMetrics 1.0, which Prometheus asks for; otherwise Prometheus' older text format, which everything reads, promtool included.</param>
    public string Write(bool openMetrics)
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder(8192);
        lock (_lock)
        {
            foreach (var family in _families.Values)
            {
                family.Write(text, openMetrics);
            }
        }

        return openMetrics ? text.Append("# EOF\n").ToString() : text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        lock (_lock)
        {
            if (!_byInstrument.TryGetValue(instrument, out var family))
            {
                _byInstrument.Add(instrument, family = FamilyOf(instrument));
            }

            family.Record(labels, value);
        }
    }

    /// <summary>Instruments of one name are one family.</summary>
    private Family FamilyOf(Instrument instrument)
    {
        var name = NameOf(instrument.Name, instrument.Unit);
        if (!_families.TryGetValue(name, out var family))
        {
            family = new Family(name, Kind(instrument), instrument.Description ?? "", instrument.Unit ?? "");
            _families.Add(name, family);
        }

        return family;
    }

    private static string Kind(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        if (instrument.Name is "dotnet.thread_pool.thread.count" or "dotnet.thread_pool.queue.length")
        {
            // The runtime publishes these levels as counters, which may not fall.
            return "gauge";
        }

        return type.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : type.StartsWith("Counter", StringComparison.Ordinal) ? "counter"
            : type.StartsWith("ObservableCounter", StringComparison.Ordinal) ? "observed-counter"
            : type.StartsWith("UpDownCounter", StringComparison.Ordinal) ? "updown"
            : "gauge";
    }

    /// <summary>What an instrument is called on the page; counters and histograms have endings behind it.</summary>
    public static string NameOf(string instrument, string? unit)
    {
        var name = new StringBuilder(instrument.Length + 8);
        foreach (var c in instrument)
        {
            name.Append(char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '_');
        }

        var ending = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" => "_ratio",
            _ => "",
        };
        if (ending.Length > 0 && !name.ToString().EndsWith(ending, StringComparison.Ordinal))
        {
            name.Append(ending);
        }

        // The runtime's levels are called "count", an ending that Prometheus keeps for histograms.
        return name.ToString() is var known && known.EndsWith("_count", StringComparison.Ordinal) ? known[..^"count".Length] + "number" : known;
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",")
                .Append(key.Replace('.', '_').Replace('-', '_'))
                .Append("=\"")
                .Append(Convert.ToString(value, CultureInfo.InvariantCulture)!.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
                .Append('"');
        }

        return text.ToString();
    }

    private sealed class Family(string name, string kind, string help, string unit)
    {
        private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);

        public void Record(string labels, double value)
        {
            if (!_series.TryGetValue(labels, out var series))
            {
                if (_series.Count >= MaxSeries)
                {
                    labels = "series=\"other\"";
                }

                if (!_series.TryGetValue(labels, out series))
                {
                    series = new Series(kind == "histogram" ? (unit is "s" ? s_buckets : s_countBuckets) : []);
                    _series.Add(labels, series);
                }
            }

            switch (kind)
            {
                case "histogram":
                    series.Observe(value);
                    break;
                case "counter" or "updown":
                    series.Value += value;
                    break;
                default:
                    series.Value = value;
                    break;
            }
        }

        public void Write(StringBuilder text, bool openMetrics)
        {
            var type = kind switch { "histogram" => "histogram", "counter" or "observed-counter" => "counter", _ => "gauge" };

            // The older format knows no families: what is described is the series.
            var described = !openMetrics && type == "counter" ? name + "_total" : name;
            text.Append("# TYPE ").Append(described).Append(' ').Append(type).Append('\n');
            if (openMetrics && unit is "s" or "By" or "ms" or "1")
            {
                text.Append("# UNIT ").Append(name).Append(' ').Append(name[(name.LastIndexOf('_') + 1)..]).Append('\n');
            }

            if (help.Length > 0)
            {
                text.Append("# HELP ").Append(described).Append(' ').Append(help.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal)).Append('\n');
            }

            foreach (var (labels, series) in _series)
            {
                series.Write(text, name, type, labels);
            }
        }
    }

    private sealed class Series(double[] bounds)
    {
        private readonly long[] _counts = new long[bounds.Length + 1];
        private double _sum;
        private long _count;

        public double Value { get; set; }

        public void Observe(double value)
        {
            var bucket = Array.BinarySearch(bounds, value);
            _counts[bucket >= 0 ? bucket : ~bucket]++;
            _sum += value;
            _count++;
        }

        public void Write(StringBuilder text, string name, string type, string labels)
        {
            if (type != "histogram")
            {
                Line(text, type == "counter" ? name + "_total" : name, labels, null, Value);
                return;
            }

            long below = 0;
            for (var i = 0; i < bounds.Length; i++)
            {
                below += _counts[i];
                Line(text, name + "_bucket", labels, bounds[i].ToString("0.0###", CultureInfo.InvariantCulture), below);
            }

            Line(text, name + "_bucket", labels, "+Inf", _count);
            Line(text, name + "_sum", labels, null, _sum);
            Line(text, name + "_count", labels, null, _count);
        }

        private static void Line(StringBuilder text, string name, string labels, string? le, double value)
        {
            text.Append(name);
            if (labels.Length > 0 || le is not null)
            {
                text.Append('{').Append(labels);
                if (le is not null)
                {
                    text.Append(labels.Length > 0 ? "," : "").Append("le=\"").Append(le).Append('"');
                }

                text.Append('}');
            }

            text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }
    }
}
