using System.Text.Json;
using RagCluster.Actors;
using RagCluster.Actors.Conversations;
using RagCluster.CheckerKit;
using RagCluster.CheckerKit.Checkers;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Simulation.Tests.Checkers;

using static History;

/// <summary>A checker that never failed is unproven: each is shown one history in which all is well, and each way to spoil it.</summary>
public sealed class CheckerTests
{
    [Fact]
    public void A_history_in_which_all_is_well_breaks_no_promise() => AllCheckers.Check(Good()).ShouldBeEmpty();

    [Fact]
    public void C1_misses_an_acknowledged_write_and_finds_one_that_was_denied()
    {
        Spoilt(new AcknowledgedWrites(), run => run.Log.RemoveAll(record => record.Event is FeedbackGiven));
        Spoilt(new AcknowledgedWrites(), run => run.Operations[1].Outcome = Outcome.NoEffect);
        Spoilt(new AcknowledgedWrites(), run => run.Operations[1].Seq = 9);
        Sound(new AcknowledgedWrites(), run => run.Operations[1].Outcome = Outcome.Unknown);
        Sound(new AcknowledgedWrites(), run =>
        {
            run.Log.RemoveAll(record => record.Event is FeedbackGiven);
            run.Operations[1].Outcome = Outcome.Unknown;
        });
    }

    [Fact]
    public void C2_sees_gaps_and_doubles_along_shards_and_entities()
    {
        Spoilt(new DenseLog(), run => run.Log.RemoveAt(3));
        Spoilt(new DenseLog(), run => run.Log[3] = run.Log[3] with { ShardSeq = 99 });
        Spoilt(new DenseLog(), run => run.Log[3] = run.Log[3] with { Seq = 3 });
    }

    [Fact]
    public void C2_sees_a_command_that_took_effect_twice()
    {
        Spoilt(new OnceOnly(), run => Add(run, 1, Talk, 2, new FeedbackGiven(QuestionId.Of("q"), Rating.Up, "other", null, Ann.User) { At = default }, "fine", 22));
        Spoilt(new OnceOnly(), run => Add(run, 1, Talk, 2, new FeedbackGiven(QuestionId.Of("q"), Rating.Up, "fine", null, Ann.User) { At = default }, null, 22));
    }

    [Fact]
    public void C2_sees_a_read_of_what_was_over_and_a_view_that_the_log_does_not_give()
    {
        var view = ViewAt(10);
        Sound(new Linearizability(), run => run.Views.Add(new ViewReading("ann", Talk, S(25), S(26), 10, view)));
        Spoilt(new Linearizability(), run => run.Views.Add(new ViewReading("ann", Talk, S(25), S(26), 9, ViewAt(9))));
        Spoilt(new Linearizability(), run => run.Views.Add(new ViewReading("ann", Talk, S(25), S(26), 10, view with { Title = "Another" })));
        Spoilt(new Linearizability(), run => run.Views.Add(new ViewReading("ann", Talk, S(25), S(26), 99, view)));
        Sound(new Linearizability(), run =>
        {
            run.ReadsMayBeStale = true;
            run.Views.Add(new ViewReading("ann", Talk, S(25), S(26), 9, ViewAt(9)));
        });

        static ConversationView ViewAt(int seq)
        {
            var state = Good().Log.Where(record => record.Entity == Talk).Take(seq)
                .Aggregate(Conversation.Initial(new EntityId(Talk)), (s, record) => Conversation.Evolve(s, (ConversationEvent)record.Event));
            return new ConversationView(state.Title, state.StartedAt, [.. state.Questions.Select(question => question.ToTurn())]);
        }
    }

    [Fact]
    public void C3_sees_epochs_that_fall_have_two_writers_or_write_after_their_end()
    {
        Spoilt(new Epochs(), run => run.Log[9] = run.Log[9] with { Epoch = 1 });
        Spoilt(new Epochs(), run => run.Log[9] = run.Log[9] with { Writer = First });
        Spoilt(new Epochs(), run => run.Log[4] = run.Log[4] with { CommittedAt = S(11) });
        Spoilt(new Epochs(), run => run.Owners.Add(new OwnerChange(S(15), 1, 2, First)));
    }

    [Fact]
    public void C4_sees_a_snapshot_that_a_replay_does_not_give()
    {
        Sound(new Replays(), run => run.Snapshots.Add(SnapshotAt(10)));
        Spoilt(new Replays(), run => run.Snapshots.Add(SnapshotAt(10) with { Snapshot = SnapshotAt(10).Snapshot with { Seq = 9 } }));
        Spoilt(new Replays(), run => run.Snapshots.Add(SnapshotAt(10) with { Snapshot = SnapshotAt(10).Snapshot with { Seq = 11 } }));
        Spoilt(new Replays(), run => run.Snapshots.Add(SnapshotAt(10) with { Snapshot = SnapshotAt(10).Snapshot with { Commands = Utf8("[]") } }));

        static StoredSnapshot SnapshotAt(int seq)
        {
            var log = Good().Log.Where(record => record.Entity == Talk).Take(seq).ToList();
            var state = log.Aggregate(Conversation.Initial(new EntityId(Talk)), (s, record) => Conversation.Evolve(s, (ConversationEvent)record.Event));
            var commands = log.Where(record => record.CommandId is not null).Select(record => $$$"""{"id":"{{{record.CommandId}}}","seq":{{{record.Seq}}},"reply":{"type":"accepted"}}""");
            return new StoredSnapshot("conversation", new Snapshot(
                Talk, seq, JsonSerializer.SerializeToUtf8Bytes(state, StatesJson.Default.ConversationState), Utf8($"[{string.Join(',', commands)}]"), default, DateTimeOffset.UnixEpoch));
        }
    }

    [Fact]
    public void C6_sees_chunks_that_are_doubled_mixed_left_over_or_missing()
    {
        Spoilt(new Chunks(), run => run.Searches[0] = run.Searches[0] with { Passages = [new ScoredPassage(Passage(1), 2), new ScoredPassage(Passage(1), 1)] });
        Spoilt(new Chunks(), run => run.Searches[0] = run.Searches[0] with { Passages = [new ScoredPassage(Passage(1), 2), new ScoredPassage(Passage(2, 1), 1)] });
        Spoilt(new Chunks(), run => run.Index[0] = run.Index[0] with { Passages = [Passage(1), Passage(1, 1)] });
        Spoilt(new Chunks(), run => run.Index[0] = run.Index[0] with { Passages = [] });
        Spoilt(new Chunks(), run => Remove(run, 30, 31));
    }

    [Fact]
    public void C7_sees_a_text_that_does_not_stand_where_it_is_said_to()
    {
        Spoilt(new Spans(), run => run.Index[0] = run.Index[0] with { Passages = [Passage(1) with { Start = 1 }] });
        Spoilt(new Spans(), run => run.Index[0] = run.Index[0] with { Passages = [Passage(7)] });
        Spoilt(new Spans(), run => run.Contents["sha256-1"] = "Something else altogether, and it is longer than that.");
    }

    [Fact]
    public void C8_sees_the_canary_of_another_tenant()
    {
        Spoilt(new Tenants(), run => run.Shown.Add(new Shown("t1", "an error", $"There is {Canary("t0")}.")));
        Spoilt(new Tenants(), run => Add(run, 1, Talk, 2, new AnswerFailed(QuestionId.Of("q"), "x", Canary("t1")) { At = default }, null, 22));
        Sound(new Tenants(), run => run.Shown.Add(new Shown("t0", "an error", $"There is {Canary("t0")}.")));
    }

    [Fact]
    public void C9_sees_what_was_revoked_or_removed_before_the_search_began_and_what_was_not_found()
    {
        Spoilt(new Access(), run => Restrict(run, 2, 3, RoleSet.Of("agent")));
        Sound(new Access(), run => Restrict(run, 2, 3, RoleSet.Of("clerk")));
        Sound(new Access(), run => Restrict(run, 5.5, 7, RoleSet.Of("agent")));
        Spoilt(new Access(), run => Remove(run, 2, 3));
        Spoilt(new Access(), run => run.Searches[0] = run.Searches[0] with { Passages = [] });
        Sound(new Access(), run => run.Searches[0] = run.Searches[0] with { Passages = [], Complete = false });
        Spoilt(new Access(), run => run.Searches[0] = run.Searches[0] with { Principal = Ann with { Tenant = TenantId.Of("t1") } });

        // In an answer, it is the time between the question and its sources that counts.
        Spoilt(new Access(), run =>
        {
            run.Searches.Clear();
            Restrict(run, 0.5, 0.9, RoleSet.Of("agent"));
        });
    }

    [Fact]
    public void C10_sees_gaps_doubles_and_what_the_journal_does_not_have()
    {
        Spoilt(new Streams(), run => run.Streams[0].Items.RemoveAt(1));
        Spoilt(new Streams(), run => run.Streams[0].Items.Insert(1, run.Streams[0].Items[0]));
        Spoilt(new Streams(), run => run.Streams[0].Items[0] = (S(30), 5, new AnswerDelta(QuestionId.Of("q"), "It was ") { At = DateTimeOffset.UnixEpoch }));
        Spoilt(new Streams(), run => run.Streams[0].Items.Add((S(31), 11, new ConversationRenamed("x") { At = DateTimeOffset.UnixEpoch })));
        Sound(new Streams(), run => run.Streams[0].Items.RemoveAt(5));
    }

    [Fact]
    public void C10_sees_answers_that_end_twice_go_on_after_their_end_or_are_not_what_was_shown()
    {
        Spoilt(new Answers(), run => Add(run, 1, Talk, 2, new AnswerFailed(QuestionId.Of("q"), "x", "y") { At = default }, null, 22));
        Spoilt(new Answers(), run => Add(run, 1, Talk, 2, new QuestionAsked(QuestionId.Of("q"), "Again?", Ann, null) { At = default }, null, 22));
        Spoilt(new Answers(), run => Add(run, 1, Talk, 2, new AnswerDelta(QuestionId.Of("r"), "x") { At = default }, null, 22));
        Spoilt(new Answers(), run => run.Log.RemoveAll(record => record.Event is AnswerRestarted));
        Spoilt(new Answers(), run => run.Log.RemoveAll(record => record is { Event: AnswerDelta, Epoch: 2 }));
    }

    [Fact]
    public void C12_and_C13_see_what_hangs_and_what_grows()
    {
        Spoilt(new Liveness(), run => run.Unfinished.Add("A question has not ended."));
        Spoilt(new Liveness(), run => run.Operations[0].Outcome = Outcome.Pending);
        Spoilt(new Bounds(), run => run.Measures.Add(new Measure("queue", 9, 8)));
    }

    private static void Restrict(Run run, double from, double to, RoleSet readers)
    {
        Add(run, 2, Paper, 1, new AccessChanged(readers, 2, UserId.Of("boss")) { At = default }, null, (from + to) / 2);
        Add(run, 2, Paper, 1, new AccessApplied(2) { At = default }, null, to);
        run.Operations.Add(Operation(Paper, Markers.Access("boss"), from, to, 0, "document"));
    }

    private static void Remove(Run run, double from, double to)
    {
        Add(run, 2, Paper, 1, new RemovalRequested(UserId.Of("boss")) { At = default }, null, (from + to) / 2);
        Add(run, 2, Paper, 1, new DocumentRemoved() { At = default }, null, to);
        run.Operations.Add(Operation(Paper, Markers.Removal("boss"), from, to, 0, "document"));
    }

    private static void Spoilt(IChecker checker, Action<Run> spoil)
    {
        var run = Good();
        spoil(run);
        checker.Check(run).ShouldNotBeEmpty();
    }

    private static void Sound(IChecker checker, Action<Run> change)
    {
        var run = Good();
        change(run);
        checker.Check(run).ShouldBeEmpty();
    }
}
