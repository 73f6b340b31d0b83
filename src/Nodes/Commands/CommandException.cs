namespace RagCluster.Nodes.Commands;

/// <summary>A command cannot be carried out; the message is for its user.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCodes.Failure) : Exception(message)
{
    public int ExitCode => exitCode;
}
