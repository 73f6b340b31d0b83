namespace RagCluster.Configuration.Hocon;

/// <summary>
/// Puts a configuration together from texts and files, each laid over those before, and resolves it once at the end:
/// a substitution in one may refer to a value of any other. Not thread-safe; use one for one configuration.
/// </summary>
/// <param name="environment">Where a substitution is looked up that the configuration does not define; null: nowhere.</param>
public sealed class HoconBuilder(Func<string, string?>? environment = null, HoconLimits? limits = null)
{
    private readonly HoconFiles _files = new(limits ?? HoconLimits.Default);
    private HoconNode? _root;
    private bool _resolved;

    /// <summary>The environment of the process, as the specification has it.</summary>
    public static Func<string, string?> ProcessEnvironment { get; } = Environment.GetEnvironmentVariable;

    /// <summary>Adds a text; a name that ends in .json or .properties is read as such.</summary>
    /// <exception cref="HoconException">It cannot be read.</exception>
    public HoconBuilder AddText(string text, string name = "text")
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > _files.Limits.MaxBytes)
        {
            throw new HoconException(HoconOrigin.Of(name), $"{text.Length} characters", $"at most {_files.Limits.MaxBytes}");
        }

        return Add(_files.ParseText(text, name));
    }

    /// <summary>Adds a .conf, .json or .properties file.</summary>
    /// <exception cref="HoconException">It cannot be read, or it is absent and not <paramref name="optional"/>.</exception>
    public HoconBuilder AddFile(string path, bool optional = false) => _files.Read(path, optional) is { } node ? Add(node) : this;

    /// <summary>Sets one value, whatever was there before. Objects merge.</summary>
    public HoconBuilder Set(IReadOnlyList<string> path, string text, HoconOrigin origin) =>
        Set(path, new LiteralNode(new HoconScalar(HoconScalarKind.String, text, origin)), origin);

    /// <summary>Sets one value that is itself written in HOCON, such as <c>[a, b]</c>.</summary>
    /// <exception cref="HoconException">It cannot be read.</exception>
    public HoconBuilder SetHocon(IReadOnlyList<string> path, string hocon, HoconOrigin origin)
    {
        var file = new HoconFile(origin.ToString(), null, null);
        return Set(path, new HoconParser(hocon, file, _files, [HoconScope.Root], path.Count).ParseSingleValue(), origin);
    }

    /// <summary>The whole configuration: an object, or an array or scalar where a single text held one.</summary>
    /// <exception cref="HoconException">A substitution has no value, or is part of a cycle.</exception>
    public HoconValue ResolveValue()
    {
        if (_resolved)
        {
            throw new InvalidOperationException("A configuration is resolved once: begin a new one.");
        }

        _resolved = true;
        _root ??= new ObjectNode(HoconOrigin.Of("empty configuration"));
        return new HoconResolver(_root as ObjectNode, environment ?? (_ => null), _files.Limits).Resolve(_root);
    }

    /// <summary>The whole configuration, which must be an object.</summary>
    /// <exception cref="HoconException">As <see cref="ResolveValue"/>, or it is not an object.</exception>
    public HoconObject Resolve() =>
        ResolveValue() is var value && value is HoconObject root
            ? root
            : throw new HoconException(value.Origin, value.Description, "an object", "A configuration consists of keys and values.");

    private HoconBuilder Set(IReadOnlyList<string> path, HoconNode value, HoconOrigin origin)
    {
        var node = new ObjectNode(origin);
        node.Add(path, value);
        return Add(node);
    }

    private HoconBuilder Add(HoconNode node)
    {
        if (_root is not null && !(_root is ObjectNode && node is ObjectNode))
        {
            throw new HoconException(node.Origin, "an array or a plain value that is to be merged", "an object", "Only objects can be laid over each other.");
        }

        if (_root is ObjectNode root)
        {
            root.Merge((ObjectNode)node);
        }
        else
        {
            _root = node;
        }

        return this;
    }
}
