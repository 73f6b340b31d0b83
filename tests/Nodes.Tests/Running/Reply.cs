using System.Net;
using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>What a node answered, read to its end.</summary>
public sealed record Reply(HttpStatusCode Status, string? MediaType, string Body, HttpResponseMessage Message)
{
    public JsonNode Json => JsonNode.Parse(Body) ?? throw new InvalidOperationException($"The body is null JSON: {Body}");

    public static async Task<Reply> ReadAsync(HttpResponseMessage message, CancellationToken cancellationToken)
    {
        using (message)
        {
            return new Reply(message.StatusCode, message.Content.Headers.ContentType?.MediaType, await message.Content.ReadAsStringAsync(cancellationToken), message);
        }
    }

    /// <summary>The body, after a check of the status that shows the body where it is another.</summary>
    public JsonNode Expect(HttpStatusCode status)
    {
        Status.ShouldBe(status, Body);
        return Body.Length == 0 ? new JsonObject() : Json;
    }

    /// <summary>Checks that it is a problem of RFC 9457 with this status and code.</summary>
    public JsonNode ExpectProblem(HttpStatusCode status, string code)
    {
        Status.ShouldBe(status, Body);
        MediaType.ShouldBe("application/problem+json");
        ((int?)Json["status"]).ShouldBe((int)status);
        ((string?)Json["code"]).ShouldBe(code);
        ((string?)Json["type"]).ShouldBe($"urn:ragcluster:problem:{code}");
        ((string?)Json["title"]).ShouldNotBeNullOrEmpty();
        ((string?)Json["detail"]).ShouldNotBeNullOrEmpty();
        return Json;
    }
}
