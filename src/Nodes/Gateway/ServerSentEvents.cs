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
    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    public async Task ExecuteAsync(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";

        // A stream never ends by itself: a node that stops ends it, and its client goes on from the last id elsewhere.
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var aborted = ending.Token;
        var enumerator = events.GetAsyncEnumerator(aborted);
        Task<bool>? next = null;
        try
        {
            await response.StartAsync(aborted);
            await response.Body.FlushAsync(aborted);
            while (true)
            {
                next = enumerator.MoveNextAsync().AsTask();
                while (!next.IsCompleted)
                {
                    try
                    {
                        await next.WaitAsync(s_heartbeat, time, aborted);
                    }
                    catch (TimeoutException) when (!next.IsCompleted)
                    {
                        await WriteAsync(response, ": still here\n\n", aborted);
                    }
                }

                if (!await next)
                {
                    return;
                }

                await WriteAsync(response, Format(enumerator.Current), aborted);
            }
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // The client left or the node stops; the client comes back with Last-Event-ID.
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

    private static async ValueTask WriteAsync(HttpResponse response, string text, CancellationToken cancellationToken)
    {
        await response.WriteAsync(text, Encoding.UTF8, cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
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
