namespace RagCluster.Messages.Identity;

/// <summary>
/// On whose behalf something is done. It is made by the gateway from a verified token, never from a message's body,
/// and travels with every command and query that reads or writes a tenant's data.
/// </summary>
public sealed record Principal(TenantId Tenant, UserId User, RoleSet Roles);

/// <summary>
/// A set of role names, kept sorted and without duplicates so that equal sets are equal, and serialise equally.
/// On a document: any one of these may read it; empty means everybody in the tenant. On a principal: the roles held.
/// </summary>
[System.Text.Json.Serialization.JsonConverter(typeof(RoleSetConverter))]
public sealed class RoleSet : IEquatable<RoleSet>
{
    private readonly string[] _names;

    private RoleSet(string[] names) => _names = names;

    /// <summary>No role.</summary>
    public static RoleSet Empty { get; } = new([]);

    /// <summary>The names in ordinal order.</summary>
    public IReadOnlyList<string> Names => _names;

    public bool IsEmpty => _names.Length == 0;

    /// <summary>The set of <paramref name="names"/>, trimmed, lower-cased, blanks left out.</summary>
    public static RoleSet Of(params IEnumerable<string> names)
    {
        var sorted = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (!string.IsNullOrWhiteSpace(name))
            {
                sorted.Add(name.Trim().ToLowerInvariant());
            }
        }

        return sorted.Count == 0 ? Empty : new RoleSet([.. sorted]);
    }

    public bool Contains(string name) => Array.BinarySearch(_names, name, StringComparer.Ordinal) >= 0;

    /// <summary>Whether someone who holds these roles may read what <paramref name="readers"/> restricts.</summary>
    public bool MayRead(RoleSet readers)
    {
        if (readers.IsEmpty)
        {
            return true;
        }

        foreach (var name in readers._names)
        {
            if (Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What both sets hold: a client may act with fewer roles than it has, never with more.</summary>
    public RoleSet Intersect(RoleSet other) => Of(_names.Where(other.Contains));

    public bool Equals(RoleSet? other) => other is not null && _names.AsSpan().SequenceEqual(other._names);

    public override bool Equals(object? obj) => Equals(obj as RoleSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var name in _names)
        {
            hash.Add(name);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(",", _names);
}

/// <summary>Writes a role set as an array of strings.</summary>
public sealed class RoleSetConverter : System.Text.Json.Serialization.JsonConverter<RoleSet>
{
    public override RoleSet Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options)
    {
        if (reader.TokenType != System.Text.Json.JsonTokenType.StartArray)
        {
            throw new System.Text.Json.JsonException("Roles are an array of strings.");
        }

        var names = new List<string>();
        while (reader.Read() && reader.TokenType != System.Text.Json.JsonTokenType.EndArray)
        {
            names.Add(reader.GetString() ?? throw new System.Text.Json.JsonException("A role is a string."));
        }

        return RoleSet.Of(names);
    }

    public override void Write(System.Text.Json.Utf8JsonWriter writer, RoleSet value, System.Text.Json.JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var name in value.Names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }
}
