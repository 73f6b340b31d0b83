using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Http;

/// <summary>The OpenAPI document says what there is: all of it.</summary>
public sealed partial class OpenApiTests(OpenNode node)
{
    [Fact]
    public async Task It_lists_every_route_of_the_API_and_nothing_else()
    {
        using var caller = node.Caller();
        var document = (await caller.GetAsync("/openapi/v1.json")).Expect(HttpStatusCode.OK);
        ((string?)document["openapi"]).ShouldNotBeNull().ShouldStartWith("3.");
        ((string?)document["info"]!["title"]).ShouldBe("RagCluster");
        var listed = document["paths"]!.AsObject()
            .SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {Normal(p.Key)}"))
            .Order(StringComparer.Ordinal);

        // The page's files, the document itself and the WebSocket, which OpenAPI cannot describe, are no operations.
        var served = node.Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText is { } path && (path.StartsWith("/api/", StringComparison.Ordinal) || path.StartsWith("/v1/", StringComparison.Ordinal)) && path != "/api/v1/ws")
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => $"{m} {Normal(e.RoutePattern.RawText!)}"))
            .Order(StringComparer.Ordinal);
        listed.ShouldBe(served);
        listed.Count().ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task Every_operation_has_a_summary_and_answers()
    {
        using var caller = node.Caller();
        var document = (await caller.GetAsync("/openapi/v1.json")).Expect(HttpStatusCode.OK);
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                ((string?)operation!["summary"]).ShouldNotBeNullOrEmpty($"{method} {path}");
                operation["responses"]!.AsObject().Count.ShouldBeGreaterThan(0, $"{method} {path}");
            }
        }
    }

    [Fact]
    public async Task The_search_names_its_parameters()
    {
        using var caller = node.Caller();
        var document = (await caller.GetAsync("/openapi/v1.json")).Expect(HttpStatusCode.OK);
        var parameters = document["paths"]!["/api/v1/search"]!["get"]!["parameters"]!.AsArray();
        parameters.Select(p => (string?)p!["name"]).ShouldBe(["q", "syntax", "k", "mode", "document", "facet", "explain", "expand", "diversity", "byDocument"]);
    }

    private static string Normal(string path) => Constraint().Replace(path.TrimEnd('/'), "}");

    [GeneratedRegex(@":\w+\}")]
    private static partial Regex Constraint();
}
