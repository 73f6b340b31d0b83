using Microsoft.Extensions.Configuration;
using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration;

/// <summary>
/// HOCON for Microsoft.Extensions.Configuration: <c>ragcluster.http.port</c> becomes <c>ragcluster:http:port</c>, the items
/// of an array <c>:0</c>, <c>:1</c>, and null, like an empty object or array, a key without value.
/// </summary>
public sealed class HoconConfigurationProvider(HoconConfigurationSource source) : ConfigurationProvider
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="HoconException">It cannot be read, or it is absent and not optional.</exception>
    public override void Load()
    {
        var root = new HoconBuilder(source.Environment).AddFile(source.Path, source.Optional).Resolve();
        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        Flatten(root, "", data);
        Data = data;
    }

    private static void Flatten(HoconValue value, string prefix, Dictionary<string, string?> data)
    {
        switch (value)
        {
            case HoconScalar scalar:
                data[prefix] = scalar.Kind == HoconScalarKind.Null ? null : scalar.Text;
                break;
            case HoconArray { Items.Count: 0 } or HoconObject { Keys.Count: 0 } when prefix.Length > 0:
                data[prefix] = null;
                break;
            case HoconArray array:
                for (var i = 0; i < array.Items.Count; i++)
                {
                    Flatten(array.Items[i], ConfigurationPath.Combine(prefix, i.ToString(System.Globalization.CultureInfo.InvariantCulture)), data);
                }

                break;
            case HoconObject fields:
                foreach (var key in fields.Keys)
                {
                    Flatten(fields[key]!, prefix.Length == 0 ? key : ConfigurationPath.Combine(prefix, key), data);
                }

                break;
        }
    }
}

/// <summary>One HOCON file as a source of configuration.</summary>
public sealed class HoconConfigurationSource : IConfigurationSource
{
    public required string Path { get; init; }

    /// <summary>Whether the file may be absent.</summary>
    public bool Optional { get; init; }

    /// <summary>Where substitutions that the file does not define are looked up: the environment of the process.</summary>
    public Func<string, string?> Environment { get; init; } = HoconBuilder.ProcessEnvironment;

    public IConfigurationProvider Build(IConfigurationBuilder builder) => new HoconConfigurationProvider(this);
}

public static class HoconConfigurationExtensions
{
    /// <summary>Adds a HOCON file over the sources before.</summary>
    public static IConfigurationBuilder AddHocon(this IConfigurationBuilder builder, string file, bool optional = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HoconConfigurationSource { Path = file, Optional = optional });
    }
}
