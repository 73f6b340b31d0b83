using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using RagCluster.Nodes.Page;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>
/// The page's real files over an API that answers by script, so that a test can hold an answer in its middle, break the
/// connection there, or bring a document into any state.
/// </summary>
internal sealed class ScriptedNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedNode(WebApplication app, TimeProvider time)
    {
        _app = app;
        Documents = new ScriptedDocuments(time);
        Conversations = new ScriptedConversations(new Script(Documents), time);
        Sockets = new ScriptedSockets(Conversations);
        Library.Fill(Documents, time);
    }

    public ScriptedDocuments Documents { get; }

    public ScriptedConversations Conversations { get; }

    public ScriptedSockets Sockets { get; }

    /// <summary>The token that the node asks for; null for an open node.</summary>
    public string? Token { get; set; }

    public string Address { get; private set; } = "";

    /// <param name="configure">Middleware that goes before the API and the page.</param>
    public static async Task<ScriptedNode> StartAsync(Action<WebApplication>? configure = null, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        var node = new ScriptedNode(app, TimeProvider.System);
        app.UseWebSockets();
        configure?.Invoke(app);
        node.Map();
        app.MapPage();
        await app.StartAsync();
        node.Address = app.Urls.Single();
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        Sockets.Drop();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }

    private void Map()
    {
        _app.Map("/api/v1/ws", Sockets.AcceptAsync);
        var api = _app.MapGroup("/api/v1").AddEndpointFilter(async (call, next) =>
            Token is null || call.HttpContext.Request.Headers.Authorization == $"Bearer {Token}"
                ? await next(call)
                : Problem(401, "unauthorized", "This node asks for an access token."));
        api.MapGet("/me", () => new { tenant = "default", user = "ada", roles = new[] { "admin", "adviser", "customer", "underwriter" }, open = Token is null });
        MapDocuments(api);
        MapConversations(api);
        api.MapGet("/search", (string q) => Search(q));
    }

    private void MapDocuments(RouteGroupBuilder api)
    {
        api.MapGet("/documents", (string? q, string? status, [FromHeader(Name = "X-RagCluster-Roles")] string? role) => new
        {
            documents = Documents.All.Where(row => role is null || row.Readers.Length == 0 || row.Readers.Contains(role)).Where(row => (string.IsNullOrEmpty(status) || row.Status == status) && (string.IsNullOrEmpty(q) || row.Title.Contains(q, StringComparison.OrdinalIgnoreCase))).ToList(),
            next = (string?)null,
        });
        api.MapPost("/documents", async (HttpRequest request) =>
        {
            var form = await request.ReadFormAsync();
            var file = form.Files["file"]!;
            using var content = new MemoryStream();
            await file.CopyToAsync(content);
            if (content.Length == 0)
            {
                return Problem(422, "empty", "The file is empty. Choose another one.");
            }

            var row = Documents.Receive(file.FileName, content.ToArray(), form["readers"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries));
            return Results.Json(new { documents = new[] { new { row.Id, row.Version, row.Status, changed = true } } }, statusCode: 202);
        });
        api.MapGet("/documents/{id}", (string id) => Documents.Find(id) is { } row ? Results.Json(row) : NotFound());
        api.MapDelete("/documents/{id}", (string id) =>
        {
            Documents.Remove(id);
            return Results.Accepted();
        });
        api.MapPost("/documents/{id}/retry", (string id) =>
        {
            Documents.Put(Documents.Find(id)! with { Status = "received", Name = "repaired.pdf", FailureCode = null, FailureDetail = null, RetryAt = null });
            _ = Documents.ProcessAsync(id);
            return Results.Accepted();
        });
        api.MapPut("/documents/{id}/access", (string id, JsonObject body) =>
        {
            Documents.Put(Documents.Find(id)! with { Readers = [.. body["readers"]!.AsArray().Select(role => (string)role!)] });
            return Results.Accepted();
        });
        api.MapGet("/documents/{id}/versions/{version:int}/text", (string id, int version) =>
            Documents.Find(id) is { } row && row.Version == version ? Results.Json(new { title = row.Title, text = row.Text }) : NotFound());
        api.MapGet("/events", (HttpContext context) => Documents.StreamAsync(context));
    }

    private void MapConversations(RouteGroupBuilder api)
    {
        api.MapGet("/conversations", () => new
        {
            conversations = Conversations.All.Select(conversation => new { id = conversation.Id, title = conversation.Title, startedAt = conversation.StartedAt, changedAt = conversation.StartedAt, questions = 1 }),
        });
        api.MapGet("/conversations/{id}", (string id) => Conversations.Find(id) is { } found ? Results.Text(ScriptedConversations.View(found).ToJsonString(), "application/json") : NotFound());
        api.MapPatch("/conversations/{id}", (string id, JsonObject body) =>
        {
            Conversations.Find(id)!.Title = (string)body["title"]!;
            return Results.NoContent();
        });
        api.MapPost("/conversations/{id}/feedback", (string id, JsonObject body) =>
        {
            Conversations.Feedback.Enqueue(body);
            Conversations.Find(id)!.Append("feedback", (string)body["question"]!, ("rating", (string?)body["rating"]), ("citation", (int?)body["citation"]));
            return Results.NoContent();
        });
    }

    private object Search(string q)
    {
        var words = q.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new
        {
            query = q,
            tookMs = 3.2,
            passages = Documents.All.Where(row => row.Status == "indexed").SelectMany(row => Passages(row, words)).Take(20),
        };
    }

    private static IEnumerable<object> Passages(DocumentRow row, string[] words)
    {
        var at = 0;
        foreach (var (text, ordinal) in row.Text.Split("\n\n").Select((text, ordinal) => (text, ordinal)))
        {
            var start = at;
            at += text.Length + 2;
            var hits = words.Select(word => (Word: word, At: text.IndexOf(word, StringComparison.OrdinalIgnoreCase))).Where(hit => hit.At >= 0).ToList();
            if (hits.Count > 0 && hits.Count == words.Length)
            {
                yield return new
                {
                    document = row.Id, version = row.Version, ordinal, start, end = start + text.Length, page = row.Pages is null ? (int?)null : 7,
                    title = row.Title, headings = new[] { "Section 7", "Your right to change your mind" }, text, score = 1.0 / (1 + ordinal),
                    highlights = hits.Select(hit => new { start = hit.At, end = hit.At + hit.Word.Length }),
                };
            }
        }
    }

    private static IResult NotFound() => Problem(404, "not-found", "There is no such thing, or not for you.");

    private static IResult Problem(int status, string code, string detail) =>
        Results.Problem(detail, statusCode: status, title: code, extensions: new Dictionary<string, object?> { ["code"] = code });
}
