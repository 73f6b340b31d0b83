using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Management;

/// <summary>The routes and shapes that scripts for Akka and Pekko Management use, and what is wrong told clearly.</summary>
public sealed class RouteTests(OpenNode node) : IDisposable
{
    private readonly Caller _management = new(node.ManagementUrl);

    [Theory]
    [InlineData("/cluster/members")]
    [InlineData("/cluster/members/")]
    public async Task Members_are_as_Pekko_shows_them(string path)
    {
        var members = (await _management.GetAsync(path)).Expect(HttpStatusCode.OK);
        var self = (string)members["selfNode"]!;
        self.ShouldStartWith("ragcluster://ragcluster@");
        members.AsObject().Select(field => field.Key).ShouldBe(["selfNode", "members", "unreachable", "leader", "oldest", "oldestPerRole"], ignoreOrder: true);
        var member = members["members"]!.AsArray().ShouldHaveSingleItem()!;
        member.AsObject().Select(field => field.Key).ShouldBe(["node", "nodeUid", "status", "roles"], ignoreOrder: true);
        ((string?)member["node"]).ShouldBe(self);
        ((string?)member["nodeUid"]).ShouldNotBeNull().ShouldAllBe(c => char.IsDigit(c));
        ((string?)member["status"]).ShouldBe("Up");
        members["unreachable"]!.AsArray().ShouldBeEmpty();
        ((string?)members["oldestPerRole"]!["documents"]).ShouldBe(self);

        // Addressed as Pekko's users do, with and without the protocol, and by the node's name.
        foreach (var address in new[] { self, self["ragcluster://".Length..], "node-1" })
        {
            ((string?)(await _management.GetAsync($"/cluster/members/{address}")).Expect(HttpStatusCode.OK)["node"]).ShouldBe(self);
        }
    }

    [Fact]
    public async Task Seed_nodes_are_as_Akka_Management_for_NET_shows_them()
    {
        var seeds = (await _management.GetAsync("/bootstrap/seed-nodes")).Expect(HttpStatusCode.OK);
        var only = seeds["Nodes"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)only["Node"]).ShouldBe((string?)seeds["SelfNode"]);
        ((string?)only["Status"]).ShouldBe("Up");
        ((long?)only["NodeUid"]).ShouldNotBeNull();
        only["Roles"]!.AsArray().Select(role => (string?)role).Order().ShouldBe(["conversations", "documents", "ingestion", "partitions"]);
    }

    [Fact]
    public async Task Shards_are_as_Pekko_shows_them()
    {
        using var caller = node.Caller();
        await caller.PostAsync("/api/v1/conversations/regions/messages", new JsonObject { ["text"] = "Are there regions?", ["wait"] = true });
        ((await _management.GetAsync("/cluster/shards")).Expect(HttpStatusCode.OK)["entityTypeKeys"]!.AsArray().Select(key => (string?)key)).ShouldBe(["conversation", "document", "flags", "partition"]);
        var regions = (await _management.GetAsync("/cluster/shards/conversation")).Expect(HttpStatusCode.OK)["regions"]!.AsArray();
        regions.Count.ShouldBe(16);
        regions.Select(region => (string)region!["shardId"]!).ShouldBe(Enumerable.Range(0, 16).Select(n => $"{n}"), ignoreOrder: true);
        regions.Sum(region => (int)region!["numEntities"]!).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Domain_events_begin_with_the_state_and_can_be_chosen()
    {
        await using (var events = await EventStream.OpenAsync(_management.Http, "/cluster/domain-events"))
        {
            var first = (await events.NextAsync()).ShouldNotBeNull();
            first.Event.ShouldBe("MemberUp");
            ((string?)first.Data["type"]).ShouldBe("MemberUp");
            ((string?)first.Data["member"]!["status"]).ShouldBe("Up");
            ((string?)first.Data["member"]!["dataCenter"]).ShouldBe("default");
            (await events.NextAsync()).ShouldNotBeNull().Event.ShouldBe("LeaderChanged");
        }

        await using (var shards = await EventStream.OpenAsync(_management.Http, "/cluster/domain-events?type=ShardMoved,LeaderChanged"))
        {
            (await shards.NextAsync()).ShouldNotBeNull().Event.ShouldBe("LeaderChanged");
            var moved = (await shards.NextAsync()).ShouldNotBeNull();
            moved.Event.ShouldBe("ShardMoved");
            ((string?)moved.Data["shard"]!["owner"]).ShouldBe("node-1");
        }

        (await _management.GetAsync("/cluster/domain-events?type=MemberGone")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Theory]
    [InlineData("GET", "/cluster/members/nobody", null, 404, "Member [nobody] not found")]
    [InlineData("PUT", "/cluster/members/nobody", "operation=Down", 404, "Member [nobody] not found")]
    [InlineData("DELETE", "/cluster/members/ragcluster://ragcluster@10.0.0.1:2552", null, 404, "not found")]
    [InlineData("PUT", "/cluster/members/node-1", "operation=Explode", 400, "expected one of Leave, Down, Drain, Undrain")]
    [InlineData("PUT", "/cluster/members/node-1", null, 400, "\"operation\" is missing")]
    [InlineData("PUT", "/cluster/members/node-1", "operation=Down", 503, "alone")]
    [InlineData("PUT", "/cluster/members/node-1", "operation=Drain", 503, "alone")]
    [InlineData("PUT", "/cluster", "operation=Explode", 400, "Prepare-for-full-shutdown")]
    [InlineData("POST", "/cluster/members", "address=ragcluster://ragcluster@10.0.0.1:2552", 409, "joins by itself")]
    [InlineData("POST", "/cluster/members", null, 400, "\"address\" is missing")]
    [InlineData("GET", "/cluster/shards/nothing", null, 404, "Shard Region nothing is not started")]
    [InlineData("PUT", "/cluster/shards/document/99", "operation=Move&to=node-1", 404, "numbered from 0 to 15")]
    [InlineData("PUT", "/cluster/shards/document/x", "operation=Move&to=node-1", 404, "numbered from 0 to 15")]
    [InlineData("PUT", "/cluster/shards/document/1", "operation=Move&to=node-1", 503, "alone")]
    [InlineData("GET", "/entities/nothing/x", null, 404, "not started")]
    [InlineData("GET", "/entities/document/default/never-there", null, 404, "nothing has ever happened")]
    [InlineData("GET", "/entities/document/default/never-there?events=-1", null, 400, "from 0 to 1000")]
    [InlineData("PUT", "/entities/document/default/never-there", "operation=Passivate", 404, "not in memory")]
    [InlineData("GET", "/actors?path=/user/nobody", null, 404, "no actor")]
    [InlineData("GET", "/actors?depth=many", null, 400, "whole number")]
    [InlineData("GET", "/config?key=no.such.key", null, 404, "no setting")]
    [InlineData("PUT", "/log/level", "level=debug", 409, "belongs to the program")]
    [InlineData("PUT", "/flags/nothing", "on=true&reason=x", 404, "no feature")]
    [InlineData("PUT", "/flags/vectors", "on=maybe&reason=x", 400, "true, false, default")]
    [InlineData("PUT", "/flags/vectors", "on=true", 400, "\"reason\" is missing")]
    [InlineData("GET", "/nothing", null, 404, "This port has")]
    [InlineData("POST", "/alive", null, 405, "This port has")]
    public async Task What_is_wrong_is_told_to_scripts_of_each_kind(string method, string path, string? form, int status, string detail)
    {
        var content = form is null ? null : new StringContent(form, null, "application/x-www-form-urlencoded");
        var reply = await _management.SendAsync(new HttpMethod(method), path, content);
        reply.Status.ShouldBe((HttpStatusCode)status, reply.Body);
        reply.MediaType.ShouldBe("application/problem+json");
        ((string?)reply.Json["detail"]).ShouldNotBeNull().ShouldContain(detail);
        ((string?)reply.Json["message"]).ShouldBe((string?)reply.Json["detail"], "where Pekko's users look");
        ((string?)reply.Json["error"]!["message"]).ShouldBe((string?)reply.Json["detail"], "where Akka.Management's users look");
        ((string?)reply.Json["error"]!["reason"]).ShouldBe((string?)reply.Json["code"]);
    }

    [Fact]
    public async Task Arguments_come_as_form_JSON_or_query()
    {
        HttpContent[] contents =
        [
            new StringContent("operation=Explode", null, "application/x-www-form-urlencoded"),
            new MultipartFormDataContent { { new StringContent("Explode"), "operation" } },
            new StringContent("""{"operation":"Explode"}""", null, "application/json"),
        ];
        foreach (var content in contents)
        {
            (await _management.SendAsync(HttpMethod.Put, "/cluster/members/node-1", content)).Body.ShouldContain("Explode");
        }

        (await _management.SendAsync(HttpMethod.Put, "/cluster/members/node-1?operation=Explode")).Body.ShouldContain("Explode");
        foreach (var broken in new[] { "{", "[]", """{"operation":{}}""" })
        {
            (await _management.SendAsync(HttpMethod.Put, "/cluster/members/node-1", new StringContent(broken, null, "application/json"))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        }

        (await _management.SendAsync(HttpMethod.Put, "/cluster/members/node-1", new ByteArrayContent(new byte[200_000]))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_entity_leaves_memory_when_it_is_told_to()
    {
        using var caller = node.Caller();
        await caller.PostAsync("/api/v1/conversations/leaving/messages", new JsonObject { ["text"] = "Is it time to leave?", ["wait"] = true });
        var shown = (await _management.GetAsync("/entities/conversation/default/leaving?events=2")).Expect(HttpStatusCode.OK);
        ((bool?)shown["inMemory"]).ShouldBe(true);
        ((string?)shown["owner"]).ShouldBe("node-1");
        ((string?)shown["state"]!["title"]).ShouldBe("Is it time to leave?");
        shown["events"]!.AsArray().Select(e => (long)e!["seq"]!).ShouldBe([(long)shown["seq"]! - 1, (long)shown["seq"]!]);
        (await _management.SendAsync(HttpMethod.Put, "/entities/conversation/default/leaving?operation=Passivate")).Expect(HttpStatusCode.OK);
        ((bool?)(await _management.GetAsync("/entities/conversation/default/leaving")).Expect(HttpStatusCode.OK)["inMemory"]).ShouldBe(false);
    }

    [Fact]
    public async Task Actors_are_shown_as_a_tree()
    {
        var all = (await _management.GetAsync("/actors?depth=0")).Expect(HttpStatusCode.OK);
        ((int)all["count"]!).ShouldBeGreaterThan(49);
        all["actors"]!.AsArray().ShouldAllBe(actor => actor!["below"]!.AsArray().Count == 0);
        var shard = (await _management.GetAsync("/actors?path=/user/flags-0&depth=1")).Expect(HttpStatusCode.OK)["actors"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)shard["type"]).ShouldBe("ShardActor");
        ((string?)shard["below"]!.AsArray().ShouldHaveSingleItem()!["state"]).ShouldBe("Running", "the flags are followed, so that they are in memory");
        (await _management.GetAsync("/actors/fullest")).Expect(HttpStatusCode.OK);
        ((long?)(await _management.GetAsync("/dead-letters")).Expect(HttpStatusCode.OK)["total"]).ShouldNotBeNull();
    }

    [Fact]
    public async Task Health_names_what_the_node_needs()
    {
        var health = (await _management.GetAsync("/health")).Expect(HttpStatusCode.OK);
        ((bool?)health["ready"]).ShouldBe(true);
        health["checks"]!.AsArray().Select(check => (string?)check!["name"]).ShouldBe(["disk", "inference", "ingestion", "store"]);
    }

    public void Dispose() => _management.Dispose();
}
