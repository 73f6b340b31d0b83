namespace RagCluster.Nodes.Commands;

/// <summary>What the program's exit status says.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>It could not be done; standard error says why and what to do.</summary>
    public const int Failure = 1;

    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Some of it could not be done: documents failed.</summary>
    public const int Partial = 3;

    /// <summary>The node is no member of its cluster any more; a supervisor starts it anew.</summary>
    public const int Lost = 4;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;
}
