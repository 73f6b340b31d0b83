using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace RagCluster.Nodes.Intake;

/// <summary>The last line of a run.</summary>
internal sealed record IngestSummary(int Indexed, int Unchanged, int Removed, int Failed, int Chunks, double Seconds);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IngestedDocument))]
[JsonSerializable(typeof(IngestSummary))]
internal sealed partial class IngestJson : JsonSerializerContext;

/// <summary>
/// Shows a run: a progress bar where a person looks on, a line now and then where the output is kept, one JSON object
/// a document with --json. Failures are always told with their reason.
/// </summary>
internal sealed class IngestReport(bool json, TimeProvider time) : IIngestObserver
{
    private readonly Lock _lock = new();
    private readonly long _started = time.GetTimestamp();
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    private ProgressTask? _bar;
    private long _lastLine;
    private IngestSummary _sum = new(0, 0, 0, 0, 0, 0);

    /// <summary>Runs the work with the bar around it.</summary>
    public async Task<IngestSummary> ShowAsync(string title, Func<Task> work)
    {
        if (json || Console.IsErrorRedirected || !_console.Profile.Capabilities.Interactive)
        {
            await work();
        }
        else
        {
            await _console.Progress()
                .AutoClear(false)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new SpinnerColumn())
                .StartAsync(async context =>
                {
                    _bar = context.AddTask(title, maxValue: 1);
                    await work();
                    _bar.Value = _bar.MaxValue;
                });
        }

        lock (_lock)
        {
            _sum = _sum with { Seconds = Math.Round(time.GetElapsedTime(_started).TotalSeconds, 2) };
        }

        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(_sum, IngestJson.Default.IngestSummary));
        }
        else
        {
            Console.Error.WriteLine(
                $"{_sum.Indexed} indexed ({_sum.Chunks} chunks), {_sum.Unchanged} unchanged, {(_sum.Removed > 0 ? $"{_sum.Removed} removed, " : "")}{_sum.Failed} failed, in {_sum.Seconds:0.0} s");
        }

        return _sum;
    }

    public void Moved(int seen, int done)
    {
        lock (_lock)
        {
            if (_bar is not null)
            {
                _bar.MaxValue = Math.Max(seen, 1);
                _bar.Value = done;
            }
            else if (!json && time.GetElapsedTime(_lastLine == 0 ? _started : _lastLine) > TimeSpan.FromSeconds(5))
            {
                _lastLine = time.GetTimestamp();
                Console.Error.WriteLine($"{done} of {seen} documents done");
            }
        }
    }

    public void Ended(IngestedDocument document)
    {
        lock (_lock)
        {
            _sum = document.Outcome switch
            {
                "indexed" => _sum with { Indexed = _sum.Indexed + 1, Chunks = _sum.Chunks + document.Chunks },
                "unchanged" => _sum with { Unchanged = _sum.Unchanged + 1 },
                "removed" => _sum with { Removed = _sum.Removed + 1 },
                _ => _sum with { Failed = _sum.Failed + 1 },
            };
            if (json)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(document, IngestJson.Default.IngestedDocument));
            }
            else if (document.Outcome == "failed")
            {
                var line = $"failed: {document.Name}: {document.Detail} ({document.Code})";
                if (_bar is null)
                {
                    Console.Error.WriteLine(line);
                }
                else
                {
                    _console.MarkupLineInterpolated($"[red]{line}[/]");
                }
            }
        }
    }
}
