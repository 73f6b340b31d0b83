namespace RagCluster.Actors.Publication;

/// <summary>An event for the world outside.</summary>
/// <param name="Source">The entity type whose log it is from.</param>
/// <param name="Key">The entity; events of one stay in order.</param>
/// <param name="Id">The same whenever the event is published: who gets it twice recognises it.</param>
/// <param name="Json">UTF-8.</param>
public sealed record OutgoingEvent(string Source, string Key, string Id, string Type, string Tenant, ReadOnlyMemory<byte> Json);

/// <summary>Where events go that others want to hear of, such as a Kafka topic.</summary>
public interface IEventSink
{
    /// <summary>The entity types whose events are wanted.</summary>
    IReadOnlySet<string> Sources { get; }

    /// <summary>Completes when all of them are safe there. If it throws, all are published again later.</summary>
    ValueTask PublishAsync(IReadOnlyList<OutgoingEvent> events, CancellationToken cancellationToken);
}
