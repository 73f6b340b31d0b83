using RagCluster.Actors.Publication;
using RagCluster.Messages.Publication;

namespace RagCluster.Actors.Tests.Publication;

using Publication = RagCluster.Actors.Publication.Publication;

public class PublicationTests
{
    [Fact]
    public void Once_begun_it_always_has_work_and_its_positions_never_fall()
    {
        var state = new PublicationState();
        Publication.HasOpenWork(state).ShouldBeFalse();
        state = Do(state, new BeginPublication());
        Publication.HasOpenWork(state).ShouldBeTrue();
        Publication.Decide(state, new BeginPublication(), default).Events.ShouldBeEmpty();
        state = Do(state, Advance((7, 42), (8, 1)));
        state = Do(state, Advance((7, 41), (8, 2)));
        state.Positions.ShouldBe(new Dictionary<int, long> { [7] = 42, [8] = 2 });
        Publication.Decide(state, Advance((7, 42)), default).Events.ShouldBeEmpty("nothing new is nothing to journal");
    }

    private static AdvancePublication Advance(params (int Shard, long Position)[] positions) => new(positions.ToDictionary(p => p.Shard, p => p.Position));

    private static PublicationState Do(PublicationState state, PublicationCommand command) =>
        Publication.Decide(state, command, default).Events.Aggregate(state, Publication.Evolve);
}
