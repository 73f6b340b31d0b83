using System.Runtime.CompilerServices;
using System.Text;

namespace RagCluster.Configuration.Hocon;

/// <summary>
/// Turns nodes into values.
/// <list type="number">
/// <item>A field is the fold of its layers from the newest down: an object merges with the object below, anything else ends the fold.</item>
/// <item>A substitution looks its path up among the nodes, not among the resolved values, so that an object may refer to its own parts.
/// It sees final values: it looks forward.</item>
/// <item>While a layer that is a substitution or a concatenation is resolved, its field shows only the layers below it:
/// a reference back to the field looks backward, which breaks the cycle. What still meets itself is a cycle, and counts as missing.</item>
/// <item>A substitution is resolved once; what it gave is kept.</item>
/// </list>
/// </summary>
internal sealed class HoconResolver(ObjectNode? root, Func<string, string?> environment, HoconLimits limits)
{
    private int _depth;
    private long _steps;

    public HoconValue Resolve(HoconNode node) =>
        ResolveNode(node) ?? throw new HoconException(node.Origin, "a substitution without a value", "a value");

    /// <summary>Null: an optional substitution without a value.</summary>
    private HoconValue? ResolveNode(HoconNode node)
    {
        if (++_steps > 10L * limits.MaxValues)
        {
            throw new HoconException(node.Origin, "substitutions that take too long to resolve", $"at most {limits.MaxValues} values", "Refer to smaller parts.");
        }

        if (++_depth > 2 * limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new HoconException(node.Origin, "a longer chain of substitutions", $"at most {limits.MaxDepth}", "Refer to the value itself.");
        }

        var value = node switch
        {
            LiteralNode literal => literal.Value,
            ArrayNode array => Checked(new HoconArray(array.Items.Select(ResolveNode).OfType<HoconValue>().ToArray(), array.Origin)),
            ObjectNode fields => ResolveObject(fields),
            ConcatenationNode concatenation => ResolveConcatenation(concatenation),
            SubstitutionNode substitution => ResolveSubstitution(substitution),
            _ => throw new System.Diagnostics.UnreachableException($"A node of type {node.GetType().Name}."),
        };
        _depth--;
        return value;
    }

    private static int VisibleLayers(FieldNode field) => field.Visible ?? field.Layers.Count;

    private HoconObject ResolveObject(ObjectNode node)
    {
        // Only a path that leads to a field may look back. To need the whole object around it is a cycle, so all
        // layers are looked at here, and the substitution meets itself.
        var fields = new List<KeyValuePair<string, HoconValue>>(node.Keys.Count);
        foreach (var key in node.Keys)
        {
            if (ResolveField(node[key]!, node[key]!.Layers.Count, [], out _) is { } value)
            {
                fields.Add(new(key, value));
            }
        }

        return Checked(new HoconObject(fields, node.Origin));
    }

    /// <summary>What lies at <paramref name="path"/> below a field (at the field itself where it is empty), over its first <paramref name="visible"/> layers.</summary>
    /// <param name="final">Whether something on the way hides what an older object may have at the same path.</param>
    private HoconValue? ResolveField(FieldNode field, int visible, ReadOnlySpan<string> path, out bool final)
    {
        final = false;
        HoconObject? merged = null;
        for (var i = visible - 1; i >= 0; i--)
        {
            var found = ResolveLayer(field, i, path, out final);
            switch (found)
            {
                case HoconObject below:
                    merged = merged is null ? below : Checked(HoconObject.Merge(merged, below));
                    break;
                case not null:
                    // A scalar or array: the answer, or hidden by the objects above it.
                    final = true;
                    return merged ?? found;
            }

            if (final)
            {
                break;
            }
        }

        return merged;
    }

    /// <param name="final">Whether nothing below this layer can be seen any more.</param>
    private HoconValue? ResolveLayer(FieldNode field, int index, ReadOnlySpan<string> path, out bool final)
    {
        var layer = field.Layers[index];
        if (layer is ObjectNode fields)
        {
            final = false;
            if (path.IsEmpty)
            {
                return ResolveNode(fields);
            }

            return fields[path[0]] is { } inner ? ResolveField(inner, VisibleLayers(inner), path[1..], out final) : null;
        }

        HoconValue? value;
        if (layer is SubstitutionNode or ConcatenationNode)
        {
            var before = field.Visible;
            field.Visible = index;
            try
            {
                value = ResolveNode(layer);
            }
            finally
            {
                field.Visible = before;
            }
        }
        else
        {
            value = ResolveNode(layer);
        }

        while (!path.IsEmpty && value is HoconObject below)
        {
            value = below[path[0]];
            path = path[1..];
        }

        // An object lets the layers below shine through; an undefined optional substitution does as well.
        final = value is not null and not HoconObject;
        return path.IsEmpty ? value : null;
    }

    private HoconValue? ResolveSubstitution(SubstitutionNode node)
    {
        if (node.IsResolved)
        {
            return node.Resolved;
        }

        var cycle = node.IsResolving;
        HoconValue? value = null;
        if (!cycle)
        {
            node.IsResolving = true;
            try
            {
                value = Find(node);
            }
            finally
            {
                node.IsResolving = false;
            }
        }

        if (value is null && !node.Optional)
        {
            var path = HoconPath.Render(node.Path);
            throw new HoconException(node.Origin, cycle
                ? $"${{{path}}} refers to itself in a circle. Break it, or write ${{?{path}}} where it may be missing."
                : $"${{{path}}} has no value, neither in the configuration nor in the environment. Define it, or write ${{?{path}}} where it may be missing.");
        }

        if (!cycle)
        {
            (node.Resolved, node.IsResolved) = (value, true);
        }

        return value;
    }

    private HoconValue? Find(SubstitutionNode node)
    {
        foreach (var scope in node.Scopes)
        {
            string[] path = [.. scope.Prefix, .. node.Path];
            if ((scope.Anchor ?? root)?[path[0]] is { } field && ResolveField(field, VisibleLayers(field), path.AsSpan(1), out _) is { } value)
            {
                return value;
            }
        }

        return !node.IsSelf && environment(string.Join('.', node.Path)) is { } variable
            ? new HoconScalar(HoconScalarKind.String, variable, HoconOrigin.Of($"environment variable {string.Join('.', node.Path)}"))
            : null;
    }

    private HoconValue? ResolveConcatenation(ConcatenationNode node)
    {
        var parts = node.Parts.Select(part => (IsGap: part is LiteralNode { IsGap: true }, part.Origin, Value: ResolveNode(part))).ToArray();
        var values = parts.Where(part => !part.IsGap && part.Value is not null).ToArray();
        if (values.Length == 0)
        {
            return null;
        }

        if (values.All(part => part.Value is HoconScalar))
        {
            return Join(node.Origin, parts.Select(part => part.Value));
        }

        var joined = values[0].Value!;
        foreach (var (_, origin, value) in values.Skip(1))
        {
            joined = (joined, value) switch
            {
                (HoconObject under, HoconObject over) => HoconObject.Merge(over, under),
                (HoconArray a, HoconArray b) => new HoconArray([.. a.Items, .. b.Items], node.Origin),
                (HoconArray a, HoconObject b) when b.AsArray() is { } list => new HoconArray([.. a.Items, .. list.Items], node.Origin),
                (HoconObject a, HoconArray b) when a.AsArray() is { } list => new HoconArray([.. list.Items, .. b.Items], node.Origin),
                _ => throw new HoconException(
                    origin, $"{value!.Description} after {joined.Description} in one value", "all strings, all arrays or all objects",
                    "Separate them by a comma or a new line, or put text in double quotes."),
            };
            Checked(joined);
        }

        return joined;
    }

    private HoconScalar Join(HoconOrigin origin, IEnumerable<HoconValue?> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts.OfType<HoconScalar>())
        {
            if (text.Length + part.Text.Length > limits.MaxBytes)
            {
                throw new HoconException(origin, "a longer string", $"at most {limits.MaxBytes} characters once its substitutions are resolved");
            }

            text.Append(part.Text);
        }

        return new HoconScalar(HoconScalarKind.String, text.ToString(), origin);
    }

    // Substitutions can nest and multiply what the parser already limited.
    private T Checked<T>(T value)
        where T : HoconValue
    {
        if (value.Depth > 2 * limits.MaxDepth)
        {
            throw new HoconException(value.Origin, "substitutions that nest deeper", $"at most {limits.MaxDepth} objects and arrays inside each other");
        }

        return value.Count <= limits.MaxValues
            ? value
            : throw new HoconException(value.Origin, $"substitutions that multiply to {value.Count} values", $"at most {limits.MaxValues}");
    }
}
