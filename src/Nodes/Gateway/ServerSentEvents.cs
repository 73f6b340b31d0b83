using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace RagCluster.Nodes.Gateway;

/// <summary>
/// Writes a stream of server-sent events (WHATWG HTML, section 9.2). A comment goes out when nothing else did for a
/// while, so that proxies keep the connection and a dead client is noticed.
/// </summary>
internal sealed class ServerSentEvents<T>(IAsyncEnumerable<ServerSentEvent<T>> events, JsonTypeInfo<T> type, TimeProvider time) : IResult
{
    /// <summary>Events that are there at once go out together, up to so many characters.</summary>
    private const int MaxTogether = 32 << 10;

    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>How soon a client comes back to another node when this one ends its streams.</summary>
    private const string Retry = "retry: 500\n\n";

    public async Task ExecuteAsync(HttpContext context)
    {
        var response = context.Response;
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        if (stopping.IsCancellationRequested)
        {
            response.Headers.RetryAfter = "1";
            await Problems.Unavailable(Chat.ChatEndpoints.Stopping).ExecuteAsync(context);
            return;
        }

        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";

        // A stream never ends by itself: a node that stops ends it, and its client goes on from the last id elsewhere.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var aborted = ending.Token;
        var enumerator = events.GetAsyncEnumerator(aborted);
        Task<bool>? next = null;
        try
        {
            var together = 0;
            await response.StartAsync(aborted);
            await response.Body.FlushAsync(aborted);
            while (true)
            {
                next = enumerator.MoveNextAsync().AsTask();
                if (together > MaxTogether || (together > 0 && !next.IsCompletedSuccessfully))
                {
                    await response.BodyWriter.FlushAsync(aborted);
                    together = 0;
                }

                while (!next.IsCompleted)
                {
                    try
                    {
                        await next.WaitAsync(s_heartbeat, time, aborted);
                    }
                    catch (TimeoutException) when (!next.IsCompleted)
                    {
                        await response.WriteAsync(": still here\n\n", Encoding.UTF8, aborted);
                    }
                }

                if (!await next)
                {
                    return;
                }

                var text = Format(enumerator.Current);
                together += text.Length;
                Encoding.UTF8.GetBytes(text, response.BodyWriter);
            }
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // The client left, or the node stops; then the client comes back with Last-Event-ID.
            if (!context.RequestAborted.IsCancellationRequested)
            {
                await response.WriteAsync(Retry, Encoding.UTF8, context.RequestAborted);
            }
        }
        finally
        {
            if (next is { IsCompleted: false })
            {
                // The enumerator may be disposed only between two steps; cancelling ends this one.
                await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            await enumerator.DisposeAsync();
        }
    }

    private string Format(ServerSentEvent<T> e)
    {
        var text = new StringBuilder();
        if (e.Id is not null)
        {
            text.Append("id: ").Append(e.Id).Append('\n');
        }

        if (e.Event is not null)
        {
            text.Append("event: ").Append(e.Event).Append('\n');
        }

        return text.Append("data: ").Append(JsonSerializer.Serialize(e.Data, type)).Append("\n\n").ToString();
    }
}

/// <param name="Id">What a client sends back as Last-Event-ID to go on after this one.</param>
/// <param name="Event">The event's name; null is "message".</param>
internal readonly record struct ServerSentEvent<T>(string? Id, string? Event, T Data);
