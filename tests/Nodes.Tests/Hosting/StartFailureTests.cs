using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Tests.Hosting;

/// <summary>Whether a member that could not start is to be tried again: a supervisor decides by the exit code.</summary>
public sealed class StartFailureTests
{
    [Fact]
    public void A_database_that_goes_away_while_a_node_starts_is_no_mistake_of_its_settings()
    {
        var away = new StoreException(StoreFailure.Unreachable, "The database does not answer.");
        Backend.PassingFailure(away).ShouldBe(away.Message);
        Backend.PassingFailure(new InvalidOperationException("The shards could not be listed.", away)).ShouldBe(away.Message);
    }

    [Fact]
    public void What_stays_wrong_is_told_and_not_tried_again()
    {
        Backend.PassingFailure(new StoreRefusedException("The schema is newer.")).ShouldBeNull();
        Backend.PassingFailure(new InvalidOperationException("A defect.")).ShouldBeNull();
    }
}
