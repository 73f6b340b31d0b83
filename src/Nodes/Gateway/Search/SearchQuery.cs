using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Nodes.Gateway.Search;

/// <summary>Reads the parameters of a search.</summary>
internal static class SearchQuery
{
    private const int MaxQueryChars = 4_000;
    private const int MaxK = 200;
    private const int MaxConditions = 64;
    private const int MaxFacets = 16;
    private const double MaxFactor = 1000;

    /// <summary>False, with what is wrong, where a parameter cannot be meant.</summary>
    public static bool TryRead(
        IQueryCollection query, Principal principal, TimeProvider time, [NotNullWhen(true)] out SearchRequest? request, [NotNullWhen(false)] out string? problem)
    {
        request = null;
        var text = query["q"].ToString();
        problem = string.IsNullOrWhiteSpace(text) || text.Length > MaxQueryChars ? $"q is the text to search for, 1 to {MaxQueryChars} characters."
            : !TryNumber(query["k"], 10, 1, MaxK, out var k) ? $"k is from 1 to {MaxK}."
            : !TryName(query["mode"], SearchMode.Hybrid, out var mode) ? $"mode is hybrid, lexical or vector; it was \"{query["mode"]}\"."
            : !TryName(query["syntax"], QuerySyntax.Operators, out var syntax) ? $"syntax is operators or plain; it was \"{query["syntax"]}\"."
            : !TryNumber(query["diversity"], 0.0, 0, 1, out var diversity) ? "diversity is from 0 to 1."
            : !TryFlag(query["explain"], out var explain) || !TryFlag(query["expand"], out var expand) || !TryFlag(query["byDocument"], out var byDocument)
                ? "explain, expand and byDocument are true or false."
            : query["facet"].Count > MaxFacets ? $"facet may be given {MaxFacets} times."
            : ConditionsOf(query, out var conditions) ?? BoostsOf(query, time, out var boosts)
            ?? Take(new SearchRequest(principal, text)
            {
                K = k,
                Mode = mode,
                Syntax = syntax,
                Diversity = diversity,
                Explain = explain,
                Feedback = expand ? new FeedbackOptions() : null,
                ByDocument = byDocument,
                Facets = [.. query["facet"].OfType<string>().Distinct(StringComparer.Ordinal)],
                Boosts = boosts,
                Filter = new SearchFilter([.. query["document"].OfType<string>().Where(id => id.Length > 0).Select(DocumentId.Of)], Named(query, "meta.").ToDictionary(p => p.Name, p => p.Values.ToString(), StringComparer.Ordinal))
                {
                    Conditions = conditions,
                },
            }, out request);
        return problem is null && request is not null;
    }

    private static string? Take(SearchRequest read, out SearchRequest request)
    {
        request = read;
        return null;
    }

    /// <summary>What is wrong; null where nothing is.</summary>
    private static string? ConditionsOf(IQueryCollection query, out IReadOnlyList<MetadataCondition> conditions)
    {
        var read = new List<MetadataCondition>();
        conditions = read;
        read.AddRange(Named(query, "in.").Select(p => new MetadataCondition(p.Name) { In = [.. p.Values.OfType<string>()] }));
        read.AddRange(Named(query, "not.").Select(p => new MetadataCondition(p.Name) { In = [.. p.Values.OfType<string>()], Not = true }));
        foreach (var (name, values) in Named(query, "exists."))
        {
            if (!TryFlag(values, out var exists))
            {
                return $"exists.{name} is true or false.";
            }

            read.Add(new MetadataCondition(name) { Not = !exists });
        }

        var bounds = Named(query, "from.").Concat(Named(query, "to.")).Select(p => p.Name).Distinct(StringComparer.Ordinal);
        read.AddRange(bounds.Select(name => new MetadataCondition(name) { From = Single(query["from." + name]), To = Single(query["to." + name]) }));
        return read.Count > MaxConditions ? $"There are more than {MaxConditions} conditions on metadata." : null;
    }

    private static string? BoostsOf(IQueryCollection query, TimeProvider time, out IReadOnlyList<Boost> boosts)
    {
        var read = new List<Boost>();
        boosts = read;
        foreach (var (name, values) in Named(query, "boost."))
        {
            foreach (var value in values.OfType<string>())
            {
                var at = value.LastIndexOf('^');
                if (at <= 0 || !TryNumber(value[(at + 1)..], 0.0, 0.001, MaxFactor, out var factor))
                {
                    return $"boost.{name} is VALUE^FACTOR, with a factor from 0.001 to {MaxFactor}; it was \"{value}\".";
                }

                read.Add(new Boost(new MetadataCondition(name) { In = [value[..at]] }, factor));
            }
        }

        foreach (var (name, values) in Named(query, "decay."))
        {
            if (!TryNumber(values, 0.0, 0.01, 1_000_000, out var days))
            {
                return $"decay.{name} is the number of days after which a score is halved, from 0.01 to 1000000.";
            }

            read.Add(new Boost(new MetadataCondition(name), 0.5) { HalfLife = TimeSpan.FromDays(days), Now = time.GetUtcNow() });
        }

        return read.Count > MaxConditions ? $"There are more than {MaxConditions} boosts." : null;
    }

    private static IEnumerable<(string Name, StringValues Values)> Named(IQueryCollection query, string prefix) => query
        .Where(p => p.Key.Length > prefix.Length && p.Key.StartsWith(prefix, StringComparison.Ordinal))
        .Select(p => (p.Key[prefix.Length..], p.Value));

    private static string? Single(StringValues values) => string.IsNullOrEmpty(values.ToString()) ? null : values.ToString();

    private static bool TryFlag(StringValues text, out bool flag)
    {
        flag = false;
        return StringValues.IsNullOrEmpty(text) || bool.TryParse(text.ToString(), out flag);
    }

    private static bool TryNumber<T>(StringValues text, T otherwise, T least, T most, out T number)
        where T : struct, System.Numerics.INumber<T>
    {
        number = otherwise;
        return StringValues.IsNullOrEmpty(text)
            || (T.TryParse(text.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number) && number >= least && number <= most);
    }

    private static bool TryName<T>(StringValues text, T otherwise, out T value)
        where T : struct, Enum
    {
        value = otherwise;
        return string.IsNullOrEmpty(text.ToString())
            || (Enum.TryParse(text.ToString(), ignoreCase: true, out value) && Enum.IsDefined(value) && !char.IsAsciiDigit(text.ToString()[0]));
    }
}
