using RagCluster.Actors;
using RagCluster.CheckerKit;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>A person with one conversation: asks, changes their mind, looks, and comes back.</summary>
internal sealed class ConversationClient(Cluster cluster, Gateway gateway, Writes writes, Library library, Principal person, string id)
{
    private readonly ConversationId _conversation = ConversationId.Of(id);
    private readonly List<QuestionId> _questions = [];
    private readonly HashSet<QuestionId> _cancelled = [];
    private int _next;

    public string Name => person.User.Value;

    public Principal Person => person;

    public ConversationId Conversation => _conversation;

    public string Entity => $"{person.Tenant.Value}/{id}";

    private Random Random => cluster.Random;

    public async Task RunAsync(Func<bool> isOver)
    {
        while (!isOver())
        {
            await cluster.PauseAsync(cluster.Plan.Think, isOver);
            switch (Random.Next(10))
            {
                case < 4:
                    await AskAsync();
                    break;
                case 4 when _questions.Count > 0:
                    await RegenerateAsync();
                    break;
                case 5 when _questions.Count > 0 && _cancelled.Add(_questions[^1]):
                    await CancelAsync();
                    break;
                case 6 when _questions.Count > 0:
                    await GiveFeedbackAsync();
                    break;
                case 7 when _questions.Count > 0:
                    await RenameAsync();
                    break;
                default:
                    await ReadAsync();
                    break;
            }
        }
    }

    /// <summary>The conversation as it is shown now; null if no node showed it.</summary>
    public async Task<ConversationView?> ReadAsync(Machine? machine = null)
    {
        var from = cluster.Now;
        var answer = await gateway.CallAsync(Name, person.Tenant.Value, $"read {id}", async (cast, token) => await cast.Conversations.ReadAsync(person, _conversation, token), machine);
        if (answer is { Fate: Fate.Answered, Value: { Reply: ConversationView view, Seq: var seq } })
        {
            cluster.Record.Views.Add(new ViewReading(Name, Entity, from, cluster.Now, seq, view));
            cluster.Tell(Name, $"sees {Entity} as of {seq}");
            return view;
        }

        return null;
    }

    private async Task AskAsync()
    {
        var question = Fresh();
        var text = $"What is said of {library.AnyToken(person.Tenant)}?";
        await SendAsync(Markers.Asked(question.Value), (cast, token) => cast.Conversations.AskAsync(person, _conversation, question, text, token).AsTask());
        _questions.Add(question);
    }

    private async Task RegenerateAsync()
    {
        var question = Fresh();
        var of = _questions[Random.Next(_questions.Count)];
        var operation = await SendAsync(Markers.Asked(question.Value), (cast, token) => cast.Conversations.RegenerateAsync(person, _conversation, question, of, token).AsTask());
        if (operation.Outcome == Outcome.Acknowledged)
        {
            _questions.Add(question);
        }
    }

    private async Task CancelAsync()
    {
        var question = _questions[^1];
        await SendAsync(Markers.Cancelled(question.Value), (cast, token) => cast.Conversations.CancelAsync(person, _conversation, question, token).AsTask());
    }

    private async Task GiveFeedbackAsync()
    {
        var comment = $"{Name}-{_next++} {CheckerKit.Checkers.Tenants.Canary(person.Tenant.Value)}";
        var question = _questions[Random.Next(_questions.Count)];
        await SendAsync(
            Markers.Feedback(comment),
            (cast, token) => cast.Conversations.GiveFeedbackAsync(person, _conversation, question, Rating.Up, comment, null, new CommandId(comment), token).AsTask());
    }

    private async Task RenameAsync()
    {
        var title = $"{Name}-{_next++}";
        await SendAsync(Markers.Renamed(title), (cast, token) => cast.Conversations.RenameAsync(person, _conversation, title, token).AsTask(), once: false);
    }

    private Task<Operation> SendAsync(string marker, Func<Cast, CancellationToken, Task<Committed<ConversationReply>>> send, bool once = true) => writes.SendAsync(
        Name,
        "conversation",
        Entity,
        marker,
        once,
        async (cast, token) =>
        {
            var (reply, seq) = await send(cast, token);
            return new Told(reply is Refused, reply is Unchanged, seq);
        });

    private QuestionId Fresh() => QuestionId.Of($"{Name}-q{_next++}");
}
