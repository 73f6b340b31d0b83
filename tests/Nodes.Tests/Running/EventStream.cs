using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>An open stream of server-sent events.</summary>
public sealed class EventStream : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly IAsyncEnumerator<SseItem<string>> _items;
    private readonly CancellationTokenSource _limit;

    private EventStream(HttpResponseMessage response, IAsyncEnumerator<SseItem<string>> items, CancellationTokenSource limit) =>
        (_response, _items, _limit) = (response, items, limit);

    public static async Task<EventStream> OpenAsync(HttpClient http, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TestKit.Retry.Patience);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await response.Content.ReadAsStringAsync(limit.Token), null, response.StatusCode);
        }

        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var items = SseParser.Create(await response.Content.ReadAsStreamAsync(limit.Token)).EnumerateAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        return new EventStream(response, items, limit);
    }

    /// <summary>The next event; null at the stream's end.</summary>
    public async Task<(string? Id, string Event, JsonNode Data)?> NextAsync() =>
        await _items.MoveNextAsync() ? (_items.Current.EventId, _items.Current.EventType, JsonNode.Parse(_items.Current.Data)!) : null;

    /// <summary>Reads up to and with the first event for which this holds.</summary>
    public async Task<IReadOnlyList<(string? Id, string Event, JsonNode Data)>> UntilAsync(Func<JsonNode, bool> last)
    {
        var read = new List<(string?, string, JsonNode)>();
        while (await NextAsync() is { } e)
        {
            read.Add(e);
            if (last(e.Data))
            {
                return read;
            }
        }

        throw new InvalidOperationException($"The stream ended after {read.Count} events, before the one that was waited for.");
    }

    public async ValueTask DisposeAsync()
    {
        await _limit.CancelAsync();
        _response.Dispose();
        try
        {
            await _items.DisposeAsync();
        }
        catch (OperationCanceledException)
        {
            // Cut off by us.
        }

        _limit.Dispose();
    }
}
