using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>The commands that containers and their orchestrators call.</summary>
public sealed class OperationCommandTests(OpenNode node) : IClassFixture<OpenNode>
{
    [Fact]
    public async Task Health_tells_of_a_node_that_is_well_of_nobody_and_of_somebody_else()
    {
        (await Ragcluster.RunAsync("health", "--node", node.ManagementUrl.ToString())).Expect(0).Output.ShouldBe("up\n");
        (await Ragcluster.RunAsync("health", "--ready", "-D", $"ragcluster.management.port={node.ManagementUrl.Port}")).Expect(0).Output.ShouldBe("up\n");
        (await Ragcluster.RunAsync("health", "--node", node.Url.ToString())).Expect(1).Error.ShouldContain("no management port");
        (await Ragcluster.RunAsync("health", "--node", "http://127.0.0.1:1/")).Expect(1).Error.ShouldContain("cannot be reached");
        (await Ragcluster.RunAsync("health", "-D", "ragcluster.management.port=0")).Expect(2).Error.ShouldContain("--node");
    }

    [Fact]
    public async Task Migrate_makes_the_tables_once_and_says_what_hinders_it()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        var connection = server.ConnectionString(await server.CreateDatabaseAsync());
        string[] store = ["-D", "ragcluster.store.engine=postgres", "-D", $"ragcluster.store.postgres.connection={connection}"];
        (await Ragcluster.RunAsync(["store", "migrate", .. store])).Expect(0).Output.ShouldContain("is ready for this version");
        (await Ragcluster.RunAsync(["store", "migrate", .. store])).Expect(0);
        (await Ragcluster.RunAsync("store", "migrate", "-D", "ragcluster.store.engine=postgres", "-D", $"ragcluster.store.postgres.connection={server.ConnectionString("none")}")).Expect(1).Error.ShouldNotBeEmpty();
        using var folder = new TemporaryFolder();
        (await Ragcluster.RunAsync("store", "migrate", "--data", folder.Path)).Expect(0).Output.ShouldContain("a node migrates it");
    }
}
