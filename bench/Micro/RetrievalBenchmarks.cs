using BenchmarkDotNet.Attributes;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Bench.Micro;

/// <summary>A partition of ten thousand chunks with words of a Zipf distribution and random vectors; everything from a fixed seed.</summary>
[MemoryDiagnoser]
public class RetrievalBenchmarks
{
    private const int Chunks = 10_000;
    private const int Dimensions = 384;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"ragcluster-bench-{Environment.ProcessId}");
    private ChunksIndexed[] _documents = [];
    private string[] _queries = [];
    private Embedding[] _vectors = [];
    private PartitionIndex _index = new();
    private SegmentManifest? _manifest;
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        var corpus = new ZipfCorpus(seed: 7);
        _documents = [.. Enumerable.Range(0, Chunks).Select(i => corpus.Document(i, Dimensions))];
        _queries = [.. Enumerable.Range(0, 64).Select(_ => corpus.Text(8))];
        _vectors = [.. Enumerable.Range(0, 64).Select(_ => corpus.Vector(Dimensions))];
        _index = Indexed();
        _manifest = _index.Save(_folder);
    }

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(_folder, recursive: true);

    [Benchmark]
    public int Analyze()
    {
        var count = 0;
        var tokens = Analyzer.English.Analyze(_documents[_next++ % Chunks].Chunks[0].Text);
        while (tokens.MoveNext())
        {
            count++;
        }

        return count;
    }

    [Benchmark]
    public PartitionIndex Indexed()
    {
        var index = new PartitionIndex();
        foreach (var document in _documents)
        {
            index.Apply(document);
        }

        return index;
    }

    [Benchmark]
    public PassagesFound Lexical() => Find(_queries[_next++ % 64], null);

    [Benchmark]
    public PassagesFound Vectors() => Find("", _vectors[_next++ % 64]);

    [Benchmark]
    public PassagesFound Hybrid() => Find(_queries[_next % 64], _vectors[_next++ % 64]);

    [Benchmark]
    public PartitionIndex Open() => PartitionIndex.Open(_folder, _manifest!);

    private PassagesFound Find(string query, Embedding? vector)
    {
        var reader = _index.Reader;
        return reader.Find(query, vector, reader.Statistics(query), RoleSet.Empty, SearchFilter.None, 10);
    }
}
