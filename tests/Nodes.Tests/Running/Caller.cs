using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.TestKit;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>Somebody who uses a node over HTTP, knowing nothing of how it is made.</summary>
public sealed class Caller : IDisposable
{
    private readonly string? _token;
    private readonly string? _roles;

    public Caller(Uri url, string? token = null, string? roles = null)
    {
        (Url, _token, _roles) = (url, token, roles);
        Http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
        {
            Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (roles is not null)
        {
            Http.DefaultRequestHeaders.Add("X-RagCluster-Roles", roles);
        }
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task<Reply> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Reply.ReadAsync(await Http.SendAsync(request, Cancellation), Cancellation);
    }

    public Task<Reply> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public Task<Reply> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public Task<Reply> PostAsync(string path, JsonNode body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, JsonContent.Create(body), headers);

    public Task<Reply> PutAsync(string path, JsonNode body) => SendAsync(HttpMethod.Put, path, JsonContent.Create(body));

    /// <summary>Hands in a text as a document.</summary>
    public Task<Reply> PutDocumentAsync(string id, string text, string? name = null, string? readers = null) =>
        PutDocumentAsync(id, Encoding.UTF8.GetBytes(text), name ?? id + ".txt", readers);

    public Task<Reply> PutDocumentAsync(string id, byte[] content, string name, string? readers = null)
    {
        var body = new ByteArrayContent(content);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return SendAsync(HttpMethod.Put, $"/api/v1/documents/{Uri.EscapeDataString(id)}?name={Uri.EscapeDataString(name)}{(readers is null ? "" : "&readers=" + Uri.EscapeDataString(readers))}", body);
    }

    /// <summary>Hands in a text and waits until it can be found.</summary>
    public async Task<JsonNode> IndexAsync(string id, string text, string? name = null, string? readers = null)
    {
        var taken = (await PutDocumentAsync(id, text, name, readers)).Expect(HttpStatusCode.Accepted);
        return await EndAsync(id, "indexed", (int)taken["version"]!);
    }

    /// <summary>Waits until a document is in a state.</summary>
    public async Task<JsonNode> EndAsync(string id, string status, int version = 1)
    {
        JsonNode row = new JsonObject();
        try
        {
            await Retry.Until($"document {id} is {status}", async () =>
            {
                var reply = await GetAsync($"/api/v1/documents/{Uri.EscapeDataString(id)}");
                row = reply.Json;
                return reply.Status == HttpStatusCode.OK && (string?)row["status"] == status && (int?)row["version"] >= version;
            });
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} It is: {row.ToJsonString()}", e);
        }

        return row;
    }

    /// <summary>The ids of the documents that a search finds, best first.</summary>
    public async Task<IReadOnlyList<string>> SearchAsync(string query, string parameters = "") =>
        [.. (await PassagesAsync(query, parameters)).Select(p => (string)p!["document"]!)];

    public async Task<JsonArray> PassagesAsync(string query, string parameters = "") =>
        (await GetAsync($"/api/v1/search?mode=lexical&k=200&q={Uri.EscapeDataString(query)}{parameters}")).Expect(HttpStatusCode.OK)["passages"]!.AsArray();

    /// <summary>Every document that the caller may see, page by page.</summary>
    public async Task<IReadOnlyList<JsonNode>> ListAsync(string parameters = "", int limit = 500)
    {
        var rows = new List<JsonNode>();
        string? after = null;
        do
        {
            var page = (await GetAsync($"/api/v1/documents?limit={limit}{parameters}{(after is null ? "" : "&after=" + Uri.EscapeDataString(after))}")).Expect(HttpStatusCode.OK);
            page["documents"]!.AsArray().Count.ShouldBeLessThanOrEqualTo(limit);
            rows.AddRange(page["documents"]!.AsArray().Select(d => d!));
            after = (string?)page["next"];
        }
        while (after is not null);
        return rows;
    }

    public Task<Chat> ChatAsync() => Chat.OpenAsync(Url, _token, _roles);

    public Task<EventStream> FollowAsync(string path, params (string Name, string Value)[] headers) => EventStream.OpenAsync(Http, path, headers);

    public void Dispose() => Http.Dispose();
}
