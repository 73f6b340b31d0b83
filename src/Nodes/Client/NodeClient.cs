using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using RagCluster.Actors.Catalog;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Gateway;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Client;

/// <summary>The node refused a request; the message is the node's own, for a person.</summary>
public sealed class NodeRefusedException(int status, string code, string message) : Exception(message)
{
    public int Status => status;

    /// <summary>The problem's stable code.</summary>
    public string Code => code;

    /// <summary>How long the node asks to wait before trying again.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Talks to a node over its API: what the command line does, any program can do.</summary>
/// <remarks>Methods throw <see cref="NodeRefusedException"/> for what the node refuses and <see cref="HttpRequestException"/> where it cannot be reached.</remarks>
internal sealed class NodeClient : IDisposable
{
    private readonly HttpClient _http;

    public NodeClient(Uri url, string? token, string? roles)
    {
        Url = url;
        Token = token;
        Roles = roles;
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        if (token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (roles is not null)
        {
            _http.DefaultRequestHeaders.Add(Authentication.RolesHeader, roles);
        }
    }

    public Uri Url { get; }

    public string? Token { get; }

    public string? Roles { get; }

    public Task<MeBody> MeAsync(CancellationToken cancellationToken) => GetAsync("/api/v1/me", GatewayJson.Default.MeBody, cancellationToken);

    /// <param name="more">Further parameters, as they are named in the address.</param>
    public Task<SearchBody> SearchAsync(
        string query, int k, string mode, CancellationToken cancellationToken, IEnumerable<KeyValuePair<string, string>>? more = null)
    {
        var parameters = string.Concat((more ?? []).Select(p => $"&{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}"));
        return GetAsync(
            $"/api/v1/search?q={Uri.EscapeDataString(query)}&k={k}&mode={Uri.EscapeDataString(mode)}{parameters}", GatewayJson.Default.SearchBody, cancellationToken);
    }

    /// <summary>Asks a question and waits for the end of its answer.</summary>
    public async Task<AnswerBody> AskAsync(ConversationId conversation, QuestionId question, string text, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Post,
            $"/api/v1/conversations/{Uri.EscapeDataString(conversation.Value)}/messages",
            JsonContent.Create(new MessageBody(question, text, null, true), GatewayJson.Default.MessageBody),
            cancellationToken);
        return await ReadAsync(response, GatewayJson.Default.AnswerBody, cancellationToken);
    }

    /// <summary>Hands a document over; it is durable when this returns.</summary>
    public async Task<DocumentAcceptedBody> PutDocumentAsync(
        DocumentId id, string name, string source, string? mediaType, RoleSet readers, IReadOnlyDictionary<string, string> metadata, Stream content, CancellationToken cancellationToken)
    {
        var query = $"?name={Uri.EscapeDataString(name)}&source={Uri.EscapeDataString(source)}&readers={Uri.EscapeDataString(readers.ToString())}";
        query += string.Concat(metadata.Select(m => $"&meta.{Uri.EscapeDataString(m.Key)}={Uri.EscapeDataString(m.Value)}"));
        var body = new StreamContent(content);
        body.Headers.TryAddWithoutValidation("Content-Type", mediaType ?? "application/octet-stream");
        using var response = await SendAsync(HttpMethod.Put, $"/api/v1/documents/{Uri.EscapeDataString(id.Value)}{query}", body, cancellationToken);
        return await ReadAsync(response, GatewayJson.Default.DocumentAcceptedBody, cancellationToken);
    }

    public Task<DocumentRow> GetDocumentAsync(DocumentId id, CancellationToken cancellationToken) =>
        GetAsync($"/api/v1/documents/{Uri.EscapeDataString(id.Value)}", GatewayJson.Default.DocumentRow, cancellationToken);

    public async Task DeleteDocumentAsync(DocumentId id, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Delete, $"/api/v1/documents/{Uri.EscapeDataString(id.Value)}", null, cancellationToken);
    }

    public Task<DocumentPage> ListDocumentsAsync(DocumentStatus? status, string? after, CancellationToken cancellationToken) =>
        GetAsync(
            $"/api/v1/documents?limit=500{(status is null ? "" : $"&status={status}")}{(after is null ? "" : $"&after={Uri.EscapeDataString(after)}")}",
            GatewayJson.Default.DocumentPage,
            cancellationToken);

    /// <summary>Documents as they change, from now on. The connection is established when the first item is asked for.</summary>
    /// <param name="connected">Called once the node has begun to send.</param>
    public async IAsyncEnumerable<DocumentRow> WatchDocumentsAsync(Action connected, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        using var response = await CheckAsync(await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        connected();
        var parser = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize(data, GatewayJson.Default.DocumentRow)!);
        await foreach (var item in parser.EnumerateAsync(cancellationToken))
        {
            yield return item.Data;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        return await ReadAsync(response, type, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        return await CheckAsync(await _http.SendAsync(request, cancellationToken), cancellationToken);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync(type, cancellationToken)
        ?? throw new NodeRefusedException((int)response.StatusCode, "bad-response", "The node answered with nothing. Is it a RagCluster node?");

    private static async Task<HttpResponseMessage> CheckAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var (code, detail) = ("failed", $"The node answered {(int)response.StatusCode} {response.ReasonPhrase}.");
            if (response.Content.Headers.ContentType?.MediaType == Problems.ContentType
                && await response.Content.ReadFromJsonAsync(GatewayJson.Default.ProblemDetails, cancellationToken) is { Detail: { } text } problem)
            {
                detail = text;
                code = problem.Extensions.TryGetValue("code", out var value) ? value?.ToString() ?? code : code;
            }

            throw new NodeRefusedException((int)response.StatusCode, code, detail) { RetryAfter = response.Headers.RetryAfter?.Delta };
        }
    }
}
