namespace RagCluster.Kernel;

/// <summary>The actor that should have answered has stopped.</summary>
public sealed class ActorStoppedException : Exception
{
    public ActorStoppedException()
    {
    }

    public ActorStoppedException(string message)
        : base(message)
    {
    }

    public ActorStoppedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public ActorStoppedException(ActorPath path)
        : this($"{path} has stopped and does not answer.")
    {
    }
}

/// <summary>A child failed and its supervision escalates: this is how its parent fails.</summary>
public sealed class ChildFailedException : Exception
{
    public ChildFailedException()
    {
    }

    public ChildFailedException(string message)
        : base(message)
    {
    }

    public ChildFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>More messages were stashed than <see cref="SpawnOptions.StashCapacity"/> allows.</summary>
public sealed class StashFullException : Exception
{
    public StashFullException()
    {
    }

    public StashFullException(string message)
        : base(message)
    {
    }

    public StashFullException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
