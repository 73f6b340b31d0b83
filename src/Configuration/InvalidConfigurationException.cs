using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration;

/// <summary>One thing that is wrong: where it was written, and what was found and expected.</summary>
public sealed record ConfigurationError(HoconOrigin Origin, string Problem)
{
    public override string ToString() => $"{Origin}: {Problem}";
}

/// <summary>The configuration cannot be used. It names everything that is wrong, not only the first.</summary>
public sealed class InvalidConfigurationException(IReadOnlyList<ConfigurationError> errors)
    : Exception($"The configuration has {(errors.Count == 1 ? "an error" : $"{errors.Count} errors")}:{string.Concat(errors.Select(error => $"{System.Environment.NewLine}  {error}"))}")
{
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
