using System.Reflection;

namespace RagCluster.Kernel.Backup;

/// <summary>The version of this program, as its files are marked.</summary>
internal static class ProgramVersion
{
    public static string Text { get; } = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
