using System.Globalization;
using System.Runtime.CompilerServices;
using RagCluster.Actors.Catalog;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Inference;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Nodes.Gateway.Chat;
using RagCluster.Nodes.Gateway.Documents;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Gateway.Conversations;

/// <summary>/api/v1/conversations: asking, reading and judging answers without a WebSocket.</summary>
internal static class ConversationEndpoints
{
    public static void MapConversations(this IEndpointRouteBuilder api)
    {
        var conversations = api.MapGroup("/conversations").WithTags("conversations");
        conversations.MapGet("/", ListAsync).WithSummary("The caller's conversations, last changed first.").Produces<ConversationsBody>();
        conversations.MapGet("/{id}", GetAsync).WithSummary("A conversation with its questions and answers.").Produces<ConversationBody>().ProducesProblem(404);
        conversations.MapPatch("/{id}", RenameAsync).WithSummary("Gives it another title.").Produces<SeqBody>().ProducesProblem(400).ProducesProblem(404);
        conversations.MapPost("/{id}/messages", AskAsync)
            .WithSummary("Asks a question. The Idempotency-Key header, or the body's id, names it: sent again, it is the same question. With \"wait\": true answers when it is answered.")
            .Produces<MessageAcceptedBody>(StatusCodes.Status202Accepted).Produces<AnswerBody>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(429);
        conversations.MapPost("/{id}/messages/{question}/cancel", CancelAsync).WithSummary("Stops a question that has not ended.").Produces<SeqBody>().ProducesProblem(404);
        conversations.MapPost("/{id}/feedback", FeedbackAsync).WithSummary("Judges an answer, or one of its citations.").Produces<SeqBody>().ProducesProblem(400).ProducesProblem(404);
        conversations.MapGet("/{id}/events", EventsAsync).WithSummary("The conversation's events as server-sent events, from Last-Event-ID on.").ProducesProblem(404);
    }

    private static async Task<IResult> ListAsync(HttpContext context, ICatalog catalog, int? limit, CancellationToken cancellationToken) =>
        limit is < 1 or > 500
            ? Problems.Invalid("limit is from 1 to 500.")
            : TypedResults.Json(
                new ConversationsBody(await catalog.ListConversationsAsync(context.Principal(), limit ?? 100, cancellationToken)), GatewayJson.Default.ConversationsBody);

    private static async Task<IResult> GetAsync(string id, HttpContext context, ConversationService conversations, CancellationToken cancellationToken)
    {
        var conversation = ConversationId.Of(id);
        var (reply, seq) = await conversations.ReadAsync(context.Principal(), conversation, cancellationToken);
        return reply is ConversationView view
            ? TypedResults.Json(new ConversationBody(conversation, view.Title, view.StartedAt, seq, view.Turns), GatewayJson.Default.ConversationBody)
            : Problems.NotFound("conversation");
    }

    private static async Task<IResult> RenameAsync(
        string id, RenameBody body, HttpContext context, ConversationService conversations, CancellationToken cancellationToken) =>
        Result(await conversations.RenameAsync(context.Principal(), ConversationId.Of(id), body.Title ?? "", cancellationToken));

    private static async Task<IResult> AskAsync(
        string id, MessageBody body, HttpContext context, ConversationService conversations, IGenerator generator, Func<string> newId, CancellationToken cancellationToken)
    {
        var principal = context.Principal();
        var conversation = ConversationId.Of(id);
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        var question = body.Id ?? QuestionId.Of(key.Length > 0 ? key : newId());
        if (body.Text is null && body.RegenerateOf is null)
        {
            return Problems.Invalid("Send {\"text\": \"...\"}.");
        }

        // Before it is accepted: afterwards it could only fail.
        if (await generator.RefusalAsync(principal.Tenant, cancellationToken) is { } refusal)
        {
            throw refusal;
        }

        var committed = body.RegenerateOf is { } of
            ? await conversations.RegenerateAsync(principal, conversation, question, of, cancellationToken)
            : await conversations.AskAsync(principal, conversation, question, body.Text!, cancellationToken);
        if (committed.Reply is Refused)
        {
            return Result(committed);
        }

        if (body.Wait != true)
        {
            return TypedResults.Json(
                new MessageAcceptedBody(question, conversation, committed.Seq), GatewayJson.Default.MessageAcceptedBody, statusCode: StatusCodes.Status202Accepted);
        }

        return await conversations.AnswerOfAsync(principal, conversation, question, cancellationToken) is { } answer
            ? TypedResults.Json(new AnswerBody(question, conversation, answer.Seq, answer.Turn), GatewayJson.Default.AnswerBody)
            : Problems.NotFound("question");
    }

    private static async Task<IResult> CancelAsync(
        string id, string question, HttpContext context, ConversationService conversations, CancellationToken cancellationToken) =>
        Result(await conversations.CancelAsync(context.Principal(), ConversationId.Of(id), QuestionId.Of(question), cancellationToken));

    private static async Task<IResult> FeedbackAsync(
        string id, FeedbackBody body, HttpContext context, ConversationService conversations, CancellationToken cancellationToken)
    {
        if (body is not { Question: { } question, Rating: { } rating })
        {
            return Problems.Invalid("Send {\"question\": \"id\", \"rating\": \"up\" or \"down\"}, and a comment or a citation's number if you like.");
        }

        var key = context.Request.Headers["Idempotency-Key"].ToString();
        return Result(await conversations.GiveFeedbackAsync(
            context.Principal(), ConversationId.Of(id), question, rating, body.Comment, body.Citation, key.Length > 0 ? new CommandId(key) : null, cancellationToken));
    }

    private static async Task<IResult> EventsAsync(
        string id, HttpContext context, ConversationService conversations, TimeProvider time, long? after, CancellationToken cancellationToken)
    {
        if (!DocumentEndpoints.TryReadPosition(context.Request, after, out var position))
        {
            return Problems.Invalid("Last-Event-ID is the number of the last event seen.");
        }

        var conversation = ConversationId.Of(id);
        try
        {
            return await conversations.SubscribeAsync(context.Principal(), conversation, position, cancellationToken) is { } events
                ? new ServerSentEvents<ServerFrame>(Framed(conversation, events, cancellationToken), FramesJson.Default.ServerFrame, time)
                : Problems.NotFound("conversation");
        }
        catch (ArgumentOutOfRangeException)
        {
            return Problems.Invalid($"The conversation has no event {position} to go on after.");
        }
    }

    private static async IAsyncEnumerable<ServerSentEvent<ServerFrame>> Framed(
        ConversationId conversation, IAsyncEnumerable<Recorded<ConversationEvent>> events, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (seq, e) in events.WithCancellation(cancellationToken))
        {
            yield return new(seq.ToString(CultureInfo.InvariantCulture), null, FrameMapping.ToFrame(conversation, seq, e));
        }
    }

    private static IResult Result(Committed<ConversationReply> committed) => committed.Reply switch
    {
        Refused { Code: RefusalCodes.NotFound } => Problems.NotFound("conversation or question"),
        Refused { Code: RefusalCodes.Busy } r => Problems.Of(StatusCodes.Status409Conflict, r.Code, r.Detail),
        Refused r => Problems.Invalid(r.Detail),
        _ => TypedResults.Json(new SeqBody(committed.Seq), GatewayJson.Default.SeqBody),
    };
}
