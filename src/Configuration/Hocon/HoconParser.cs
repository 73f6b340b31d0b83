namespace RagCluster.Configuration.Hocon;

/// <summary>
/// Reads one HOCON text into nodes, by recursive descent. How deep it may go is counted, and the stack that is left is
/// looked at as well, so that no text can overflow it.
/// </summary>
internal sealed class HoconParser
{
    private readonly HoconScanner _scanner;
    private readonly HoconFiles _files;
    private readonly HoconFile _file;
    private readonly IReadOnlyList<HoconScope> _outer;
    private int _depth;

    // Where the object being parsed lies: what an include below it, and += in it, refer to.
    private HoconScope _scope = HoconScope.Root;
    private readonly List<string> _path = [];

    /// <param name="outer">The scopes of the including file; the root alone for a file that nobody included.</param>
    /// <param name="depth">How deep the include stands in the files around it.</param>
    public HoconParser(string text, HoconFile file, HoconFiles files, IReadOnlyList<HoconScope> outer, int depth)
    {
        _scanner = new HoconScanner(file.Name, text, files.Limits);
        (_file, _files, _outer, _depth) = (file, files, outer, depth);
        _scope = outer[0];
    }

    public HoconNode ParseDocument()
    {
        _scanner.SkipBlank();
        HoconNode root;
        if (_scanner.Current == '[')
        {
            root = ParseArray();
        }
        else if (_scanner.Current == '{')
        {
            root = ParseObject();
        }
        else
        {
            var fields = new ObjectNode(_scanner.Here);
            ParseFields(fields, braced: false);
            return fields;
        }

        ExpectEnd();
        return root;
    }

    /// <summary>One value on its own, such as the right-hand side of a command-line override or a lonely JSON scalar.</summary>
    public HoconNode ParseSingleValue()
    {
        _scanner.SkipBlank();
        var value = ParseValue();
        ExpectEnd();
        return value;
    }

    private void ExpectEnd()
    {
        _scanner.SkipBlank();
        if (!_scanner.AtEnd)
        {
            throw _scanner.Expected("the end of the file", "The value that began the file has ended before.");
        }
    }

    private ObjectNode ParseObject()
    {
        var node = new ObjectNode(_scanner.Here);
        Enter();
        _scanner.Position++;
        ParseFields(node, braced: true);
        _depth--;
        return node;
    }

    private void ParseFields(ObjectNode node, bool braced)
    {
        while (true)
        {
            _scanner.SkipBlank();
            if (_scanner.AtEnd && !braced)
            {
                return;
            }

            if (_scanner.Current == '}' && braced)
            {
                _scanner.Position++;
                return;
            }

            if (_scanner.AtEnd)
            {
                throw _scanner.Expected($"'}}' for the '{{' at {node.Origin}", "Close the object.");
            }

            if (AtInclude())
            {
                ParseInclude(node);
            }
            else
            {
                ParseField(node);
            }

            ExpectSeparator('}', braced || _scanner.AtEnd);
        }
    }

    private void ParseField(ObjectNode node)
    {
        var origin = _scanner.Here;
        var key = _scanner.ReadPath(_scanner.Current == '}' ? "a key, as no '{' is open" : "a key");
        _scanner.SkipBlank();
        var append = _scanner.StartsWith("+=");
        if (append)
        {
            _scanner.Position += 2;
        }
        else if (_scanner.Current is ':' or '=')
        {
            _scanner.Position++;
        }
        else if (_scanner.Current != '{')
        {
            throw _scanner.Expected(
                $"'=', ':', '+=' or '{{' after the key {HoconPath.Render(key)}", "A key with other characters must be in double quotes.");
        }

        _scanner.SkipBlank();
        Enter(origin, key.Count - 1);
        _path.AddRange(key);
        var value = ParseValue();
        if (append)
        {
            // a += b is a = ${?a} [b], and that ${?a} is this very field.
            var self = new SubstitutionNode(_path.ToArray(), optional: true, [_scope], origin) { IsSelf = true };
            var item = new ArrayNode(value.Origin);
            item.Items.Add(value);
            value = new ConcatenationNode([self, item], origin);
        }

        _path.RemoveRange(_path.Count - key.Count, key.Count);
        _depth -= key.Count - 1;
        node.Add(key, value);
    }

    private ArrayNode ParseArray()
    {
        var node = new ArrayNode(_scanner.Here);
        Enter();
        _scanner.Position++;
        while (true)
        {
            _scanner.SkipBlank();
            if (_scanner.Current == ']')
            {
                _scanner.Position++;
                _depth--;
                return node;
            }

            if (_scanner.AtEnd)
            {
                throw _scanner.Expected($"']' for the '[' at {node.Origin}", "Close the array.");
            }

            node.Items.Add(ParseValue(inArray: true));
            ExpectSeparator(']', closes: true);
        }
    }

    /// <summary>A value: parts on one line, concatenated.</summary>
    private HoconNode ParseValue(bool inArray = false)
    {
        var parts = new List<HoconNode>();
        var origin = _scanner.Here;
        while (true)
        {
            var gapOrigin = _scanner.Here;
            var gap = _scanner.ReadGap();
            if (_scanner.AtEnd || _scanner.Current is '\n' or ',' or '}' or ']' || _scanner.AtComment)
            {
                return parts.Count switch
                {
                    0 => throw _scanner.Expected("a value", "An empty string is written \"\", no value null."),
                    1 => parts[0],
                    _ => new ConcatenationNode(parts, origin),
                };
            }

            if (gap.Length > 0 && parts.Count > 0)
            {
                parts.Add(new LiteralNode(new HoconScalar(HoconScalarKind.String, gap, gapOrigin)) { IsGap = true });
            }

            parts.Add(ParsePart(inArray));
        }
    }

    private HoconNode ParsePart(bool inArray)
    {
        var origin = _scanner.Here;
        switch (_scanner.Current)
        {
            case '{' when inArray:
                return ParseObjectInArray();
            case '{':
                return ParseObject();
            case '[':
                return ParseArray();
            case '"':
                return new LiteralNode(new HoconScalar(HoconScalarKind.String, _scanner.ReadQuoted(), origin));
            case '$':
                return ParseSubstitution();
        }

        var text = _scanner.ReadUnquoted();
        if (text.Length == 0)
        {
            throw _scanner.Expected("a value", "Text with this character must be in double quotes.");
        }

        var kind = text switch
        {
            "null" => HoconScalarKind.Null,
            "true" or "false" => HoconScalarKind.Boolean,
            _ when HoconScanner.NumberLength(text) == text.Length => HoconScalarKind.Number,
            _ => HoconScalarKind.String,
        };
        return new LiteralNode(new HoconScalar(kind, text, origin));
    }

    // No path leads into an array, so what is written inside an element counts from the element.
    private ObjectNode ParseObjectInArray()
    {
        var (scope, path) = (_scope, _path.ToArray());
        var node = new ObjectNode(_scanner.Here);
        _scope = new HoconScope(node, []);
        _path.Clear();
        Enter();
        _scanner.Position++;
        ParseFields(node, braced: true);
        _depth--;
        _scope = scope;
        _path.AddRange(path);
        return node;
    }

    private SubstitutionNode ParseSubstitution()
    {
        var origin = _scanner.Here;
        _scanner.Position++;
        if (_scanner.Current != '{')
        {
            throw _scanner.Expected("'{' after '$'", "A substitution is written ${path}; a '$' that is text must be in double quotes.");
        }

        _scanner.Position++;
        var optional = _scanner.Current == '?';
        _scanner.Position += optional ? 1 : 0;
        var path = _scanner.ReadPath("a path such as a.b.c in the substitution");
        if (_scanner.Current != '}')
        {
            throw _scanner.Expected($"'}}' for the substitution at {origin}", "A path with other characters must be in double quotes.");
        }

        _scanner.Position++;
        return new SubstitutionNode(path, optional, _outer, origin);
    }

    /// <summary>The unquoted word include where a key begins.</summary>
    private bool AtInclude()
    {
        if (!_scanner.StartsWith("include"))
        {
            return false;
        }

        var start = _scanner.Position;
        _scanner.Position += "include".Length;
        var found = _scanner.AtUnquotedEnd;
        _scanner.Position = start;
        return found;
    }

    private void ParseInclude(ObjectNode node)
    {
        var include = HoconInclude.Parse(_scanner);

        // The fields of the object around are counted from its scope; the files around that stay visible.
        var here = _scope.Below(_path);
        IReadOnlyList<HoconScope> scopes = here == _outer[0] ? _outer : [here, .. _outer];
        foreach (var included in _files.Include(include, _file, scopes, _depth))
        {
            node.Merge(included);
        }
    }

    private void ExpectSeparator(char close, bool closes)
    {
        var newline = _scanner.SkipBlank();
        if (_scanner.Current == ',' && !_scanner.AtEnd)
        {
            _scanner.Position++;
            _scanner.SkipBlank();
            if (_scanner.Current == ',')
            {
                throw _scanner.Expected($"a value or '{close}' after the comma", "Remove one of the commas.");
            }
        }
        else if (!newline && !_scanner.AtEnd && !(closes && _scanner.Current == close))
        {
            throw _scanner.Expected(
                closes ? $"a comma, a new line or '{close}'" : "a comma or a new line", _scanner.Current is ':' or '=' ? "Text with this character must be in double quotes." : null);
        }
    }

    private void Enter() => Enter(_scanner.Here, 1);

    private void Enter(HoconOrigin origin, int levels)
    {
        _depth += levels;
        if (_depth > _files.Limits.MaxDepth || !System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new HoconException(
                origin, "one more level of nesting", $"at most {_files.Limits.MaxDepth} objects, arrays and path elements inside each other",
                "Write it flatter.");
        }
    }
}
