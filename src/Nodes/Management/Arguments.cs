using System.Globalization;
using System.Text.Json;

namespace RagCluster.Nodes.Management;

/// <summary>
/// The arguments of a management request, wherever its sender puts them: a form (as Pekko's users do), a flat JSON object,
/// or the query.
/// </summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="ArgumentException">The body cannot be read.</exception>
    public static async Task<Arguments> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var arguments = new Arguments();
        foreach (var (name, value) in request.Query)
        {
            arguments._values[name] = value.ToString();
        }

        if (request.HasFormContentType)
        {
            foreach (var (name, value) in await request.ReadFormAsync(cancellationToken))
            {
                arguments._values[name] = value.ToString();
            }
        }
        else if (request.HasJsonContentType())
        {
            using var document = await JsonDocument.ParseAsync(request.Body, default, cancellationToken);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new ArgumentException("The body is to be a JSON object.");
            }

            foreach (var property in document.RootElement.EnumerateObject())
            {
                arguments._values[property.Name] = property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array
                    ? throw new ArgumentException($"\"{property.Name}\" is to be a single value.")
                    : property.Value.ToString();
            }
        }

        return arguments;
    }

    public string? this[string name] => _values.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    /// <exception cref="ArgumentException">It is missing.</exception>
    public string Needed(string name) => this[name] ?? throw new ArgumentException($"\"{name}\" is missing: send it in a form, a JSON object, or the query.");

    /// <exception cref="ArgumentException">It is none of those.</exception>
    public string OneOf(string name, params string[] values) => OneOf(name, Needed(name), values);

    public static string OneOf(string name, string value, params string[] values) =>
        values.FirstOrDefault(known => string.Equals(known, value, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"\"{name}\" is \"{value}\", expected one of {string.Join(", ", values)}.");

    /// <exception cref="ArgumentException">It is no number, or out of range.</exception>
    public static int Number(HttpRequest request, string name, int otherwise, int least, int most)
    {
        var text = request.Query[name].ToString();
        return text.Length == 0 ? otherwise
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value
            : throw new ArgumentException($"\"{name}\" is \"{text}\", expected a whole number from {least} to {most}.");
    }
}
