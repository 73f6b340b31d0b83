using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace RagCluster.Kafka;

/// <summary>
/// The system's librdkafka under the managed client. The client looks for a library of its own package, which this build
/// does not carry (decision 0016); here it is told where the system's is.
/// </summary>
public static class KafkaLibrary
{
    private static readonly string[] Names = ["librdkafka.so.1", "librdkafka.dylib", "librdkafka.1.dylib", "librdkafka.dll"];
    private static readonly Lock Gate = new();
    private static nint _handle;

    /// <summary>Its version, such as "2.0.2". Loads it.</summary>
    public static string Version
    {
        get
        {
            Load();
            return Library.VersionString;
        }
    }

    /// <summary>The library's own handle, for functions that the client does not have.</summary>
    internal static nint Handle
    {
        get
        {
            Load();
            return _handle;
        }
    }

    /// <summary>Whether this machine has the library.</summary>
    public static bool IsInstalled => Find(out _) != 0;

    /// <summary>Loads the library, once.</summary>
    /// <exception cref="KafkaUnavailableException">This machine does not have it.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (_handle != 0)
            {
                return;
            }

            var handle = Find(out var name);
            if (handle == 0)
            {
                throw new KafkaUnavailableException("Kafka is configured, but librdkafka is not on this machine: install it (Debian and Ubuntu: apt-get install librdkafka1), or remove ragcluster.kafka.bootstrap-servers.");
            }

            // The client asks for "libdl", which newer systems have under its versioned name only, and for "librdkafka".
            NativeLibrary.SetDllImportResolver(typeof(Library).Assembly, (wanted, _, _) =>
                wanted.StartsWith("librdkafka", StringComparison.Ordinal) ? handle
                : wanted.StartsWith("libdl", StringComparison.Ordinal) && NativeLibrary.TryLoad("libdl.so.2", out var dl) ? dl
                : 0);
            if (!Library.IsLoaded && !Library.Load(name))
            {
                throw new KafkaUnavailableException($"{name} is on this machine, but the Kafka client cannot use it.");
            }

            _handle = handle;
        }
    }

    private static nint Find(out string name)
    {
        foreach (var candidate in Names)
        {
            if (NativeLibrary.TryLoad(candidate, out var handle))
            {
                name = candidate;
                return handle;
            }
        }

        name = "";
        return 0;
    }
}

/// <summary>Kafka cannot be used on this machine or as configured; the message says what to do.</summary>
public sealed class KafkaUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
