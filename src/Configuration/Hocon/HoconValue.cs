namespace RagCluster.Configuration.Hocon;

/// <summary>A resolved value: no substitution is left in it. Immutable.</summary>
public abstract class HoconValue
{
    private protected HoconValue(HoconOrigin origin) => Origin = origin;

    public HoconOrigin Origin { get; }

    /// <summary>How deep objects and arrays are nested below and including this one; 0 for a scalar.</summary>
    internal int Depth { get; private protected init; }

    /// <summary>This value and all below it. A shared part counts wherever it appears.</summary>
    internal long Count { get; private protected init; } = 1;

    /// <summary>What to call it in an error.</summary>
    public abstract string Description { get; }
}

public enum HoconScalarKind
{
    Null,
    Boolean,
    Number,
    String,
}

/// <summary>A string, number, boolean or null. <see cref="Text"/> is as it was written, unquoted and unescaped.</summary>
public sealed class HoconScalar(HoconScalarKind kind, string text, HoconOrigin origin) : HoconValue(origin)
{
    public HoconScalarKind Kind { get; } = kind;

    public string Text { get; } = text;

    public override string Description => Kind switch
    {
        HoconScalarKind.Null => "null",
        HoconScalarKind.Boolean => $"the boolean {Text}",
        HoconScalarKind.Number => $"the number {Shown}",
        _ => $"the string \"{Shown}\"",
    };

    private string Shown => Text.Length <= 80 ? Text : Text[..80] + "...";
}

public sealed class HoconArray : HoconValue
{
    public HoconArray(IReadOnlyList<HoconValue> items, HoconOrigin origin)
        : base(origin)
    {
        Items = items;
        Depth = 1 + (items.Count == 0 ? 0 : items.Max(item => item.Depth));
        Count = 1 + items.Sum(item => item.Count);
    }

    public IReadOnlyList<HoconValue> Items { get; }

    public override string Description => $"an array of {Items.Count}";
}

/// <summary>Fields in the order in which their keys were first written.</summary>
public sealed class HoconObject : HoconValue
{
    private readonly Dictionary<string, HoconValue> _fields = new(StringComparer.Ordinal);
    private readonly List<string> _keys = [];

    public HoconObject(IEnumerable<KeyValuePair<string, HoconValue>> fields, HoconOrigin origin)
        : base(origin)
    {
        foreach (var (key, value) in fields)
        {
            _fields.Add(key, value);
            _keys.Add(key);
            Depth = Math.Max(Depth, value.Depth);
            Count += value.Count;
        }

        Depth++;
    }

    public IReadOnlyList<string> Keys => _keys;

    public override string Description => "an object";

    public HoconValue? this[string key] => _fields.GetValueOrDefault(key);

    /// <summary>The value at a path of keys, or null where there is none.</summary>
    public HoconValue? Find(params ReadOnlySpan<string> path)
    {
        HoconValue? value = this;
        foreach (var key in path)
        {
            value = (value as HoconObject)?[key];
        }

        return value;
    }

    /// <summary>Objects merge key by key; of anything else, what is in <paramref name="over"/> wins.</summary>
    internal static HoconObject Merge(HoconObject over, HoconObject under)
    {
        var merged = new Dictionary<string, HoconValue>(StringComparer.Ordinal);
        foreach (var key in under._keys.Concat(over._keys.Where(key => !under._fields.ContainsKey(key))))
        {
            merged[key] = (over[key], under[key]) switch
            {
                (HoconObject o, HoconObject u) => Merge(o, u),
                ({ } o, _) => o,
                (null, var u) => u!,
            };
        }

        return new HoconObject(merged, over.Origin);
    }

    /// <summary>
    /// HOCON's reading of an object as a list: values of its whole-number keys in numeric order, other keys left out.
    /// Null where there is no such key.
    /// </summary>
    internal HoconArray? AsArray()
    {
        var numbered = _keys
            .Select(key => (Key: key, Number: int.TryParse(key, System.Globalization.NumberStyles.None, null, out var n) ? n : -1))
            .Where(entry => entry.Number >= 0)
            .OrderBy(entry => entry.Number)
            .Select(entry => _fields[entry.Key])
            .ToArray();
        return numbered.Length == 0 ? null : new HoconArray(numbered, Origin);
    }
}
