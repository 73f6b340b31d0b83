namespace RagCluster.TestKit;

/// <summary>How packets fare from one address to another. Links hide all of it but the delay, as TCP does.</summary>
/// <param name="LeastDelay">Of one packet, one way.</param>
/// <param name="GreatestDelay">Packets overtake each other within this; a link puts them back in order.</param>
/// <param name="Loss">The chance, 0 to 1, that a packet is lost and comes a retransmission later (200 ms, doubling), holding up those behind it.</param>
/// <param name="Duplication">The chance that a packet arrives twice; the link drops the second.</param>
public sealed record Weather(TimeSpan LeastDelay, TimeSpan GreatestDelay, double Loss = 0, double Duplication = 0)
{
    /// <summary>One rack: 50 to 500 microseconds.</summary>
    public static Weather Fair { get; } = new(TimeSpan.FromMicroseconds(50), TimeSpan.FromMicroseconds(500));

    /// <summary>Two continents with a bad line between them.</summary>
    public static Weather Foul { get; } = new(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200), Loss: 0.02, Duplication: 0.05);
}

public sealed record NetworkOptions
{
    /// <summary>For pairs without weather of their own.</summary>
    public Weather Weather { get; init; } = Weather.Fair;

    /// <summary>How long a link stands without a sign of the other end (as heartbeats would see it), give or take a fifth.</summary>
    public TimeSpan DetectionTime { get; init; } = TimeSpan.FromSeconds(3);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>After a failed attempt the next send may try again; doubles to <see cref="GreatestBackoff"/>, with jitter.</summary>
    public TimeSpan LeastBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan GreatestBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes that wait at the sender of one link; one message is taken however large it is.</summary>
    public int QueueBytes { get; init; } = 1 << 20;

    /// <summary>Bytes on the way and not yet handled by the receiver; beyond it the sender's queue fills.</summary>
    public int WindowBytes { get; init; } = 256 << 10;

    /// <summary>A planted bug: the link layer passes on the packets that the network doubled.</summary>
    public bool PassesDuplicates { get; init; }

    /// <summary>A planted bug: the link layer hands packets over in the order of their arrival.</summary>
    public bool PassesDisorder { get; init; }
}
