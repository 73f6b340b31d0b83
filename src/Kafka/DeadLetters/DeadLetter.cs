using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.DeadLetters;

/// <summary>A record that cannot be taken in, and why.</summary>
public sealed record DeadLetter(KafkaRecord Record, string Code, string Detail, DateTimeOffset At);

/// <summary>Where refused records go.</summary>
public interface IDeadLetterSink
{
    /// <summary>Keeps the letter, trying for as long as it takes; tells when it is safe. Never blocks or throws.</summary>
    void Add(DeadLetter letter, Action kept);
}
