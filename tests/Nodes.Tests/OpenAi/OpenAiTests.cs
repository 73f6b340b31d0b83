using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.OpenAi;

/// <summary>OpenAI's API as its clients use it.</summary>
public sealed class OpenAiTests(OpenNode node, TokenNode tokens, SmallNode scripted)
{
    [Fact]
    public async Task Models_are_listed()
    {
        using var caller = node.Caller();
        var models = (await caller.GetAsync("/v1/models")).Expect(HttpStatusCode.OK);
        ((string?)models["object"]).ShouldBe("list");
        models["data"]!.AsArray().Select(m => (string?)m!["id"]).ShouldContain("ragcluster");
        models["data"]!.AsArray().ShouldAllBe(m => (string?)m!["object"] == "model" && (string?)m["owned_by"] == "ragcluster");
    }

    [Fact]
    public async Task A_completion_is_answered_from_the_documents_with_citations()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("openai-1", "The bandicoot bonus is 17 crowns a month.");
        var completion = (await caller.PostAsync("/v1/chat/completions", Request("What is the bandicoot bonus?"))).Expect(HttpStatusCode.OK);
        ((string?)completion["object"]).ShouldBe("chat.completion");
        ((string?)completion["id"]).ShouldNotBeNull().ShouldStartWith("chatcmpl-");
        var choice = completion["choices"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)choice["message"]!["role"]).ShouldBe("assistant");
        ((string?)choice["message"]!["content"]).ShouldNotBeNull().ShouldContain("17 crowns");
        ((string?)choice["finish_reason"]).ShouldBe("stop");
        completion["citations"]!.AsArray().Select(c => (string?)c!["document"]).ShouldBe(["openai-1"]);
        ((int?)completion["usage"]!["total_tokens"]).ShouldBe((int)completion["usage"]!["prompt_tokens"]! + (int)completion["usage"]!["completion_tokens"]!);
    }

    [Fact]
    public async Task A_stream_of_chunks_says_the_same_and_ends_with_DONE()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("openai-2", "The potoroo premium is 19 crowns a month.");
        var whole = (await caller.PostAsync("/v1/chat/completions", Request("What is the potoroo premium?"))).Expect(HttpStatusCode.OK);
        var request = Request("What is the potoroo premium?");
        request["stream"] = true;
        request["stream_options"] = new JsonObject { ["include_usage"] = true };
        var reply = await caller.PostAsync("/v1/chat/completions", request);
        reply.Status.ShouldBe(HttpStatusCode.OK);
        reply.MediaType.ShouldBe("text/event-stream");
        var data = reply.Body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);
        data.ShouldAllBe(d => d.StartsWith("data: ", StringComparison.Ordinal));
        data[^1].ShouldBe("data: [DONE]");
        var chunks = data[..^1].Select(d => JsonNode.Parse(d[6..])!).ToList();
        chunks.ShouldAllBe(c => (string?)c["object"] == "chat.completion.chunk" && (string?)c["id"] == (string?)chunks[0]["id"]);
        ((string?)chunks[0]["choices"]![0]!["delta"]!["role"]).ShouldBe("assistant");
        string.Concat(chunks[..^1].Select(c => (string?)c["choices"]![0]!["delta"]?["content"])).Trim().ShouldBe(((string)whole["choices"]![0]!["message"]!["content"]!).Trim());
        ((string?)chunks[^2]["choices"]![0]!["finish_reason"]).ShouldBe("stop");
        chunks[^2]["citations"]!.AsArray().ShouldHaveSingleItem();
        chunks[^1]["choices"]!.AsArray().ShouldBeEmpty();
        ((int?)chunks[^1]["usage"]!["total_tokens"]).ShouldNotBeNull().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Earlier_turns_and_content_in_parts_are_understood()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("openai-3", "The kultarr policy costs 29 crowns a month. The kultarr policy ends at age 70.");
        var request = JsonNode.Parse("""
            {"model": "ragcluster", "messages": [
              {"role": "system", "content": "Be brief."},
              {"role": "user", "content": "What does the kultarr policy cost?"},
              {"role": "assistant", "content": "29 crowns a month."},
              {"role": "user", "content": [{"type": "text", "text": "At which age does the kultarr policy end?"}]}]}
            """)!;
        var completion = (await caller.PostAsync("/v1/chat/completions", request)).Expect(HttpStatusCode.OK);
        ((string?)completion["choices"]![0]!["message"]!["content"]).ShouldNotBeNull().ShouldContain("70");
    }

    [Fact]
    public async Task Embeddings_come_as_numbers_or_as_base64_of_the_same_numbers()
    {
        using var caller = node.Caller();
        var request = JsonNode.Parse("""{"model": "any", "input": ["life insurance", "term life policy", "life insurance"]}""")!;
        var floats = (await caller.PostAsync("/v1/embeddings", request)).Expect(HttpStatusCode.OK);
        var vectors = floats["data"]!.AsArray().Select(d => d!["embedding"]!.AsArray().Select(v => (float)v!).ToArray()).ToList();
        floats["data"]!.AsArray().Select(d => (int)d!["index"]!).ShouldBe([0, 1, 2]);
        vectors.Count.ShouldBe(3);
        vectors[2].ShouldBe(vectors[0]);
        vectors[1].ShouldNotBe(vectors[0]);
        vectors[0].Sum(v => v * v).ShouldBe(1f, 0.01f);

        request["encoding_format"] = "base64";
        var packed = (await caller.PostAsync("/v1/embeddings", request)).Expect(HttpStatusCode.OK);
        packed["data"]!.AsArray().Select(d => MemoryMarshal.Cast<byte, float>(Convert.FromBase64String((string)d!["embedding"]!)).ToArray()).ShouldBe(vectors);

        request["input"] = "one string";
        (await caller.PostAsync("/v1/embeddings", request)).Expect(HttpStatusCode.OK)["data"]!.AsArray().Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"messages": []}""")]
    [InlineData("/v1/chat/completions", """{"model": "ragcluster"}""")]
    [InlineData("/v1/chat/completions", """{"messages": [{"role": "system", "content": "only this"}]}""")]
    [InlineData("/v1/chat/completions", """{"messages": "hello"}""")]
    [InlineData("/v1/chat/completions", """{"messages": """)]
    [InlineData("/v1/chat/completions", "null")]
    [InlineData("/v1/chat/completions", """{"messages": [null]}""")]
    [InlineData("/v1/embeddings", "{}")]
    [InlineData("/v1/embeddings", """{"input": []}""")]
    [InlineData("/v1/embeddings", """{"input": [1, 2]}""")]
    [InlineData("/v1/embeddings", """{"input": "x", "encoding_format": "hex"}""")]
    public async Task A_bad_request_is_refused_in_OpenAIs_shape(string path, string body)
    {
        using var caller = node.Caller();
        var reply = await caller.SendAsync(HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"));
        ExpectError(reply, HttpStatusCode.BadRequest, "invalid_request_error");
    }

    [Fact]
    public async Task Other_errors_have_OpenAIs_shape_too()
    {
        using var stranger = tokens.Caller();
        ExpectError(await stranger.GetAsync("/v1/models"), HttpStatusCode.Unauthorized, "authentication_error");
        using var caller = node.Caller();
        ExpectError(await caller.GetAsync("/v1/none"), HttpStatusCode.NotFound, "invalid_request_error");
        ExpectError(await caller.GetAsync("/v1/embeddings"), HttpStatusCode.MethodNotAllowed, "invalid_request_error");
        ExpectError(await caller.SendAsync(HttpMethod.Post, "/v1/embeddings", new StringContent("x")), HttpStatusCode.UnsupportedMediaType, "invalid_request_error");
    }

    [Fact]
    public async Task A_model_that_fails_is_told_before_and_in_the_middle_of_a_stream()
    {
        using var caller = scripted.Caller();
        ExpectError(await caller.PostAsync("/v1/chat/completions", Request("Please break.")), HttpStatusCode.ServiceUnavailable, "server_error");
        var request = Request("Please break.");
        request["stream"] = true;
        var last = (await caller.PostAsync("/v1/chat/completions", request)).Body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
        ((string?)JsonNode.Parse(last["data: ".Length..])!["error"]!["message"]).ShouldNotBeNull().ShouldContain("The model is broken.");
    }

    private static void ExpectError(Reply reply, HttpStatusCode status, string type)
    {
        reply.Status.ShouldBe(status, reply.Body);
        reply.MediaType.ShouldBe("application/json");
        ((string?)reply.Json["error"]?["message"]).ShouldNotBeNullOrEmpty();
        ((string?)reply.Json["error"]!["type"]).ShouldBe(type);
    }

    private static JsonObject Request(string question) => new()
    {
        ["model"] = "ragcluster",
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }),
    };
}
