using System.Collections;
using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration.Binding;

/// <summary>
/// Sets option records from a resolved configuration, strictly: every key must be known and every value of its type and
/// within its range. It goes on after an error, so that all of them are told at once; what is wrong keeps its default.
/// </summary>
internal sealed class OptionsBinder(IReadOnlyCollection<string> knownKeys)
{
    private readonly Dictionary<string, EffectiveSetting> _settings = new(StringComparer.Ordinal);

    public List<ConfigurationError> Errors { get; } = [];

    /// <summary>Every value that was set, in the order of the records.</summary>
    public IReadOnlyCollection<EffectiveSetting> Settings => _settings.Values;

    public object Bind(Type type, HoconObject source, string path, bool isItem = false)
    {
        var errors = Errors.Count;
        var options = Activator.CreateInstance(type)!;
        var keys = OptionsSchema.Keys(type, path).ToArray();
        foreach (var key in keys)
        {
            var name = key.Path[(key.Path.LastIndexOf('.') + 1)..];
            if (source[name] is { } value)
            {
                if (ReadKey(key, value, out var read))
                {
                    key.Property.SetValue(options, read);
                }
            }
            else if (isItem && key.Within is { Minimum: not "0" } && key.Property.GetValue(options) is "")
            {
                Errors.Add(new(source.Origin, $"{key.Path} is missing, expected {OptionValue.Describe(key.Type, key.Within)}."));
            }
        }

        foreach (var unknown in source.Keys.Where(name => !keys.Any(key => key.Path == Join(path, name))))
        {
            Errors.Add(Unknown(source[unknown]!.Origin, Join(path, HoconPath.Render([unknown]))));
        }

        if (Errors.Count == errors && options is IChecked check)
        {
            foreach (var (key, expected) in check.Problems())
            {
                var full = Join(path, key);
                var setting = _settings.GetValueOrDefault(full);
                Errors.Add(new(Culprit(setting, path) ?? source.Origin, $"{full} is {setting?.Value ?? "missing"}, expected {expected}."));
            }
        }

        return options;
    }

    public ConfigurationError Unknown(HoconOrigin origin, string key, Func<string, string>? show = null)
    {
        var nearest = Nearest.To(key, knownKeys);
        return new(origin, $"{key} is not a setting.{(nearest is null ? " hocon/reference.conf lists them all." : $" Did you mean {(show ?? (k => k))(nearest)}?")}");
    }

    // Defaults agree with each other: where one of them does not fit, something beside it was changed.
    private HoconOrigin? Culprit(EffectiveSetting? setting, string path) =>
        setting is null || !IsDefault(setting)
            ? setting?.Origin
            : (_settings.Values.FirstOrDefault(other => other.Key.StartsWith(path + ".", StringComparison.Ordinal) && !IsDefault(other)) ?? setting).Origin;

    private static bool IsDefault(EffectiveSetting setting) => setting.Origin.Source.StartsWith(RagClusterConfiguration.BuiltInPrefix, StringComparison.Ordinal);

    private bool ReadKey(OptionKey key, HoconValue value, out object? read)
    {
        read = null;
        if (key.IsGroup)
        {
            if (value is not HoconObject group)
            {
                return Wrong(key, value);
            }

            read = Bind(key.Type, group, key.Path);
            return true;
        }

        if (OptionsSchema.ItemType(key.Type) is { } itemType)
        {
            return ReadList(key, itemType, value, out read);
        }

        return ReadScalar(key, key.Path, key.Type, value, key.Within, out read);
    }

    private bool ReadList(OptionKey key, Type itemType, HoconValue value, out object? read)
    {
        read = null;
        var array = value as HoconArray ?? (value as HoconObject)?.AsArray();
        if (array is null || OptionValue.Read(typeof(int), $"{array.Items.Count}", key.Within) is null)
        {
            return Wrong(key, value);
        }

        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(itemType))!;
        var complete = true;
        for (var i = 0; i < array.Items.Count; i++)
        {
            var path = $"{key.Path}.{i}";
            var item = array.Items[i];
            if (OptionsSchema.IsGroup(itemType))
            {
                complete &= item is HoconObject || Wrong(item, path, "an object in { }", key.IsSecret);
                list.Add(item is HoconObject group ? Bind(itemType, group, path, isItem: true) : Activator.CreateInstance(itemType));
            }
            else
            {
                complete &= ReadScalar(key, path, itemType, item, null, out var scalar);
                list.Add(scalar ?? (itemType == typeof(string) ? "" : Activator.CreateInstance(itemType)));
            }
        }

        if (list.Count == 0)
        {
            _settings[key.Path] = new(key.Path, "[]", value.Origin);
        }

        read = list;
        return complete;
    }

    private bool ReadScalar(OptionKey key, string path, Type type, HoconValue value, WithinAttribute? within, out object? read)
    {
        read = null;
        if (value is HoconScalar { Kind: HoconScalarKind.Null } && key.IsNullable)
        {
            _settings[path] = new(path, "null", value.Origin);
            return true;
        }

        if (value is HoconScalar { Kind: not HoconScalarKind.Null } scalar)
        {
            read = OptionValue.Read(type, scalar.Text, within);
        }

        if (read is null)
        {
            return Wrong(value, path, OptionValue.Describe(type, within), key.IsSecret);
        }

        _settings[path] = new(path, key.IsSecret ? EffectiveSetting.Masked : OptionValue.Render(read), value.Origin);
        return true;
    }

    private bool Wrong(OptionKey key, HoconValue value) => Wrong(value, key.Path, OptionValue.Describe(key.Type, key.Within), key.IsSecret);

    private bool Wrong(HoconValue value, string path, string expected, bool secret)
    {
        Errors.Add(new(value.Origin, $"{path} is {(secret ? EffectiveSetting.Masked : value.Description)}, expected {expected}."));
        return false;
    }

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
