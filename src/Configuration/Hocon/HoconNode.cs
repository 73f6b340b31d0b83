namespace RagCluster.Configuration.Hocon;

/// <summary>What the parser reads, before substitutions are resolved.</summary>
internal abstract class HoconNode(HoconOrigin origin)
{
    public HoconOrigin Origin { get; } = origin;
}

/// <summary>A value that needs no resolving.</summary>
internal sealed class LiteralNode(HoconScalar value) : HoconNode(value.Origin)
{
    public HoconScalar Value { get; } = value;

    /// <summary>Unquoted white space between the parts of a concatenation: kept between strings, ignored between objects or arrays.</summary>
    public bool IsGap { get; init; }
}

internal sealed class ArrayNode(HoconOrigin origin) : HoconNode(origin)
{
    public List<HoconNode> Items { get; } = [];
}

internal sealed class ConcatenationNode(IReadOnlyList<HoconNode> parts, HoconOrigin origin) : HoconNode(origin)
{
    public IReadOnlyList<HoconNode> Parts { get; } = parts;
}

/// <summary>
/// Where a substitution's path may begin: at <see cref="Prefix"/> below <see cref="Anchor"/>, or below the root of the
/// whole configuration where the anchor is null. An included file's substitutions look below the include first.
/// The anchor is set inside arrays, which no path can reach into.
/// </summary>
internal sealed record HoconScope(ObjectNode? Anchor, IReadOnlyList<string> Prefix)
{
    public static HoconScope Root { get; } = new(null, []);

    public HoconScope Below(IReadOnlyList<string> path) => path.Count == 0 ? this : new(Anchor, [.. Prefix, .. path]);
}

internal sealed class SubstitutionNode(IReadOnlyList<string> path, bool optional, IReadOnlyList<HoconScope> scopes, HoconOrigin origin) : HoconNode(origin)
{
    public IReadOnlyList<string> Path { get; } = path;

    public bool Optional { get; } = optional;

    /// <summary>Tried in this order; then the environment, unless <see cref="IsSelf"/>.</summary>
    public IReadOnlyList<HoconScope> Scopes { get; } = scopes;

    /// <summary>The hidden reference of <c>a += b</c> to the field's own earlier value.</summary>
    public bool IsSelf { get; init; }

    /// <summary>Resolved once and kept, as the specification asks.</summary>
    public bool IsResolved { get; set; }

    public bool IsResolving { get; set; }

    public HoconValue? Resolved { get; set; }
}

/// <summary>
/// One key: everything that was assigned to it and may still matter, oldest first. A scalar or array ends what was
/// below it; an object merges into an object just below it; a substitution must wait for the resolver.
/// </summary>
internal sealed class FieldNode
{
    public List<HoconNode> Layers { get; } = [];

    /// <summary>
    /// While layer i is being resolved only the layers below i can be seen, so that a self-reference looks back.
    /// Null: all.
    /// </summary>
    public int? Visible { get; set; }

    public void Add(HoconNode node)
    {
        switch (node)
        {
            case LiteralNode or ArrayNode:
                Layers.Clear();
                Layers.Add(node);
                break;
            case ObjectNode added when Layers is [.., ObjectNode last]:
                last.Merge(added);
                break;
            default:
                Layers.Add(node);
                break;
        }
    }
}

internal sealed class ObjectNode(HoconOrigin origin) : HoconNode(origin)
{
    private readonly Dictionary<string, FieldNode> _fields = new(StringComparer.Ordinal);

    public List<string> Keys { get; } = [];

    public FieldNode? this[string key] => _fields.GetValueOrDefault(key);

    /// <summary>Assigns to a path, which makes the objects on the way.</summary>
    public void Add(IReadOnlyList<string> path, HoconNode node)
    {
        for (var i = path.Count - 1; i > 0; i--)
        {
            var outer = new ObjectNode(node.Origin);
            outer.Add(path[i], node);
            node = outer;
        }

        Add(path[0], node);
    }

    /// <summary>Adds the fields of an object that was written later.</summary>
    public void Merge(ObjectNode later)
    {
        foreach (var key in later.Keys)
        {
            foreach (var layer in later._fields[key].Layers)
            {
                Add(key, layer);
            }
        }
    }

    private void Add(string key, HoconNode node)
    {
        if (!_fields.TryGetValue(key, out var field))
        {
            _fields.Add(key, field = new FieldNode());
            Keys.Add(key);
        }

        field.Add(node);
    }
}
