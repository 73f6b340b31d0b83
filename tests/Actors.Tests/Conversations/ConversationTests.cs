using RagCluster.Actors.Conversations;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Tests.Conversations;

public sealed class ConversationTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly Principal Ann = new(TenantId.Of("t"), UserId.Of("ann"), RoleSet.Of("customer"));
    private static readonly Principal Bob = Ann with { User = UserId.Of("bob") };
    private static readonly QuestionId Q1 = QuestionId.Of("q1");
    private static readonly QuestionId Q2 = QuestionId.Of("q2");

    [Fact]
    public void The_first_question_starts_the_conversation_and_gives_it_its_title()
    {
        var events = Decide(Given(), new Ask(Q1, "  How long is the free-look period?\nThanks", Ann)).Events;

        events[0].ShouldBe(new ConversationStarted(Ann.Tenant, Ann.User, "How long is the free-look period?") { At = Now });
        events[1].ShouldBeOfType<QuestionAsked>().Question.ShouldBe(Q1);
        events.Count.ShouldBe(2);
    }

    [Fact]
    public void Asking_again_with_the_same_id_asks_nothing_new()
    {
        var state = Given(new Ask(Q1, "a", Ann));

        Decide(state, new Ask(Q1, "a", Ann)).ShouldBeNothing<Unchanged>();
        Decide(state, new Ask(Q1, "another text", Ann)).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.Invalid);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n ")]
    public void An_empty_question_is_refused(string text) =>
        Decide(Given(), new Ask(Q1, text, Ann)).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.Invalid);

    [Fact]
    public void To_anybody_else_the_conversation_does_not_exist()
    {
        var state = Given(new Ask(Q1, "a", Ann));
        ConversationCommand[] commands =
            [new Ask(Q2, "b", Bob), new Read(Bob), new Cancel(Q1, Bob), new Rename("x", Bob), new Regenerate(Q2, Q1, Bob), new GiveFeedback(Q1, Rating.Up, null, null, Bob)];

        foreach (var command in commands)
        {
            Decide(state, command).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.NotFound, command.GetType().Name);
        }

        Decide(state, new Read(Ann with { Tenant = TenantId.Of("other") })).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.NotFound);
    }

    [Fact]
    public void An_answer_that_starts_over_after_showing_text_says_so()
    {
        var state = Given(new Ask(Q1, "a", Ann), new BeginAnswer(Q1, "a"));
        Decide(state, new BeginAnswer(Q1, "a")).Events.ShouldBe([new AnswerBegun(Q1, "a") { At = Now }]);

        state = Then(state, new AppendDelta(Q1, "half an ans"));
        var restart = Decide(state, new BeginAnswer(Q1, "a")).Events;
        restart.ShouldBe([new AnswerRestarted(Q1) { At = Now }, new AnswerBegun(Q1, "a") { At = Now }]);

        state = Then(state, new BeginAnswer(Q1, "a"), new AppendDelta(Q1, "whole"));
        View(state).Turns[0].Answer.ShouldBe("whole");
    }

    [Fact]
    public void A_question_ends_once_and_what_comes_late_changes_nothing()
    {
        var state = Given(new Ask(Q1, "a", Ann), new AppendDelta(Q1, "so "), new Cancel(Q1, Ann));
        View(state).Turns[0].ShouldSatisfyAllConditions(
            t => t.Status.ShouldBe(TurnStatus.Cancelled),
            t => t.Answer.ShouldBe("so "));
        Conversation.HasOpenWork(state).ShouldBeFalse();

        ConversationCommand[] late = [new AppendDelta(Q1, "far"), new CompleteAnswer(Q1, "x", [], false, "m"), new FailAnswer(Q1, "c", "d"), new BeginAnswer(Q1, "q"), new Cancel(Q1, Ann)];
        foreach (var command in late)
        {
            Decide(state, command).ShouldBeNothing<Unchanged>();
        }
    }

    [Fact]
    public void A_conversation_has_open_work_until_every_question_has_ended()
    {
        var state = Given(new Ask(Q1, "a", Ann), new Ask(Q2, "b", Ann));
        Conversation.HasOpenWork(state).ShouldBeTrue();
        state.NextOpen()!.Id.ShouldBe(Q1);

        state = Then(state, new FailAnswer(Q1, "timeout", "No answer."));
        state.NextOpen()!.Id.ShouldBe(Q2);
        state = Then(state, new CompleteAnswer(Q2, "b!", [], false, "m"));
        Conversation.HasOpenWork(state).ShouldBeFalse();
    }

    [Fact]
    public void Only_so_many_questions_may_wait()
    {
        var state = Given([.. Enumerable.Range(0, Conversation.MaxOpenQuestions).Select(i => new Ask(QuestionId.Of($"q{i}"), "a", Ann))]);
        Decide(state, new Ask(QuestionId.Of("more"), "a", Ann)).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.Busy);
    }

    [Fact]
    public void Feedback_names_a_citation_that_exists()
    {
        var citation = new Citation(1, DocumentId.Of("d"), 1, 0, 0, 4, null, "text", "D");
        var state = Given(new Ask(Q1, "a", Ann), new CompleteAnswer(Q1, "text [1]", [citation], false, "m"));

        Decide(state, new GiveFeedback(Q1, Rating.Down, " ", 1, Ann)).Events
            .ShouldBe([new FeedbackGiven(Q1, Rating.Down, null, 1, Ann.User) { At = Now }]);
        Decide(state, new GiveFeedback(Q1, Rating.Down, null, 2, Ann)).ShouldBeNothing<Refused>();
        View(Then(state, new GiveFeedback(Q1, Rating.Up, null, null, Ann))).Turns[0].Rating.ShouldBe(Rating.Up);
    }

    [Fact]
    public void Regenerating_asks_the_same_text_as_a_new_question()
    {
        var state = Given(new Ask(Q1, "a", Ann));
        Decide(state, new Regenerate(Q2, Q1, Ann)).ShouldBeNothing<Refused>().Code.ShouldBe(RefusalCodes.Busy);

        state = Then(state, new CompleteAnswer(Q1, "x", [], false, "m"));
        Decide(state, new Regenerate(Q2, Q1, Ann)).Events.ShouldBe([new QuestionAsked(Q2, "a", Ann, Q1) { At = Now }]);
    }

    private static ConversationState Given(params ConversationCommand[] commands) => Then(Conversation.Initial(new EntityId("t/c")), commands);

    private static ConversationState Then(ConversationState state, params ConversationCommand[] commands)
    {
        foreach (var command in commands)
        {
            var events = Decide(state, command).Events;
            events.ShouldNotBeEmpty($"{command.GetType().Name} was to change something");
            state = events.Aggregate(state, Conversation.Evolve);
        }

        return state;
    }

    private static Decision<ConversationEvent, ConversationReply> Decide(ConversationState state, ConversationCommand command) =>
        Conversation.Decide(state, command, Now);

    private static ConversationView View(ConversationState state) => Decide(state, new Read(Ann)).ShouldBeNothing<ConversationView>();
}
