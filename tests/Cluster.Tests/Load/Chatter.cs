using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Running;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>One person with one conversation over one WebSocket after another.</summary>
internal sealed class Chatter(RealCluster cluster, Balancer balancer, string tenant, string person, TimeSpan think, CancellationToken over)
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(25);

    private readonly string _conversation = "chat-" + person;
    private readonly Lock _gate = new();
    private Operation? _asking;
    private bool _unsure;
    private bool _exists;
    private int _questions;
    private int _answers;
    private int _resumes;

    private TimeSpan Think => think;

    private CancellationToken Over => over;

    private RealCluster Cluster => cluster;

    public SeenStream Seen { get; } = new($"{tenant}/chat-{person}");

    public int Resumes => Volatile.Read(ref _resumes);

    public int Answers => Volatile.Read(ref _answers);

    /// <summary>A question was sent, and it is not known that it was accepted.</summary>
    public bool IsAsking
    {
        get
        {
            lock (_gate)
            {
                return _asking is not null;
            }
        }
    }

    private string Question => string.Create(CultureInfo.InvariantCulture, $"{person}-q{_questions}");

    public async Task RunAsync(CancellationToken streamsOver)
    {
        RealNode? last = null;
        while (!streamsOver.IsCancellationRequested)
        {
            var node = balancer.Pick(but: last);
            try
            {
                if (node?.Url is { } url)
                {
                    using var socket = new ClientWebSocket();
                    socket.Options.SetRequestHeader("Authorization", "Bearer " + RealCluster.TokenOf(person));
                    using var patience = CancellationTokenSource.CreateLinkedTokenSource(streamsOver);
                    patience.CancelAfter(TimeSpan.FromSeconds(5));
                    await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Path = "/api/v1/ws" }.Uri, patience.Token);
                    if (last is not null && last != node && Seen.Last > 0)
                    {
                        Interlocked.Increment(ref _resumes);
                    }

                    last = node;
                    await new Sitting(this, socket, streamsOver).RunAsync();
                }
            }
            catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException or OperationCanceledException or System.Net.Sockets.SocketException)
            {
                // The node has gone, or says nothing: another one, after what was seen.
            }

            _unsure |= IsAsking;
            await Task.WhenAny(Task.Delay(50, streamsOver));
        }
    }

    /// <summary>A question that is not settled is asked again, by its id; else a new one, unless it is all over.</summary>
    private bool TryBegin()
    {
        lock (_gate)
        {
            if (_asking is not null)
            {
                return true;
            }

            if (over.IsCancellationRequested)
            {
                return false;
            }

            _questions++;
            _unsure = false;
            _asking = new Operation { Client = person, Entity = ("conversation", Seen.Conversation), Marker = Markers.Asked(Question), Once = true, InvokedAt = cluster.Now };
        }

        lock (cluster.Record)
        {
            cluster.Record.Operations.Add(_asking);
        }

        return true;
    }

    private void End(Outcome outcome, long seq)
    {
        Operation operation;
        lock (_gate)
        {
            if (_asking is null)
            {
                return;
            }

            operation = _asking;
            _asking = null;
        }

        lock (cluster.Record)
        {
            (operation.Outcome, operation.Seq, operation.EndedAt) = (outcome, seq, cluster.Now);
        }
    }

    /// <summary>What happens on one connection.</summary>
    private sealed class Sitting(Chatter chatter, ClientWebSocket socket, CancellationToken streamsOver)
    {
        private readonly byte[] _buffer = new byte[256 * 1024];
        private readonly int _leaveAfter = Random.Shared.Next(2, 6);
        private bool _following;
        private long _again;
        private int _answered;

        public async Task RunAsync()
        {
            await (chatter._exists ? ResumeAsync() : AskAsync());
            while (await ReceiveAsync() is { } frame)
            {
                await TakeAsync(frame);
                if (_answered == _leaveAfter && !chatter.IsAsking && !chatter.Over.IsCancellationRequested)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, streamsOver);
                    return;
                }
            }
        }

        private async Task TakeAsync(JsonNode frame)
        {
            var (type, id, seq) = ((string)frame["type"]!, (string?)frame["id"], (long?)frame["seq"]);
            var mine = id == chatter.Question;
            switch (type)
            {
                case "accepted" when mine:
                    chatter.End(Outcome.Acknowledged, seq!.Value);
                    if (!_following)
                    {
                        // The connection follows from here on by itself; all of it is wanted.
                        chatter._exists = true;
                        await ResumeAsync();
                    }
                    else if (seq > chatter.Seen.Last)
                    {
                        Show(seq.Value, frame);
                    }

                    break;
                case "resumed":
                    // Where two things went wrong at once, it has been asked for twice, and what came meanwhile comes again.
                    _again = (long?)frame["after"] < chatter.Seen.Last ? chatter.Seen.Last : 0;
                    _following = true;
                    if (chatter.IsAsking || chatter._questions == chatter.Answers)
                    {
                        await AskAsync();
                    }

                    break;
                case "error":
                    await TakeErrorAsync((string?)frame["code"], (string)frame["detail"]!, mine);
                    break;
                case "bye":
                    throw new WebSocketException("The node goes away.");
                default:
                    if (_following && seq is { } shown && shown > _again)
                    {
                        Show(shown, frame);
                        if (mine && type == "question")
                        {
                            chatter.End(Outcome.Acknowledged, shown);
                        }
                        else if (mine && type is "completed" or "failed" or "cancelled")
                        {
                            _answered++;
                            chatter._answers = chatter._questions;
                            await AskAsync();
                        }
                    }

                    break;
            }
        }

        private async Task TakeErrorAsync(string? code, string detail, bool mine)
        {
            switch (code)
            {
                case "unavailable" or "timeout" when mine:
                    chatter._unsure |= code == "timeout";
                    await Task.Delay(100, streamsOver);
                    await AskAsync();
                    break;
                case "invalid" when mine && detail.Contains("asked before", StringComparison.Ordinal):
                    chatter.End(Outcome.Acknowledged, 0);
                    break;
                case "not-found":
                    chatter._exists = false;
                    await AskAsync();
                    break;
                case "unavailable" or "timeout":
                    // Of a resumption, or of the events that were followed.
                    await Task.Delay(100, streamsOver);
                    await ResumeAsync();
                    break;
                default:
                    chatter.Cluster.Faults.Add($"{chatter.Seen.Conversation} was answered {code}: {detail}");
                    chatter.End(chatter._unsure ? Outcome.Unknown : Outcome.NoEffect, 0);
                    break;
            }
        }

        private void Show(long seq, JsonNode frame) => chatter.Seen.Add(chatter.Cluster.Now, seq, frame.ToJsonString());

        private async Task AskAsync()
        {
            if (!chatter.IsAsking && chatter._questions > 0)
            {
                await Task.WhenAny(Task.Delay(chatter.Think * (0.2 + (Random.Shared.NextDouble() * 1.6)), chatter.Over));
            }

            if (chatter.TryBegin())
            {
                await SendAsync(new JsonObject
                {
                    ["type"] = "ask", ["id"] = chatter.Question, ["conversation"] = chatter._conversation, ["text"] = "What is said of the grace period?",
                });
            }
        }

        private Task ResumeAsync()
        {
            _following = false;
            return SendAsync(new JsonObject { ["type"] = "resume", ["conversation"] = chatter._conversation, ["after"] = chatter.Seen.Last });
        }

        private Task SendAsync(JsonObject frame) =>
            socket.SendAsync(Encoding.UTF8.GetBytes(frame.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, streamsOver);

        /// <summary>Null when the other side has closed.</summary>
        private async Task<JsonNode?> ReceiveAsync()
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(streamsOver);
            patience.CancelAfter(s_silence);
            for (var length = 0; ;)
            {
                var received = await socket.ReceiveAsync(_buffer.AsMemory(length), patience.Token);
                length += received.Count;
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return null;
                }

                if (received.EndOfMessage)
                {
                    return JsonNode.Parse(_buffer.AsSpan(0, length));
                }
            }
        }
    }
}
