using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>A document as the API shows it.</summary>
internal sealed record DocumentRow(string Id, string Name, string Title, string Status)
{
    public string MediaType { get; init; } = "text/plain";
    public int Version { get; init; } = 1;
    public long Bytes { get; init; }
    public int Chunks { get; init; }
    public int? Pages { get; init; }
    public string[] Readers { get; init; } = [];
    public string? FailureCode { get; init; }
    public string? FailureDetail { get; init; }
    public DateTimeOffset? RetryAt { get; init; }
    public DateTimeOffset ReceivedAt { get; init; }
    public DateTimeOffset ChangedAt { get; init; }

    [JsonIgnore]
    public string Text { get; init; } = "";
}

/// <summary>The documents of the scripted node. An upload goes through the real node's steps, one gate before each.</summary>
internal sealed class ScriptedDocuments(TimeProvider time)
{
    private static readonly string[] Steps = ["parsed", "chunked", "embedded", "indexed"];

    private readonly ConcurrentDictionary<string, DocumentRow> _rows = new();

    /// <summary>Closed, it holds every upload before its next step.</summary>
    public Gate Step { get; } = new();

    public Feed<DocumentRow> Changes { get; } = new();

    public IEnumerable<DocumentRow> All => _rows.Values.OrderByDescending(row => row.ReceivedAt).ThenBy(row => row.Id, StringComparer.Ordinal);

    public DocumentRow? Find(string id) => _rows.GetValueOrDefault(id);

    public void Put(DocumentRow row)
    {
        var now = time.GetUtcNow();
        row = row with { ReceivedAt = row.ReceivedAt == default ? now : row.ReceivedAt, ChangedAt = row.ChangedAt == default ? now : row.ChangedAt };
        _rows[row.Id] = row;
        Changes.Append(_ => row);
    }

    public void Remove(string id)
    {
        if (_rows.TryRemove(id, out var row))
        {
            Changes.Append(_ => row with { Status = "removed" });
        }
    }

    public DocumentRow Receive(string name, byte[] content, string[] readers)
    {
        var row = new DocumentRow($"doc-{Guid.NewGuid():n}", name, name, "received")
        {
            Bytes = content.Length,
            Readers = readers,
            Text = System.Text.Encoding.UTF8.GetString(content),
        };
        Put(row);
        _ = ProcessAsync(row.Id);
        return row;
    }

    public async Task ProcessAsync(string id)
    {
        foreach (var step in Steps)
        {
            await Step.WaitAsync(CancellationToken.None);
            if (Find(id) is not { } row)
            {
                return;
            }

            if (row.Name.Contains("encrypted", StringComparison.Ordinal) && step == "parsed")
            {
                Put(row with { Status = "failed", FailureCode = "encrypted", FailureDetail = "The file is protected by a password. Remove the password and upload it again.", ChangedAt = default });
                return;
            }

            Put(row with { Status = step, Chunks = step == "parsed" ? 0 : 1 + (row.Text.Length / 400), FailureCode = null, FailureDetail = null, ChangedAt = default });
        }
    }

    public async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync(context.RequestAborted);
        await foreach (var row in Changes.SubscribeAsync(Changes.Log.Count, context.RequestAborted))
        {
            await context.Response.WriteAsync($"event: document\ndata: {JsonSerializer.Serialize(row, JsonSerializerOptions.Web)}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}
