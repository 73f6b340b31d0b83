using System.Text;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport.Frames;

namespace RagCluster.Kernel.Transport.Links;

/// <content>The life of the connection: it is made, written to, listened to, lost.</content>
internal sealed partial class OutboundLink
{
    /// <summary>Called every heartbeat interval.</summary>
    /// <param name="lenient">The process itself stood still: what was not heard meanwhile says nothing.</param>
    public void Sweep(bool lenient)
    {
        Connection? silent = null;
        Wakeup? wake = null;
        lock (_lock)
        {
            if (_state != State.Up)
            {
                return;
            }

            if (lenient)
            {
                _heardAt = Time.GetTimestamp();
            }

            if (Time.GetElapsedTime(_heardAt) > Options.DetectionTime)
            {
                silent = _connection;
            }
            else if (_queue.IsEmpty && _queue.OrdinaryBytes == 0)
            {
                if (_messagesSent == _messagesAtSweep && _writerSleeps)
                {
                    _queue.Trim();
                }

                _messagesAtSweep = _messagesSent;
                _queue.AppendHeartbeat();
                wake = TakeSleep();
            }
        }

        wake?.Signal();

        if (silent is not null)
        {
            Lose(silent, new TimeoutException($"No sign of {Peer} for {Options.DetectionTime.TotalSeconds:0.#} s."));
        }
    }

    /// <summary>No more links to this peer.</summary>
    public void Close(Exception reason)
    {
        Connection? connection;
        lock (_lock)
        {
            connection = _state == State.Up ? _connection : null;
            _finishing = true;
            if (connection is null)
            {
                Shut(reason.Message);
            }
        }

        if (connection is not null)
        {
            Lose(connection, reason);
        }
    }

    /// <summary>Lets what is queued leave, says goodbye and waits for the other end to have read it; not longer than the token allows.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        Task ended;
        Wakeup? wake;
        lock (_lock)
        {
            _finishing = true;
            if (_state != State.Up)
            {
                Shut("This node closes its transport.");
                return;
            }

            _ordinary.Fail("This node closes its transport.", null, Peer);
            _bulk.Fail("This node closes its transport.", null, Peer);
            wake = TakeSleep();
            ended = _ended.Task;
        }

        wake?.Signal();

        try
        {
            await ended.OrCancelled(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // What is left is lost, as the contract allows.
        }

        Close(new IOException("This node closed its transport."));
    }

    private async Task ConnectAsync()
    {
        Connection connection;
        try
        {
            connection = await _transport.OpenAsync(Peer);
        }
        catch (IOException e)
        {
            Failed(e.Message);
            return;
        }
        catch (Exception e)
        {
            TransportLog.Defect(_transport.Log, e);
            Failed(e.Message);
            return;
        }

        lock (_lock)
        {
            if (_state != State.Connecting || _finishing)
            {
                connection.Dispose();
                Shut("The link was closed.");
                return;
            }

            _connection = connection;
            _state = State.Up;
            _failures = 0;
            _upAt = _heardAt = Time.GetTimestamp();
            _writerSleeps = false;
            _wakeup = new Wakeup();
            _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Admit();
        }

        TransportMetrics.LinksOut.Add(1);
        TransportLog.OutboundUp(_transport.Log, Peer);
        _ = ListenAsync(connection);
        await WriteAsync(connection);
    }

    private void Failed(string why)
    {
        TransportMetrics.ConnectFailures.Add(1);
        if (_transport.Limit.MaySay($"out {Peer}", out var leftOut))
        {
            TransportLog.NoLink(_transport.Log, Peer, why, leftOut);
        }

        lock (_lock)
        {
            _failures++;
            _lastFailure = why;
            if (_state == State.Connecting)
            {
                _state = State.Idle;
            }

            _notBefore = Time.GetTimestamp() + (long)(_backoff.Next().TotalSeconds * Time.TimestampFrequency);
            FailWaiters(why, null);
        }
    }

    private void Admit()
    {
        Admit(_ordinary, WireLane.Ordinary);
        Admit(_bulk, WireLane.Bulk);
    }

    private void Admit(Waiters waiters, WireLane lane)
    {
        while (waiters.Count > 0 && HasRoom(lane) && waiters.TryTake(out var waiter))
        {
            _queue.Append(waiter.Message.Span, lane);
            _messagesSent++;
            waiter.Taken.TrySetResult();
        }
    }

    private void FailWaiters(string why, Exception? reason)
    {
        _ordinary.Fail(why, reason, Peer);
        _bulk.Fail(why, reason, Peer);
    }

    private async Task WriteAsync(Connection connection)
    {
        try
        {
            while (true)
            {
                ReadOnlyMemory<byte> bytes;
                var wakeup = _wakeup;
                var finished = false;
                lock (_lock)
                {
                    if (_connection != connection)
                    {
                        return;
                    }

                    bytes = _queue.Take();
                    if (bytes.IsEmpty)
                    {
                        finished = _finishing;
                        if (!finished)
                        {
                            wakeup.Reset();
                            _writerSleeps = true;
                        }
                    }
                }

                if (finished)
                {
                    await FinishWritingAsync(connection);
                    return;
                }

                if (bytes.IsEmpty)
                {
                    await wakeup.SleepAsync();
                    continue;
                }

                await connection.Stream.WriteAsync(bytes);
                Volatile.Write(ref _bytesSent, _bytesSent + bytes.Length);
                lock (_lock)
                {
                    if (_connection != connection)
                    {
                        return;
                    }

                    _queue.Written();
                    if (_ordinary.Count + _bulk.Count > 0)
                    {
                        Admit();
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Lose(connection, e);
        }
    }

    private static async Task FinishWritingAsync(Connection connection)
    {
        var last = new SendQueue(maxMessageBytes: 0);
        last.AppendGoodbye("The node closed its transport.");
        await connection.Stream.WriteAsync(last.Take());
        last.Release();
        connection.FinishWriting();
    }

    /// <summary>Hears the other end's heartbeats, and its goodbye.</summary>
    private async Task ListenAsync(Connection connection)
    {
        using var frames = new FrameReader(maxMessageBytes: 0);
        try
        {
            while (true)
            {
                var read = await connection.Reader.ReadAsync();
                var buffer = read.Buffer;
                while (frames.TryRead(ref buffer, out var frame))
                {
                    if (frame.Kind != FrameKind.Heartbeat)
                    {
                        throw frame.Kind == FrameKind.Goodbye
                            ? new IOException($"The other end closed the link: {Encoding.UTF8.GetString(frame.Payload)}")
                            : new WireFormatException("a message against the direction of the link");
                    }
                }

                connection.Reader.AdvanceTo(buffer.Start, buffer.End);
                lock (_lock)
                {
                    _heardAt = Time.GetTimestamp();
                }

                if (read.IsCompleted)
                {
                    throw new IOException("The other end closed the connection.");
                }
            }
        }
        catch (WireFormatException e)
        {
            Lose(connection, new IOException($"The other end broke the protocol: {e.Message}.", e));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Lose(connection, e);
        }
        finally
        {
            await connection.Reader.CompleteAsync();
        }
    }

    private void Lose(Connection connection, Exception reason)
    {
        bool finishing;
        Wakeup? wake;
        lock (_lock)
        {
            if (_connection != connection)
            {
                return;
            }

            _connection = null;
            _state = State.Losing;
            finishing = _finishing;
            wake = TakeSleep();
            // The writer may still be reading from the old one's buffers, which is why they are left to the collector.
            _queue = new SendQueue(Options.MaxMessageBytes);
            FailWaiters(reason.Message, reason);
        }

        connection.Dispose();
        wake?.Signal();

        TransportMetrics.LinksOut.Add(-1);
        TransportMetrics.LinksLost.Add(1);
        TransportLog.OutboundLost(_transport.Log, Peer, reason.Message);
        _transport.TellLost(Peer, reason);
        lock (_lock)
        {
            if (finishing || _finishing)
            {
                _state = State.Closed;
            }
            else
            {
                // One that stood for a while is made anew at once; one that is lost over and over waits longer and longer.
                _lastFailure = reason.Message;
                _state = State.Idle;
                if (Time.GetElapsedTime(_upAt) > Options.DetectionTime)
                {
                    _backoff.Reset();
                    (_failures, _notBefore) = (0, 0);
                }
                else
                {
                    _failures++;
                    _notBefore = Time.GetTimestamp() + (long)(_backoff.Next().TotalSeconds * Time.TimestampFrequency);
                }

                // Whoever has come in the meantime waits for a link that nobody makes yet.
                if (_ordinary.Count + _bulk.Count > 0 && !ConnectIfIdle(out var refusal))
                {
                    FailWaiters(refusal!.Message, reason);
                }
            }
        }

        _ended.TrySetResult();
    }

    private void Shut(string why)
    {
        _state = State.Closed;
        FailWaiters(why, null);
        _queue.Release();
    }
}
