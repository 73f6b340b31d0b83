using System.Runtime.CompilerServices;
using RagCluster.Actors.Documents;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Catalog;

/// <summary>Tells watchers which documents have changed. A watcher that is behind gets each document's newest state once.</summary>
internal sealed class DocumentChanges
{
    /// <summary>A watcher that is this many documents behind has its stream ended; it lists anew and watches again.</summary>
    private const int MaxPending = 20_000;

    private readonly Lock _lock = new();
    private readonly HashSet<Watcher> _watchers = [];

    public void Publish(IReadOnlyList<(TenantId Tenant, DocumentRow Row)> changes)
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers)
            {
                watcher.Offer(changes);
            }
        }
    }

    /// <summary>Watches from the moment of the call, not of the first step.</summary>
    public IAsyncEnumerable<DocumentRow> Watch(Principal principal, CancellationToken cancellationToken)
    {
        var watcher = new Watcher(principal);
        lock (_lock)
        {
            _watchers.Add(watcher);
        }

        return ReadAsync(watcher, cancellationToken);
    }

    private async IAsyncEnumerable<DocumentRow> ReadAsync(Watcher watcher, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                foreach (var row in await watcher.TakeAsync(cancellationToken))
                {
                    yield return row;
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers.Remove(watcher);
            }
        }
    }

    private sealed class Watcher(Principal principal)
    {
        private readonly Lock _lock = new();
        private Dictionary<DocumentId, DocumentRow> _pending = [];
        private TaskCompletionSource _news = New();
        private bool _overrun;

        public void Offer(IReadOnlyList<(TenantId Tenant, DocumentRow Row)> changes)
        {
            lock (_lock)
            {
                foreach (var (tenant, row) in changes)
                {
                    if (tenant == principal.Tenant && DocumentService.MaySee(principal, row.Readers))
                    {
                        _pending[row.Id] = row;
                    }
                }

                _overrun |= _pending.Count > MaxPending;
                if (_pending.Count > 0)
                {
                    _news.TrySetResult();
                }
            }
        }

        public async ValueTask<IReadOnlyCollection<DocumentRow>> TakeAsync(CancellationToken cancellationToken)
        {
            await _news.Task.OrCancelled(cancellationToken);
            lock (_lock)
            {
                if (_overrun)
                {
                    throw new EntityUnavailableException($"The watcher is more than {MaxPending} documents behind; list them and watch again.");
                }

                var taken = _pending;
                _pending = [];
                _news = New();
                return taken.Values;
            }
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
