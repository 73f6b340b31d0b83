using RagCluster.Configuration.Options;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Tests.Evaluation;

/// <summary>A folder to evaluate, and a data folder beside it; both go at the end.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly string _root = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"ragcluster-eval-{Guid.NewGuid():N}");

    public TestFolder(params (string Name, string[] Lines)[] files)
    {
        Directory.CreateDirectory(Path);
        foreach (var (name, lines) in files)
        {
            Write(name, lines);
        }
    }

    public string Path => System.IO.Path.Combine(_root, "set");

    public string Data => System.IO.Path.Combine(_root, "data");

    public string Write(string name, params string[] lines)
    {
        var file = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllLines(file, lines);
        return file;
    }

    public Task<EvaluationNode> StartAsync() => EvaluationNode.StartAsync(new RagClusterOptions(), Data, TestContext.Current.CancellationToken);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
