namespace RagCluster.Configuration.Binding;

/// <summary>
/// The least and the greatest value of an option, both allowed, written as in HOCON: <c>"1"</c>, <c>"10ms"</c>, <c>"64MiB"</c>.
/// For a string it limits the length; for a list the number of items.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WithinAttribute(string minimum, string maximum) : Attribute
{
    public string Minimum { get; } = minimum;

    public string Maximum { get; } = maximum;

    /// <summary>Whether a duration may also be <c>never</c>, which is <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public bool OrNever { get; init; }
}

/// <summary>A value that must not be shown, not even its length.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretAttribute : Attribute;

/// <summary>Options that constrain each other.</summary>
public interface IChecked
{
    /// <summary>What is wrong: the key below these options, such as <c>max-tokens</c>, and what was expected of it.</summary>
    IEnumerable<(string Key, string Expected)> Problems();
}
