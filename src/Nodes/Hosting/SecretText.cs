using System.Security.Cryptography;
using System.Text;

namespace RagCluster.Nodes.Hosting;

/// <summary>Secrets as the configuration names them: it never holds one itself.</summary>
internal static class SecretText
{
    private const string EnvironmentPrefix = "env:";

    /// <param name="place">A file, whose first line it is, or "env:NAME".</param>
    /// <param name="what">What it is of, for whoever has to repair it.</param>
    /// <exception cref="IOException">It cannot be read, or there is nothing there.</exception>
    public static string Read(string place, string what)
    {
        if (place.StartsWith(EnvironmentPrefix, StringComparison.Ordinal))
        {
            var name = place[EnvironmentPrefix.Length..];
            return Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value
                ? value
                : throw new IOException($"The environment variable {name} of {what} is not set; it must be it.");
        }

        return File.ReadLines(place).FirstOrDefault()?.Trim() is { Length: > 0 } line
            ? line
            : throw new IOException($"The file {place} of {what} is empty; its first line must be it.");
    }

    /// <summary>The SHA-256 of a token that is given by its place or by its hash: 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string HashOf(string name, string? place, string? hash) =>
        hash?.ToLowerInvariant() ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Read(place!, $"token \"{name}\""))));
}
