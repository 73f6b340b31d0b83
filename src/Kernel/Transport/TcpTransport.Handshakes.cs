using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport.Frames;
using RagCluster.Kernel.Transport.Handshakes;
using RagCluster.Kernel.Transport.Links;

namespace RagCluster.Kernel.Transport;

/// <content>How connections begin, on both sides.</content>
public sealed partial class TcpTransport
{
    private readonly LinkedList<Pending> _pending = new();

    /// <summary>Who is at an address, as far as it can prove to be of this cluster.</summary>
    /// <exception cref="PeerUnreachableException">Nobody, or somebody else; the message says why.</exception>
    public async ValueTask<NodeIncarnation> IdentifyAsync(string address, CancellationToken cancellationToken = default)
    {
        if (_terms is null || !HostPort.TryParse(address, out var there))
        {
            throw new PeerUnreachableException(_terms is null ? "This node's transport is not open." : $"\"{address}\" is no address.");
        }

        var handshake = new OpenerHandshake(_terms, wanted: null, Proofs.Nonce());
        try
        {
            (await DialAsync(there, handshake, cancellationToken)).Dispose();
            return handshake.Found;
        }
        catch (IOException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PeerUnreachableException($"{address} cannot be reached: {e.Message}", e);
        }
    }

    /// <summary>A connection to the peer that has shown that it is the peer.</summary>
    /// <exception cref="IOException">There is none to be had; the message says why.</exception>
    internal Task<Connection> OpenAsync(Peer peer) =>
        DialAsync(HostPort.Parse(peer.Address), new OpenerHandshake(_terms!, peer.Node, Proofs.Nonce()), CancellationToken.None);

    private async Task<Connection> DialAsync(HostPort address, OpenerHandshake handshake, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Options.ConnectTimeout, Runtime.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _closing.Token, cancellationToken);
        Connection? connection = null;
        string? problem = null;
        try
        {
            connection = await Connection.OpenAsync(address, either.Token);
            if (_tls is not null)
            {
                await connection.EncryptAsync(_tls.ForOpening(address.Host, text => problem = text), either.Token);
            }

            await connection.Stream.WriteAsync(handshake.Hello, either.Token);
            await TalkAsync(connection, handshake.Receive, either.Token);
            return connection;
        }
        catch (Exception e)
        {
            connection?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException(WhyNot(e, problem, timeout.IsCancellationRequested, "its log says why, if it is one of ours"), e);
        }
    }

    private static string WhyNot(Exception e, string? problem, bool late, string hint) => e switch
    {
        _ when problem is not null => $"{problem}.",
        OperationCanceledException => late ? "it did not finish the handshake in time." : "this node closes its transport.",
        HandshakeException => e.Message,
        WireFormatException => $"it sent {e.Message}.",
        AuthenticationException => $"the TLS handshake failed: {(e.InnerException ?? e).Message}",
        EndOfStreamException => $"it closed the connection during the handshake; {hint}.",
        _ => e.Message,
    };

    /// <summary>Exchanges handshake messages until one side is content.</summary>
    private static async Task TalkAsync(
        Connection connection, Func<HandshakeMessage, ReadOnlySequence<byte>, HandshakeStep> receive, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (message, bytes) = await ReadAsync(connection.Reader, cancellationToken);
            var step = receive(message, bytes);
            if (step.Send is { } send)
            {
                await connection.Stream.WriteAsync(send, cancellationToken);
            }

            if (step.Done)
            {
                return;
            }
        }
    }

    /// <exception cref="EndOfStreamException">The other end closed.</exception>
    private static async Task<(HandshakeMessage Message, ReadOnlySequence<byte> Bytes)> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            if (HandshakeMessage.TryRead(ref buffer, out var message, out var bytes))
            {
                var copy = new ReadOnlySequence<byte>(bytes.ToArray());
                reader.AdvanceTo(buffer.Start);
                return (message, copy);
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                throw new EndOfStreamException();
            }
        }
    }

    private async Task AcceptAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Welcome(await _listener.AcceptAsync(_closing.Token));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (IOException e)
            {
                // Too many files open, most likely: what waits in the backlog waits on.
                if (Limit.MaySay("accept", out var leftOut))
                {
                    TransportLog.AcceptFailed(Log, e.Message, leftOut);
                }

                try
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), Runtime.Time, _closing.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    private void Welcome(Connection connection)
    {
        var pending = new Pending(connection);
        Pending? oldest = null;
        lock (_lock)
        {
            _pending.AddLast(pending.Place);
            if (_pending.Count > Options.MaxPendingHandshakes)
            {
                oldest = _pending.First!.Value;
                _pending.RemoveFirst();
            }
        }

        if (oldest is not null)
        {
            oldest.Problem = "it was the slowest of too many that have not shown who they are";
            oldest.Connection.Dispose();
        }

        _ = Runtime.Run(() => WelcomeAsync(pending));
    }

    private async Task WelcomeAsync(Pending pending)
    {
        var connection = pending.Connection;
        using var timeout = new CancellationTokenSource(Options.ConnectTimeout, Runtime.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _closing.Token);
        var handshake = new AccepterHandshake(_terms!, Proofs.Nonce(), peer => Admit(peer, connection));
        try
        {
            if (_tls is not null)
            {
                await connection.EncryptAsync(_tls.ForAccepting(text => pending.Problem = text), either.Token);
            }

            await TalkAsync(connection, handshake.Receive, either.Token);
            if (handshake.Wanted is null)
            {
                connection.Dispose();
            }
            else
            {
                Enter(handshake.Opener!.Value, connection);
            }
        }
        catch (Exception e)
        {
            await RefuseAsync(e, pending, handshake, timeout.IsCancellationRequested);
        }
        finally
        {
            lock (_lock)
            {
                if (pending.Place.List is not null)
                {
                    _pending.Remove(pending.Place);
                }
            }
        }
    }

    private (RefusalCode Code, string Text)? Admit(Peer peer, Connection connection)
    {
        if (!HostPort.TryParse(peer.Address, out var address))
        {
            return (RefusalCode.Malformed, "its address is none.");
        }

        if (_tls is not null && !TlsIdentity.Names(connection.RemoteCertificate, address.Host))
        {
            return (RefusalCode.Authentication, $"its certificate is not for {(address.Host.Length > 60 ? address.Host[..60] : address.Host)}.");
        }

        lock (_lock)
        {
            return IsDead(peer.Node) ? (RefusalCode.Dead, "this incarnation is held for dead.")
                : peer.Address == Address ? (RefusalCode.OwnAddress, $"{Address} is this node's own address.")
                : _inbound.Count >= Options.MaxLinks && !_inbound.ContainsKey(peer) ? (RefusalCode.TooManyLinks, $"it has {Options.MaxLinks} links already.")
                : null;
        }
    }

    private void Enter(Peer peer, Connection connection)
    {
        InboundLink? former;
        InboundLink link;
        lock (_lock)
        {
            if (_closed || IsDead(peer.Node))
            {
                connection.Dispose();
                return;
            }

            former = _inbound.GetValueOrDefault(peer);
            link = new InboundLink(this, peer, connection, former);
            _inbound[peer] = link;
            _entered.Add(link);
        }

        former?.Close(new IOException($"{peer} opened a new link."));
        TransportMetrics.LinksIn.Add(1);
        TransportLog.InboundUp(Log, peer);
        _ = link.RunAsync();
    }

    private async Task RefuseAsync(Exception reason, Pending pending, AccepterHandshake handshake, bool late)
    {
        var code = reason switch
        {
            HandshakeException e => e.Code,
            AuthenticationException => RefusalCode.Authentication,
            _ => RefusalCode.Malformed,
        };
        TransportMetrics.HandshakeFailures.Add(1, TransportMetrics.Reason(code));
        var remote = pending.Connection.Remote;
        if (!_closing.IsCancellationRequested && Limit.MaySay($"in {remote} {code}", out var leftOut))
        {
            var who = handshake.Opener is { } opener ? $"{remote}, which says it is {opener}" : remote;
            TransportLog.Refused(Log, who, WhyNot(reason, pending.Problem, late, "perhaps a port scan"), leftOut);
        }

        try
        {
            // A foreign peer gets no answer; one of ours learns why.
            if (reason is HandshakeException refusal)
            {
                using var timeout = new CancellationTokenSource(Options.HeartbeatInterval, Runtime.Time);
                await pending.Connection.Stream.WriteAsync(AccepterHandshake.Refusal(refusal.Code, refusal.Message), timeout.Token);
                pending.Connection.FinishWriting();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // It does not want to know.
        }

        pending.Connection.Dispose();
    }

    /// <summary>A connection that has not yet shown who it is.</summary>
    private sealed class Pending
    {
        public Pending(Connection connection) => (Connection, Place) = (connection, new LinkedListNode<Pending>(this));

        public Connection Connection { get; }

        public LinkedListNode<Pending> Place { get; }

        public string? Problem { get; set; }
    }
}
