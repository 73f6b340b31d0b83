using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport.Frames;

namespace RagCluster.Kernel.Transport.Links;

/// <summary>A connection that a peer opened: its messages go to the handler one by one, and heartbeats go back.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A token source without a timer holds nothing, and its token is used until the last handler has returned.")]
internal sealed class InboundLink(TcpTransport transport, Peer peer, Connection connection, InboundLink? former)
{
    private static readonly byte[] s_heartbeat = [(byte)FrameKind.Heartbeat, 0, 0, 0];

    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private InboundLink? _former = former;
    private int _closed;
    private long _messages;
    private long _bytes;

    /// <summary>When the wait for the next bytes began; 0 while there is something to do.</summary>
    private long _waitingSince;
    private Task _lastHeartbeat = Task.CompletedTask;

    public Peer Peer => peer;

    /// <summary>Ends when the handler is at work on no message of this link, and will be on none.</summary>
    public Task Ended => _ended.Task;

    public LinkStatus Describe() =>
        new(peer, Outbound: false, Connected: Volatile.Read(ref _closed) == 0, 0, 0, 0, Volatile.Read(ref _messages), Volatile.Read(ref _bytes), 0);

    public async Task RunAsync()
    {
        using var frames = new FrameReader(transport.Options.MaxMessageBytes);
        try
        {
            if (_former is { } former)
            {
                // What came by the former link comes first.
                await former.Ended;
                _former = null;
            }

            await ReadAsync(frames);
        }
        catch (WireFormatException e)
        {
            Close(new IOException($"It broke the protocol: {e.Message}.", e));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Close(e);
        }
        catch (Exception e)
        {
            TransportLog.Defect(transport.Log, e);
            Close(e);
        }
        finally
        {
            await connection.Reader.CompleteAsync();
            _ended.SetResult();
            transport.Remove(this);
        }
    }

    /// <summary>Called every heartbeat interval.</summary>
    /// <param name="lenient">The process itself stood still: what was not heard meanwhile says nothing.</param>
    public void Sweep(bool lenient)
    {
        var since = Volatile.Read(ref _waitingSince);
        if (lenient && since != 0)
        {
            Interlocked.CompareExchange(ref _waitingSince, transport.Runtime.Time.GetTimestamp(), since);
        }
        else if (since != 0 && transport.Runtime.Time.GetElapsedTime(since) > transport.Options.DetectionTime)
        {
            Close(new TimeoutException($"No sign of {peer} for {transport.Options.DetectionTime.TotalSeconds:0.#} s."));
            return;
        }

        // A peer that does not read its heartbeats has none outstanding but this one.
        if (_lastHeartbeat.IsCompleted && Volatile.Read(ref _closed) == 0)
        {
            _lastHeartbeat = BeatAsync();
        }
    }

    public void Close(Exception reason)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        connection.Dispose();
        TransportMetrics.LinksIn.Add(-1);
        TransportMetrics.LinksLost.Add(1);
        TransportLog.InboundLost(transport.Log, peer, reason.Message);
        try
        {
            _closing.Cancel();
        }
        catch (AggregateException e)
        {
            TransportLog.HandlerFailed(transport.Log, e, peer);
        }

        transport.TellLost(peer, reason);
    }

    private async Task ReadAsync(FrameReader frames)
    {
        var reader = connection.Reader;
        var time = transport.Runtime.Time;
        while (Volatile.Read(ref _closed) == 0)
        {
            Volatile.Write(ref _waitingSince, time.GetTimestamp());
            var read = await reader.ReadAsync();
            Volatile.Write(ref _waitingSince, 0);
            var buffer = read.Buffer;
            var before = buffer.Length;
            while (frames.TryRead(ref buffer, out var frame))
            {
                if (frame.Kind == FrameKind.Message)
                {
                    Volatile.Write(ref _messages, _messages + 1);
                    var handled = HandleAsync(frame.Payload);
                    if (!handled.IsCompletedSuccessfully && !await handled)
                    {
                        return;
                    }
                }
                else if (frame.Kind == FrameKind.Goodbye)
                {
                    Close(new IOException($"{peer} closed the link: {Encoding.UTF8.GetString(frame.Payload)}"));
                    return;
                }

                if (Volatile.Read(ref _closed) != 0)
                {
                    return;
                }
            }

            Volatile.Write(ref _bytes, _bytes + before - buffer.Length);
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                Close(new IOException(buffer.IsEmpty ? $"{peer} closed the connection." : $"{peer} closed the connection in the middle of a message."));
            }
        }
    }

    private ValueTask<bool> HandleAsync(ReadOnlySequence<byte> message)
    {
        ValueTask handled;
        try
        {
            handled = transport.Handler.ReceiveAsync(peer, message, _closing.Token);
        }
        catch (Exception e)
        {
            handled = ValueTask.FromException(e);
        }

        if (!handled.IsCompletedSuccessfully)
        {
            return FinishAsync(handled);
        }

        // Even of a finished one the result is taken: what is behind it may be pooled.
        handled.GetAwaiter().GetResult();
        return new ValueTask<bool>(true);
    }

    private async ValueTask<bool> FinishAsync(ValueTask handling)
    {
        try
        {
            await handling;
            return true;
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            TransportLog.HandlerFailed(transport.Log, e, peer);
            Close(new InvalidOperationException($"The handler of a message from {peer} failed.", e));
            return false;
        }
    }

    private async Task BeatAsync()
    {
        try
        {
            await connection.Stream.WriteAsync(s_heartbeat);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Close(e);
        }
    }
}
