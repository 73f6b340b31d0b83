using System.Reflection;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Isolation;

/// <summary>How documents are parsed in worker processes.</summary>
public sealed record IsolationOptions
{
    /// <summary>The program that a worker runs. It must call <see cref="ParseWorker.RunAsync(IReadOnlyList{string}, CancellationToken)"/> with what follows <see cref="Arguments"/>.</summary>
    public required string Executable { get; init; }

    /// <summary>What comes before the worker's own arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>How many workers run at once; documents beyond that wait.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>How many documents a worker parses before it is replaced: what a parser leaks ends with its worker.</summary>
    public int DocumentsPerWorker { get; init; } = 200;

    /// <summary>How long a worker may take beyond <see cref="ParserLimits.Time"/>, to start and to answer, before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The formats that are parsed in workers; the others are parsed in this process. Null isolates every format.</summary>
    public IReadOnlySet<string>? Formats { get; init; } = new HashSet<string> { MediaTypes.Pdf, MediaTypes.Docx };

    /// <summary>Workers that run the program of this very process, with <paramref name="verb"/> as its first argument.</summary>
    public static IsolationOptions ThisProgram(string verb = "parse-worker")
    {
        var path = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown, so that it cannot be started again as a parse worker.");
        // "dotnet program.dll" is the host's path; an own executable is its own.
        var entry = Assembly.GetEntryAssembly()?.Location;
        var hosted = Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrEmpty(entry);
        return new IsolationOptions { Executable = path, Arguments = hosted ? [entry!, verb] : [verb] };
    }
}
