namespace RagCluster.Kernel.Entities;

/// <summary>The entity could not decide the command: a defect, not a refusal. It took no effect; sending it again fails again.</summary>
public sealed class CommandFailedException : Exception
{
    public CommandFailedException()
    {
    }

    public CommandFailedException(string message)
        : base(message)
    {
    }

    public CommandFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// The entity failed while the command was under way and is being recovered. Whether the command took effect is not
/// known here: send it again with the same id, and it takes effect once.
/// </summary>
public sealed class EntityFailedException : Exception
{
    public EntityFailedException()
    {
    }

    public EntityFailedException(string message)
        : base(message)
    {
    }

    public EntityFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
