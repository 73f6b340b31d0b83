namespace RagCluster.Kernel.DeadLetters;

/// <summary>A message whose sender waits: it is told when the message has reached nobody, so that nobody waits in vain.</summary>
internal interface IUndeliverable
{
    /// <summary>On the thread that gave the message up: return at once and do not throw.</summary>
    void Undelivered();
}
