using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>A node with a transport on loopback, and what it hears.</summary>
internal sealed class TcpNode : ITransportHandler, IAsyncDisposable
{
    public const string Secret = "a secret of some length";

    private TcpNode(string name, long incarnation, TcpTransportOptions options, IRuntime? runtime)
    {
        Log = new Lines();
        Transport = new TcpTransport(options, runtime ?? SystemRuntime.Instance, Log);
        Peer = new Peer(new NodeIncarnation(name, incarnation), Transport.Address);
    }

    public TcpTransport Transport { get; }

    public Peer Peer { get; }

    public Lines Log { get; }

    public ConcurrentQueue<string> Received { get; } = [];

    public ConcurrentQueue<Peer> Lost { get; } = [];

    /// <summary>Instead of keeping messages as text.</summary>
    public Func<Peer, ReadOnlySequence<byte>, CancellationToken, ValueTask>? OnMessage { get; set; }

    public Action? OnLost { get; set; }

    public static async Task<TcpNode> StartAsync(string name, Func<TcpTransportOptions, TcpTransportOptions>? change = null, long incarnation = 1, IRuntime? runtime = null)
    {
        var options = new TcpTransportOptions { Cluster = "docs", Address = "127.0.0.1:0", Secret = Secret };
        var node = new TcpNode(name, incarnation, change?.Invoke(options) ?? options, runtime);
        await node.Transport.StartAsync(node.Peer.Node, node);
        return node;
    }

    public Task SendAsync(TcpNode to, string text) => SendAsync(to.Peer, text);

    public async Task SendAsync(Peer to, string text)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await Transport.SendAsync(to, new Message(Encoding.UTF8.GetBytes(text)), patience.Token);
    }

    public Task Until(string what, Func<bool> holds) => Retry.Until($"{Peer.Node}: {what}", holds);

    public ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken)
    {
        if (OnMessage is { } handle)
        {
            return handle(from, message, cancellationToken);
        }

        Received.Enqueue(Encoding.UTF8.GetString(message));
        return default;
    }

    public void LinkLost(Peer peer, Exception? reason)
    {
        Lost.Enqueue(peer);
        OnLost?.Invoke();
    }

    public ValueTask DisposeAsync() => Transport.DisposeAsync();

    internal sealed class Lines : ILogger<TcpTransport>
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Warning)
            {
                Warnings.Enqueue(formatter(state, exception));
            }
        }
    }
}
