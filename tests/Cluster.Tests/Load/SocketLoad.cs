using System.Globalization;
using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>
/// People who chat over WebSocket, each in a conversation of their own: they ask when the answer before has ended, and
/// every few answers, or when a connection ends, they go on at another node after the last number they saw.
/// </summary>
internal sealed class SocketLoad(RealCluster cluster, Balancer balancer, TimeSpan think) : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenSource _streamsOver = new();
    private readonly List<Chatter> _chatters = [];
    private readonly List<Task> _running = [];

    public IEnumerable<SeenStream> Seen => _chatters.Select(chatter => chatter.Seen);

    /// <summary>How often somebody went on at another node than the last.</summary>
    public int Resumes => _chatters.Sum(chatter => chatter.Resumes);

    public int Answers => _chatters.Sum(chatter => chatter.Answers);

    public void Start(int chatters)
    {
        for (var n = 0; n < chatters; n++)
        {
            var tenant = string.Create(CultureInfo.InvariantCulture, $"t{n % 2}");
            var chatter = new Chatter(cluster, balancer, tenant, string.Create(CultureInfo.InvariantCulture, $"chatter-{tenant}-{n / 2}"), think, _over.Token);
            _chatters.Add(chatter);
            _running.Add(Task.Run(() => chatter.RunAsync(_streamsOver.Token)));
        }
    }

    /// <summary>Until everybody has had an answer and has gone on at another node.</summary>
    public Task UnderWayAsync() =>
        Retry.Until("everybody who chats has answers from two nodes", () => _chatters.All(chatter => chatter is { Answers: > 0, Resumes: > 0 }), s_patience);

    /// <summary>Nobody asks anything new, and what was asked is known to have been accepted or not.</summary>
    public async Task StopAsync()
    {
        await _over.CancelAsync();
        await Retry.Until("everybody who chats knows what became of their last question", () => !_chatters.Any(chatter => chatter.IsAsking), s_patience);
    }

    public async Task DrainAsync(IReadOnlyDictionary<string, long> ends)
    {
        for (var tries = 0; tries < 600 && Seen.Any(seen => seen.Last < ends.GetValueOrDefault(seen.Conversation)); tries++)
        {
            await Task.Delay(100);
        }

        await _streamsOver.CancelAsync();
        await Task.WhenAll(_running).WaitAsync(TimeSpan.FromMinutes(1));
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _streamsOver.CancelAsync();
        try
        {
            await Task.WhenAll(_running).WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            // The test has failed already, and says why.
        }
    }
}
