using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Tests.Pipeline;

/// <summary>Yields numbered items, from wherever the last reading was settled to.</summary>
internal sealed class ScriptedSource(int count, Func<int, string> uri) : IDocumentSource
{
    private int _yielded;

    public ConcurrentQueue<(SourceItem Item, Settlement Settlement)> Told { get; } = new();

    /// <summary>How many were asked for.</summary>
    public int Yielded => Volatile.Read(ref _yielded);

    /// <summary>Throws once when this many were yielded; 0 never does.</summary>
    public int FailAt { get; set; }

    public static SourceDocument Document(string uri, int n) => new(
        uri, $"{n}", null, 1, RoleSet.Empty, new Dictionary<string, string>(), _ => ValueTask.FromResult<Stream>(new MemoryStream([65])));

    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (_yielded < count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (FailAt > 0 && _yielded == FailAt)
            {
                FailAt = 0;
                throw new IOException("The line is cut.");
            }

            var n = Interlocked.Increment(ref _yielded) - 1;
            yield return n % 10 == 9 ? new SourceProblem(uri(n), $"{n}", "corrupt", "Damaged.") : Document(uri(n), n);
            await Task.Yield();
        }
    }

    public void Settled(SourceItem item, Settlement settlement) => Told.Enqueue((item, settlement));
}

/// <summary>Takes what it is given when the gate is open, and remembers in which order.</summary>
internal sealed class ScriptedSink : IDocumentSink
{
    private readonly ConcurrentDictionary<string, int> _attempts = new();
    private int _now;

    public ConcurrentQueue<SourceItem> Taken { get; } = new();

    public TaskCompletionSource Gate { get; set; } = Open();

    public int Most { get; private set; }

    /// <summary>What happens at the given attempt (from 1) of an item; null takes it.</summary>
    public Func<SourceItem, int, Exception?> Fault { get; set; } = (_, _) => null;

    public static TaskCompletionSource Open()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gate.SetResult();
        return gate;
    }

    public int Attempts(string uri) => _attempts.GetValueOrDefault(uri);

    public async ValueTask<Settlement> TakeAsync(TenantId tenant, SourceItem item, CancellationToken cancellationToken)
    {
        lock (_attempts)
        {
            Most = Math.Max(Most, ++_now);
        }

        try
        {
            await Gate.Task.WaitAsync(cancellationToken);
            if (Fault(item, _attempts.AddOrUpdate(item.Uri, 1, (_, before) => before + 1)) is { } fault)
            {
                throw fault;
            }

            Taken.Enqueue(item);
            return Settlement.Durable;
        }
        finally
        {
            lock (_attempts)
            {
                _now--;
            }
        }
    }
}
