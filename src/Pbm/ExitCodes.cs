namespace RagCluster.Pbm;

/// <summary>What the program's exit status says to a script.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>The node said no, or could not do it; standard error says why.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>It was done, and what was found is not well: a store with damage, a node that is not ready.</summary>
    public const int Unwell = 3;

    /// <summary>No node answered.</summary>
    public const int Unreachable = 4;

    /// <summary>The token is not valid, or its role does not allow it.</summary>
    public const int NotAllowed = 5;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;
}

/// <summary>A failure that is told in one line.</summary>
internal sealed class PbmException(string message, int exitCode) : Exception(message)
{
    public int ExitCode => exitCode;
}
