using System.Runtime.CompilerServices;

namespace RagCluster.Kafka.Tests;

/// <summary>Skips, with a message, where librdkafka is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsKafkaFactAttribute : FactAttribute
{
    public NeedsKafkaFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!KafkaLibrary.IsInstalled)
        {
            Skip = "librdkafka is not installed (Debian: apt-get install librdkafka1).";
        }
    }
}
