using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace RagCluster.Deployment.Tests;

/// <summary>
/// Rules, dashboards and the list of metrics speak of what the program really measures; alerts are tested and have a
/// page that says what to do.
/// </summary>
public sealed partial class MonitoringTests
{
    private static readonly string[] s_rules = [.. Directory.EnumerateFiles(Tree.At("monitoring", "prometheus"), "*.rules.yaml").Order(StringComparer.Ordinal)];

    private static readonly string[] s_dashboards = [.. Directory.EnumerateFiles(Tree.At("monitoring", "grafana"), "*.json").Order(StringComparer.Ordinal)];

    private static readonly string s_tests = Tree.At("monitoring", "prometheus", "tests", "alerts.test.yaml");

    [Fact]
    public void Rules_are_valid_and_pass_their_tests()
    {
        Promtool(["check", "rules", .. s_rules]);
        Promtool(["test", "rules", s_tests]);
    }

    [Fact]
    public void Every_metric_of_a_rule_or_a_dashboard_is_measured()
    {
        var measured = Measured();
        measured.Count.ShouldBeGreaterThan(40);
        foreach (var (where, expression) in Expressions())
        {
            Unknown(expression, measured).ShouldBeEmpty(where);
        }

        // And one that is not is found.
        Unknown("sum(rate(ragcluster_journal_event_total[5m]))", measured).ShouldBe(["ragcluster_journal_event_total"]);
        Unknown("histogram_quantile(0.99, sum by (le) (rate(ragcluster_journal_events_bucket[5m])))", measured).ShouldBe(["ragcluster_journal_events_bucket"]);
        Unknown("ragcluster:questions_failed:ratio_rate2h > 1", measured).ShouldBe(["ragcluster:questions_failed:ratio_rate2h"]);
    }

    [Fact]
    public void Every_metric_is_documented_with_its_unit()
    {
        var documented = MetricRow().Matches(File.ReadAllText(Tree.At("docs", "operations", "metrics.md")))
            .ToDictionary(row => row.Groups[1].Value, row => row.Groups[2].Value.Trim(), StringComparer.Ordinal);
        var measured = Instruments().ToDictionary(instrument => instrument.Name, instrument => instrument.Unit ?? "", StringComparer.Ordinal);
        documented.Keys.Except(measured.Keys).ShouldBeEmpty("documented and not measured");
        measured.Keys.Except(documented.Keys).ShouldBeEmpty("measured and not documented");
        foreach (var (name, unit) in measured)
        {
            documented[name].ShouldBe(unit, name);
        }
    }

    [Fact]
    public void Every_alert_is_tested_and_has_a_page_that_says_what_to_do()
    {
        var alerts = s_rules.SelectMany(file => Yaml.Documents(File.ReadAllText(file))).SelectMany(file => file.Items("groups")).SelectMany(group => group.Items("rules"))
            .Where(rule => rule["alert"] is not null).ToArray();
        alerts.Length.ShouldBeGreaterThan(15);
        var fired = Yaml.Documents(File.ReadAllText(s_tests)).Single().Items("tests").SelectMany(test => test.Items("alert_rule_test"))
            .Where(test => test["exp_alerts"] is JsonArray { Count: > 0 }).Select(test => test.Text("alertname")!).ToHashSet(StringComparer.Ordinal);
        foreach (var alert in alerts)
        {
            var name = alert.Text("alert")!;
            fired.ShouldContain(name);
            File.Exists(Tree.At(alert.Text("annotations.runbook")!)).ShouldBeTrue($"{name} names {alert.Text("annotations.runbook")}");
            File.ReadAllText(Tree.At(alert.Text("annotations.runbook")!)).ShouldContain(name);
            alert.Text("labels.severity").ShouldBeOneOf("page", "ticket");
        }

        var pages = Directory.EnumerateFiles(Tree.At("docs", "operations", "runbooks"), "*.md").Select(file => Path.GetFileName(file)!).Where(file => file != "README.md");
        pages.Except(alerts.Select(alert => Path.GetFileName(alert.Text("annotations.runbook")!))).ShouldBeEmpty("a page without an alert");
    }

    [Fact]
    public void Dashboards_have_names_of_their_own_and_say_what_they_show()
    {
        var dashboards = s_dashboards.Select(file => JsonNode.Parse(File.ReadAllText(file))!).ToArray();
        dashboards.Length.ShouldBeGreaterThan(5);
        dashboards.Select(board => board.Text("uid")).ShouldBeUnique();
        dashboards.SelectMany(board => board.Items("panels")).ShouldAllBe(panel => panel.Text("description") != "" && panel.Items("targets").Any());
    }

    private static string? WhyNot { get; } = File.Exists("/usr/bin/promtool") ? null : "promtool is not installed (Debian: prometheus).";

    private static void Promtool(string[] arguments)
    {
        Assert.SkipWhen(WhyNot is not null, WhyNot ?? "");
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/promtool", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, $"{output}\n{errors.Result}");
    }

    /// <summary>Every PromQL expression, with where it stands.</summary>
    private static IEnumerable<(string Where, string Expression)> Expressions()
    {
        foreach (var file in s_rules)
        {
            foreach (var rule in Yaml.Documents(File.ReadAllText(file)).SelectMany(document => document.Items("groups")).SelectMany(group => group.Items("rules")))
            {
                yield return ($"{Path.GetFileName(file)}: {rule.Text("alert") ?? rule.Text("record")}", rule.Text("expr")!);
            }
        }

        foreach (var file in s_dashboards)
        {
            foreach (var panel in JsonNode.Parse(File.ReadAllText(file)).Items("panels"))
            {
                foreach (var target in panel.Items("targets"))
                {
                    yield return ($"{Path.GetFileName(file)}: {panel.Text("title")}", target.Text("expr")!);
                }
            }
        }
    }

    private static IEnumerable<string> Unknown(string expression, HashSet<string> measured) =>
        MetricName().Matches(expression).Select(match => match.Value).Where(name => !measured.Contains(name)).Distinct();

    /// <summary>Series as they stand on the page, what Prometheus makes of targets itself, and recorded rules.</summary>
    private static HashSet<string> Measured()
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { "up" };
        foreach (var instrument in Instruments())
        {
            var name = Nodes.Management.MetricsRegistry.NameOf(instrument.Name, instrument.Unit);
            var kind = instrument.GetType().Name;
            names.UnionWith(kind.StartsWith("Histogram", StringComparison.Ordinal) ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"]
                : kind.StartsWith("Counter", StringComparison.Ordinal) || kind.StartsWith("ObservableCounter", StringComparison.Ordinal) ? [$"{name}_total"]
                : [name]);
        }

        // ASP.NET Core's, which its own documentation lists.
        names.UnionWith(["http_server_request_duration_seconds_bucket", "http_server_request_duration_seconds_sum", "http_server_request_duration_seconds_count", "http_server_active_requests"]);
        names.UnionWith(s_rules.SelectMany(file => Yaml.Documents(File.ReadAllText(file))).SelectMany(file => file.Items("groups")).SelectMany(group => group.Items("rules")).Select(rule => rule.Text("record")).OfType<string>());
        return names;
    }

    /// <summary>All instruments of the program: whatever static field of it holds one is made to be.</summary>
    private static List<Instrument> Instruments()
    {
        var found = new Dictionary<string, Instrument>(StringComparer.Ordinal);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name.StartsWith("RagCluster", StringComparison.Ordinal))
            {
                found[instrument.Name] = instrument;
            }
        };
        listener.Start();
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Where(file => Path.GetFileName(file) is var name && (name.StartsWith("RagCluster.", StringComparison.Ordinal) || name == "ragcluster.dll") && !name.Contains("Tests", StringComparison.Ordinal)))
        {
            foreach (var type in Assembly.Load(Path.GetFileNameWithoutExtension(file)).GetTypes().Where(type => !type.ContainsGenericParameters && type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Any(field => field.FieldType == typeof(Meter) || field.FieldType.IsAssignableTo(typeof(Instrument)))))
            {
                RuntimeHelpers.RunClassConstructor(type.TypeHandle);
            }
        }

        return [.. found.Values.OrderBy(instrument => instrument.Name, StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"\b(?:ragcluster[_:][a-zA-Z0-9_:]+|http_server_[a-z_]+|up(?=\{))")]
    private static partial Regex MetricName();

    // | `ragcluster.journal.events` | {event} | ... |
    [GeneratedRegex(@"^\| `(ragcluster\.[a-z_.]+)` \|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();
}
