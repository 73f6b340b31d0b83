using System.Reflection;
using System.Text;

namespace RagCluster.Configuration.Binding;

/// <summary>One key and the property that it sets.</summary>
internal sealed record OptionKey(string Path, PropertyInfo Property)
{
    public Type Type => Property.PropertyType;

    public bool IsList => OptionsSchema.ItemType(Type) is not null;

    public bool IsGroup => OptionsSchema.IsGroup(Type);

    public bool IsNullable => Type == typeof(string) && new NullabilityInfoContext().Create(Property).WriteState == NullabilityState.Nullable;

    public WithinAttribute? Within => Property.GetCustomAttribute<WithinAttribute>();

    public bool IsSecret => Property.GetCustomAttribute<SecretAttribute>() is not null;
}

/// <summary>The keys that there are, read off the option records: a property that can be set is a key in kebab case.</summary>
internal static class OptionsSchema
{
    /// <summary>All keys below a record, groups included, items of lists left out.</summary>
    public static IEnumerable<OptionKey> Walk(Type type, string prefix)
    {
        foreach (var key in Keys(type, prefix))
        {
            yield return key;
            if (key.IsGroup)
            {
                foreach (var inner in Walk(key.Type, key.Path))
                {
                    yield return inner;
                }
            }
        }
    }

    public static IEnumerable<OptionKey> Keys(Type type, string prefix) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is { IsPublic: true })
        .Select(property => new OptionKey(prefix.Length == 0 ? Kebab(property.Name) : $"{prefix}.{Kebab(property.Name)}", property));

    /// <summary>A record of options, as opposed to a value.</summary>
    public static bool IsGroup(Type type) => type.IsClass && type != typeof(string) && ItemType(type) is null;

    public static Type? ItemType(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>MaxRequestSize is max-request-size.</summary>
    public static string Kebab(string name)
    {
        var result = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && result.Length > 0)
            {
                result.Append('-');
            }

            result.Append(char.ToLowerInvariant(c));
        }

        return result.ToString();
    }

    /// <summary>The names of an enumeration as they are written in a configuration.</summary>
    public static IEnumerable<string> Names(Type enumeration) => Enum.GetNames(enumeration).Select(name => name.ToLowerInvariant());
}
