using System.Reflection;
using System.Text;
using RagCluster.Configuration.Binding;
using RagCluster.Configuration.Hocon;
using RagCluster.Configuration.Options;

namespace RagCluster.Configuration;

/// <summary>
/// A value that wins over environment and files.
/// </summary>
/// <param name="Key">The full key, such as <c>ragcluster.http.port</c>.</param>
/// <param name="Value">Text; for a list or a group of keys, HOCON.</param>
/// <param name="Source">What to call it in an error, such as <c>command-line argument --data</c>.</param>
public sealed record ConfigurationOverride(string Key, string Value, string Source)
{
    /// <summary>Reads <c>ragcluster.http.port=9000</c>, the argument of -D.</summary>
    /// <exception cref="InvalidConfigurationException">It has no '='.</exception>
    public static ConfigurationOverride Parse(string argument)
    {
        ArgumentNullException.ThrowIfNull(argument);
        var source = $"command-line argument -D {argument.Split('=')[0]}";
        return argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
            ? new(argument[..at].Trim(), argument[(at + 1)..].Trim(), source)
            : throw new InvalidConfigurationException([new(HoconOrigin.Of(source), "expected a key and a value, such as -D ragcluster.http.port=9000.")]);
    }
}

/// <summary>One value in force, as it would be written, and where it came from. Secrets are masked.</summary>
public sealed record EffectiveSetting(string Key, string Value, HoconOrigin Origin)
{
    public const string Masked = "(hidden)";

    /// <summary>It is built into the program: nobody has set it.</summary>
    public bool IsDefault => Origin.Source.StartsWith(RagClusterConfiguration.BuiltInPrefix, StringComparison.Ordinal);
}

/// <summary>
/// The configuration of a node. What wins, from the strongest: overrides (the command line), environment variables,
/// the user's file, embedded.conf, reference.conf.
/// </summary>
public sealed class RagClusterConfiguration
{
    /// <summary>
    /// What a variable of ours begins with. Two underscores separate levels and one is a hyphen, so that the variables that
    /// Kubernetes sets for a service called ragcluster (RAGCLUSTER_PORT) are none.
    /// </summary>
    public const string EnvironmentPrefix = "RAGCLUSTER__";

    /// <summary>What the origin of a default begins with.</summary>
    internal const string BuiltInPrefix = "built-in ";

    private const string Root = "ragcluster";

    private RagClusterConfiguration(RagClusterOptions options, IReadOnlyList<EffectiveSetting> settings) => (Options, Settings) = (options, settings);

    public RagClusterOptions Options { get; }

    /// <summary>Every key with its value and origin.</summary>
    public IReadOnlyList<EffectiveSetting> Settings { get; }

    /// <summary>A configuration built into the program: <c>reference.conf</c> or <c>embedded.conf</c>.</summary>
    public static string BuiltIn(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new ArgumentException($"No configuration {name} is built in.", nameof(name));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The environment of the process.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<System.Collections.DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);

    /// <param name="file">The user's file; null: none. If it is named it must exist.</param>
    /// <param name="environment">Variables; null: those of the process.</param>
    /// <param name="overrides">Later ones win.</param>
    /// <exception cref="InvalidConfigurationException">Something is wrong; it says everything that is.</exception>
    public static RagClusterConfiguration Load(
        string? file = null,
        IReadOnlyDictionary<string, string>? environment = null,
        params IEnumerable<ConfigurationOverride> overrides)
    {
        environment ??= ProcessEnvironment();
        var keys = OptionsSchema.Walk(typeof(RagClusterOptions), Root).ToDictionary(key => key.Path, StringComparer.Ordinal);
        var binder = new OptionsBinder(keys.Keys);
        var builder = new HoconBuilder(name => environment.GetValueOrDefault(name));
        Try(binder, () => builder.AddText(BuiltIn("reference.conf"), BuiltInPrefix + "reference.conf").AddText(BuiltIn("embedded.conf"), BuiltInPrefix + "embedded.conf"));
        if (file is not null)
        {
            Try(binder, () => builder.AddFile(file));
        }

        foreach (var (name, value) in environment.Where(variable => variable.Key.StartsWith(EnvironmentPrefix, StringComparison.Ordinal)).OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            var key = string.Join('.', name.Split("__")).Replace('_', '-').ToLowerInvariant();
            var origin = HoconOrigin.Of($"environment variable {name}");
            Try(binder, () => Set(builder, binder, keys, key, value, origin, VariableName));
        }

        foreach (var entry in overrides)
        {
            Try(binder, () => Set(builder, binder, keys, entry.Key, entry.Value, HoconOrigin.Of(entry.Source), key => key));
        }

        RagClusterOptions? options = null;
        Try(binder, () => options = Bind(binder, builder.Resolve()));
        return binder.Errors.Count == 0
            ? new RagClusterConfiguration(options!, [.. binder.Settings])
            : throw new InvalidConfigurationException(binder.Errors);
    }

    /// <summary>One line for each key: the value, and as a comment its origin.</summary>
    public string Render()
    {
        var result = new StringBuilder();
        foreach (var setting in Settings)
        {
            result.Append(setting.Key).Append(" = ").Append(setting.Value).Append("  # ").Append(setting.Origin).Append('\n');
        }

        return result.ToString();
    }

    /// <summary>The environment variable for a key.</summary>
    public static string VariableName(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Replace(".", "__", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();
    }

    private static RagClusterOptions Bind(OptionsBinder binder, HoconObject root)
    {
        // Beside the product's own keys only `vars` is allowed: a key without its prefix would be ignored in silence.
        foreach (var key in root.Keys.Where(key => key is not (Root or "vars")))
        {
            binder.Errors.Add(binder.Unknown(root[key]!.Origin, HoconPath.Render([key])));
        }

        if (root[Root] is HoconObject source)
        {
            return (RagClusterOptions)binder.Bind(typeof(RagClusterOptions), source, Root);
        }

        throw new HoconException(root[Root]?.Origin ?? root.Origin, $"{Root} is {root[Root]?.Description ?? "missing"}, expected an object in {{ }}.");
    }

    private static void Set(
        HoconBuilder builder, OptionsBinder binder, Dictionary<string, OptionKey> keys, string key, string value, HoconOrigin origin, Func<string, string> show)
    {
        var path = HoconPath.Parse(key, origin);
        if (path[0] == "vars" && path.Count > 1)
        {
            builder.Set(path, value, origin);
        }
        else if (!keys.TryGetValue(string.Join('.', path), out var known))
        {
            binder.Errors.Add(binder.Unknown(origin, key, show));
        }
        else if (known.IsList || known.IsGroup || (known.IsNullable && value == "null"))
        {
            builder.SetHocon(path, value, origin);
        }
        else
        {
            // As it is: a path or an address need not be quoted for HOCON.
            builder.Set(path, value, origin);
        }
    }

    private static void Try(OptionsBinder binder, Action step)
    {
        try
        {
            step();
        }
        catch (HoconException e)
        {
            binder.Errors.Add(new(e.Origin, e.Problem));
        }
    }
}
