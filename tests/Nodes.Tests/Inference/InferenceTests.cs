using System.Net;
using RagCluster.Configuration.Options;
using RagCluster.InferenceStandIn;
using RagCluster.Nodes.Tests.Http;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;

[assembly: AssemblyFixture(typeof(RagCluster.Nodes.Tests.Inference.InferenceNode))]

namespace RagCluster.Nodes.Tests.Inference;

/// <summary>A node with two model servers for answers and one for vectors, and a tenant that may use little.</summary>
public sealed class InferenceNode : RunningNode
{
    public StandInServer First { get; private set; } = null!;

    public StandInServer Second { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        First = await StandInServer.StartAsync(new Behaviour { Models = ["m"], Dimensions = 16 });
        Second = await StandInServer.StartAsync(new Behaviour { Models = ["other"], Dimensions = 16 });
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await First.DisposeAsync();
        await Second.DisposeAsync();
    }

    protected override RagClusterOptions Configure(RagClusterOptions options) => options with
    {
        Inference = new InferenceOptions
        {
            Embedding = new EmbeddingOptions { Provider = InferenceProvider.OpenAI, Url = First.Url + "/v1", Model = "m" },
            Generation = new GenerationOptions
            {
                Provider = InferenceProvider.OpenAI,
                Model = "m",
                Endpoints = [new EndpointItemOptions { Name = "first", Url = First.Url + "/v1", Gpu = "gpu-1/0" }, new EndpointItemOptions { Name = "second", Url = Second.Url + "/v1" }],
            },
            Fairness = new InferenceFairnessOptions { Tenants = [new TenantShareOptions { Name = "poor", TokensPerMinute = 1 }] },
        },
        Security = new SecurityOptions { Tokens = [Token("rich"), Token("poor")] },
    };

    private static TokenOptions Token(string tenant) => new()
    {
        Name = tenant,
        TokenHash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(tenant))),
        Tenant = tenant,
        User = "ann",
        Roles = ["admin"],
    };
}

public sealed class InferenceTests(InferenceNode node)
{
    [Fact]
    public async Task The_management_port_tells_of_each_endpoint_and_what_is_wrong_with_it()
    {
        using var management = new Caller(node.ManagementUrl);
        await Retry.Until("the endpoints were looked at", async () =>
        {
            var endpoints = (await management.GetAsync("/inference")).Json["endpoints"]!.AsArray();
            endpoints.Count.ShouldBe(3);
            var first = endpoints.Single(e => (string?)e!["name"] == "first")!;
            var second = endpoints.Single(e => (string?)e!["name"] == "second")!;
            return (string?)first["gpu"] == "gpu-1/0" && (string?)first["state"] == "up" && first["reason"] is null
                && (string?)second["reason"] is { } reason && reason.Contains("does not offer the model \"m\"; it has \"other\"", StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Metrics_and_health_tell_of_the_endpoints_and_of_tokens_by_tenant()
    {
        using var rich = node.Caller("rich");
        (await rich.PostAsync("/v1/embeddings", new System.Text.Json.Nodes.JsonObject { ["input"] = "counted" })).Status.ShouldBe(HttpStatusCode.OK);
        using var management = new Caller(node.ManagementUrl);
        var page = await management.GetAsync("/metrics", ("Accept", "application/openmetrics-text"));
        page.Status.ShouldBe(HttpStatusCode.OK, page.Body);
        var samples = OpenMetrics.Parse(page.Body);
        samples.ShouldContain(s => s.Name == "ragcluster_inference_endpoint_window" && s.Labels.Any(l => l.Value == "first") && s.Value == 8);
        samples.ShouldContain(s => s.Name == "ragcluster_inference_tokens_total" && s.Labels.Any(l => l.Value == "rich") && s.Value > 0);
        samples.ShouldContain(s => s.Name == "ragcluster_inference_calls_total" && s.Labels.Any(l => l.Value == "ok") && s.Value > 0);
        await Retry.Until("health knows the inference", async () => (await management.GetAsync("/health")).Body.Contains("\"inference\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_operator_drains_and_resumes_an_endpoint()
    {
        using var management = new Caller(node.ManagementUrl);
        (await management.SendAsync(HttpMethod.Put, "/inference/endpoints/second?operation=drain")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await StateAsync(management, "second")).ShouldBe("drained");
        (await management.SendAsync(HttpMethod.Put, "/inference/endpoints/second?operation=resume")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await StateAsync(management, "second")).ShouldNotBe("drained");
        (await management.SendAsync(HttpMethod.Put, "/inference/endpoints/nobody?operation=drain")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await management.SendAsync(HttpMethod.Put, "/inference/endpoints/second?operation=kill")).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_tenant_without_tokens_left_is_told_before_its_question_is_accepted_and_the_others_are_not()
    {
        using var poor = node.Caller("poor");
        using var rich = node.Caller("rich");

        // A query costs the one token that there is, and more.
        await poor.PostAsync("/v1/embeddings", new System.Text.Json.Nodes.JsonObject { ["input"] = "how long is the grace period of the policy" });
        var refused = await poor.PostAsync("/v1/embeddings", new System.Text.Json.Nodes.JsonObject { ["input"] = "again" });
        refused.Status.ShouldBe(HttpStatusCode.TooManyRequests, refused.Body);
        refused.Message.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        (await rich.PostAsync("/v1/embeddings", new System.Text.Json.Nodes.JsonObject { ["input"] = "again" })).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_command_models_tells_what_answers_and_what_each_has()
    {
        var folder = Directory.CreateTempSubdirectory("ragcluster-models-").FullName;
        string[] where = ["models", "--data", folder, "-D", $"ragcluster.inference.embedding={{provider=openai,url=\"{node.First.Url}/v1\",model=m}}"];
        var found = (await Ragcluster.RunAsync([.. where, "--json"])).Expect(0);
        var endpoints = System.Text.Json.Nodes.JsonNode.Parse(found.Output)!["endpoints"]!.AsArray();
        endpoints.Select(e => (string?)e!["name"]).ShouldBe(["embedding-1", "generation-1"]);
        endpoints.ShouldAllBe(e => (bool)e!["ready"]!);

        var missing = (await Ragcluster.RunAsync([.. where, "-D", $"ragcluster.inference.generation={{provider=ollama,url=\"{node.Second.Url}\",model=m}}"])).Expect(1);
        missing.Output.ShouldContain("does not offer \"m\": ragcluster models pull");
        missing.Output.ShouldContain("other");
        var gone = (await Ragcluster.RunAsync([.. where, "-D", "ragcluster.inference.generation={provider=openai,url=\"http://127.0.0.1:1/v1\",model=m}"])).Expect(1);
        gone.Output.ShouldContain("does not answer");
        gone.Output.ShouldContain("cannot be reached");
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<string?> StateAsync(Caller management, string name) =>
        (string?)(await management.GetAsync("/inference")).Json["endpoints"]!.AsArray().Single(e => (string?)e!["name"] == name)!["state"];
}
