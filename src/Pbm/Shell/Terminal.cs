namespace RagCluster.Pbm.Shell;

/// <summary>Where pbm reads and writes: the process's own console, or what a test gives.</summary>
/// <param name="IsInteractive">Somebody sits there: both ends are a terminal.</param>
internal sealed record Terminal(TextReader In, TextWriter Out, TextWriter Error, bool IsInteractive)
{
    public static Terminal Process => new(Console.In, Console.Out, Console.Error, !Console.IsInputRedirected && !Console.IsOutputRedirected);
}
