namespace RagCluster.Kernel.Journal;

public enum StoreFailure
{
    /// <summary>No room on the disk. Reads go on; writes work again once there is room.</summary>
    DiskFull,

    /// <summary>The operating system could not read or write.</summary>
    InputOutput,

    /// <summary>Somebody else held the store for too long.</summary>
    Busy,

    /// <summary>The database server does not answer, or is only a standby for now.</summary>
    Unreachable,

    /// <summary>What was read is not what was written.</summary>
    Corrupt,

    /// <summary>The store was closed.</summary>
    Closed,

    /// <summary>Anything else: a defect here or in the engine.</summary>
    Other,
}

/// <summary>The store could not do it, and nothing was written. The message says what to do.</summary>
public class StoreException : Exception
{
    public StoreException()
    {
    }

    public StoreException(string message)
        : base(message)
    {
    }

    public StoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public StoreException(StoreFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    public StoreFailure Failure { get; } = StoreFailure.Other;
}

/// <summary>
/// The store exists but must not be used as asked: another process has it, it is corrupt or newer than this program,
/// or a frozen setting differs. Trying again does not help; the message says what does.
/// </summary>
public sealed class StoreRefusedException : StoreException
{
    public StoreRefusedException()
    {
    }

    public StoreRefusedException(string message)
        : base(message)
    {
    }

    public StoreRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
