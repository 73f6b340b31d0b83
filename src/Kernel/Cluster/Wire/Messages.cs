using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>What became of a command on another node.</summary>
internal enum Outcome : byte
{
    Done = 0,

    /// <summary>Not here: no effect. The header says who has the shard, if that is known.</summary>
    Moved = 1,

    /// <summary>No effect, and the shard is still here.</summary>
    Unavailable = 2,

    /// <summary>No effect: too much is under way. Come again a little later.</summary>
    Busy = 3,

    /// <summary>Deciding threw: no effect.</summary>
    CommandFailed = 4,

    /// <summary>The entity failed: the effect is not known.</summary>
    EntityFailed = 5,

    /// <summary>The time was over; the effect is not known.</summary>
    TimedOut = 6,

    /// <summary>The shard closed under way: the effect is not known, its next owner knows.</summary>
    Interrupted = 7,

    /// <summary>A subscription after the end of the history.</summary>
    OutOfRange = 8,

    /// <summary>Never sent: the link was lost, or the shard got another owner, while the reply was awaited.</summary>
    LinkLost = 255,
}

/// <param name="Id">The asker's.</param>
/// <param name="Epoch">By which it was routed.</param>
/// <param name="Left">What is left of the asker's time.</param>
internal readonly record struct AskMessage<TCommand>(
    long Id, int ShardId, long Epoch, TimeSpan Left, string Entity, string? CommandId, TCommand Command, JsonTypeInfo<TCommand> Json) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Ask, (4 * WireWriter.MaxVarint) + WireWriter.Most(Entity) + WireWriter.Most(CommandId));
        writer.Number(Id);
        writer.Number(ShardId);
        writer.Number(Epoch);
        writer.Number((long)Left.TotalMilliseconds);
        writer.Text(Entity);
        writer.Text(CommandId);
        writer.End();
        WireJson.Write(output, Command, Json);
    }
}

/// <summary>The same bytes on the lane of large messages.</summary>
internal readonly record struct LargeAskMessage<TCommand>(AskMessage<TCommand> Ask) : IWireMessage
{
    public static WireLane Lane => WireLane.Bulk;

    public void WriteTo(IBufferWriter<byte> output) => Ask.WriteTo(output);
}

internal readonly record struct AskHeader(long Id, int ShardId, long Epoch, TimeSpan Left, string Entity, string? CommandId)
{
    public static AskHeader Read(ref WireReader reader) =>
        new(reader.Number(), reader.Int32(), reader.Number(), TimeSpan.FromMilliseconds(reader.Int32()), reader.Text(), reader.OptionalText());
}

internal readonly record struct ReplyMessage<TReply>(long Id, long Seq, TReply Reply, JsonTypeInfo<TReply> Json) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Reply, 3 * WireWriter.MaxVarint);
        writer.Number(Id);
        writer.Byte((byte)Outcome.Done);
        writer.Number(Seq);
        writer.End();
        WireJson.Write(output, Reply, Json);
    }
}

/// <summary>A reply that is none, or the end of a subscription.</summary>
internal readonly record struct RefusalMessage(WireKind Kind, long Id, Outcome Outcome, string? Reason, int ShardId, ShardRoute? Route) : IWireMessage
{
    private const int MaxReason = 2000;

    public void WriteTo(IBufferWriter<byte> output)
    {
        var reason = Reason is { Length: > MaxReason } ? Reason[..MaxReason] : Reason;
        var writer = new WireWriter(output, Kind, (3 * WireWriter.MaxVarint) + WireWriter.Most(reason) + RouteWire.Most(Route));
        writer.Number(Id);
        writer.Byte((byte)Outcome);
        writer.Text(reason);
        RouteWire.Write(ref writer, ShardId, Route);
        writer.End();
    }
}

/// <summary>The asker waits no more, or the reader has gone.</summary>
internal readonly record struct CancelMessage(WireKind Kind, long Id) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, Kind, WireWriter.MaxVarint);
        writer.Number(Id);
        writer.End();
    }
}

internal readonly record struct SubscribeMessage(long Id, int ShardId, long Epoch, string Entity, long After, int Credit) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Subscribe, (5 * WireWriter.MaxVarint) + WireWriter.Most(Entity));
        writer.Number(Id);
        writer.Number(ShardId);
        writer.Number(Epoch);
        writer.Text(Entity);
        writer.Number(After);
        writer.Number(Credit);
        writer.End();
    }

    public static SubscribeMessage Read(ref WireReader reader) =>
        new(reader.Number(), reader.Int32(), reader.Number(), reader.Text(), reader.Number(), reader.Int32());
}

/// <summary>Events that follow each other. The payload: of each one its length and its JSON.</summary>
internal readonly record struct EventsMessage(long Id, long FirstSeq, int Count, ReadOnlyMemory<byte> Events) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Events, 3 * WireWriter.MaxVarint);
        writer.Number(Id);
        writer.Number(FirstSeq);
        writer.Number(Count);
        writer.End();
        output.Write(Events.Span);
    }
}

internal readonly record struct CreditMessage(long Id, int Credit) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Credit, 2 * WireWriter.MaxVarint);
        writer.Number(Id);
        writer.Number(Credit);
        writer.End();
    }
}

/// <summary>To the target: claim the shard if it is as it was seen. To the owner: hand it off to the target.</summary>
internal readonly record struct PlaceMessage(WireKind Kind, int ShardId, long Epoch, NodeIncarnation Target) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, Kind, (3 * WireWriter.MaxVarint) + WireWriter.Most(Target.Node));
        writer.Number(ShardId);
        writer.Number(Epoch);
        writer.Text(Target.Node);
        writer.Number(Target.Incarnation);
        writer.End();
    }

    public static PlaceMessage Read(ref WireReader reader) =>
        new(reader.Kind, reader.Int32(), reader.Number(), new NodeIncarnation(reader.Text(), reader.Number()));
}

/// <summary>Who has a shard now.</summary>
internal readonly record struct LocatedMessage(int ShardId, ShardRoute Route) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Located, RouteWire.Most(Route));
        RouteWire.Write(ref writer, ShardId, Route);
        writer.End();
    }
}

/// <summary>Shards whose logs have grown: a hint that may get lost.</summary>
internal readonly record struct CommittedMessage(IReadOnlyList<int> Shards) : IWireMessage
{
    public const int MaxShards = 4096;

    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Committed, WireWriter.MaxVarint + (Shards.Count * 5));
        writer.Number(Shards.Count);
        foreach (var shard in Shards)
        {
            writer.Number(shard);
        }

        writer.End();
    }
}

internal static class RouteWire
{
    public static int Most(ShardRoute? route) => (4 * WireWriter.MaxVarint) + WireWriter.Most(route?.Owner?.Node.Node) + WireWriter.Most(route?.Owner?.Address);

    public static void Write(ref WireWriter writer, int shardId, ShardRoute? route)
    {
        writer.Number(shardId);
        writer.Number(route?.Epoch ?? 0);
        writer.Text(route?.Owner?.Node.Node);
        writer.Number(route?.Owner?.Node.Incarnation ?? 0);
        writer.Text(route?.Owner?.Address);
    }

    public static (int ShardId, ShardRoute Route) Read(ref WireReader reader)
    {
        var (shardId, epoch, node, incarnation, address) = (reader.Int32(), reader.Number(), reader.OptionalText(), reader.Number(), reader.OptionalText());
        return (shardId, new ShardRoute(node is null ? null : new Peer(new NodeIncarnation(node, incarnation), address ?? ""), epoch));
    }
}

internal static class WireJson
{
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    public static void Write<T>(IBufferWriter<byte> output, T value, JsonTypeInfo<T> type)
    {
        var writer = Interlocked.Exchange(ref t_writer, null) ?? new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        writer.Reset(output);
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
        writer.Reset(Stream.Null);
        t_writer = writer;
    }

    /// <exception cref="InvalidDataException">It is not this type's JSON.</exception>
    public static T Read<T>(ReadOnlySequence<byte> json, JsonTypeInfo<T> type)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            return JsonSerializer.Deserialize(ref reader, type) ?? throw new InvalidDataException($"A message from another node holds a null {typeof(T).Name}.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or FormatException or ArgumentException)
        {
            // The serializer says in many ways that something is not of the type.
            throw new InvalidDataException($"A message from another node holds no {typeof(T).Name}: {e.Message}", e);
        }
    }
}
