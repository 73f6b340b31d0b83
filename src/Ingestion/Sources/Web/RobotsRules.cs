using System.Globalization;
using System.Text;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>
/// What a site's robots.txt lets one crawler fetch (RFC 9309): of the groups that name the crawler, or else those for
/// "*", the longest rule that matches a path decides, and of two equally long ones the one that allows. Anything that
/// cannot be read as a rule is passed over.
/// </summary>
public sealed class RobotsRules
{
    /// <summary>RFC 9309 2.5: parsers read at least this; what is beyond is not looked at.</summary>
    public const int MaxBytes = 500 << 10;

    private const int MaxRules = 10_000;
    private const int MaxSitemaps = 100;

    private readonly List<(string Pattern, bool Allow)> _rules = [];
    private readonly List<string> _sitemaps = [];

    private RobotsRules()
    {
    }

    /// <summary>Where there is no robots.txt (2.3.1.3: it is "unavailable").</summary>
    public static RobotsRules AllowAll { get; } = new();

    /// <summary>Where it cannot be told (2.3.1.4: it is "unreachable").</summary>
    public static RobotsRules DisallowAll { get; } = new() { _rules = { ("/", false) } };

    /// <summary>Addresses of sitemaps, as written.</summary>
    public IReadOnlyList<string> Sitemaps => _sitemaps;

    /// <summary>How long to wait between requests, where the site says; not part of the RFC and widely understood.</summary>
    public TimeSpan? CrawlDelay { get; private set; }

    /// <param name="productToken">The crawler's name, such as "RagCluster"; compared without regard to case.</param>
    public static RobotsRules Parse(ReadOnlySpan<byte> content, string productToken)
    {
        var text = Encoding.UTF8.GetString(content[..Math.Min(content.Length, MaxBytes)]).TrimStart('\ufeff');
        var (own, any) = (new RobotsRules(), new RobotsRules());
        var (isOwn, isAny, named, inRules) = (false, false, false, false);
        foreach (var raw in text.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            var line = raw.AsSpan();
            var remark = line.IndexOf('#');
            line = (remark < 0 ? line : line[..remark]).Trim();
            var colon = line.IndexOf(':');
            if (colon <= 0)
            {
                continue;
            }

            var key = line[..colon].TrimEnd();
            var value = line[(colon + 1)..].TrimStart();
            if (Is(key, "user-agent") || Is(key, "useragent") || Is(key, "user agent"))
            {
                // Lines of user agents one after the other begin one group; the first rule ends their row.
                (isOwn, isAny, inRules) = inRules ? (false, false, false) : (isOwn, isAny, false);
                isAny |= value is "*";
                if (Names(value, productToken))
                {
                    isOwn = named = true;
                }
            }
            else if (Is(key, "allow") || Is(key, "disallow"))
            {
                inRules = true;
                AddTo(isOwn ? own : null, isAny ? any : null, value, Is(key, "allow"));
            }
            else if (Is(key, "crawl-delay"))
            {
                inRules = true;
                if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 86_400)
                {
                    (isOwn ? own : isAny ? any : new RobotsRules()).CrawlDelay = TimeSpan.FromSeconds(seconds);
                }
            }
            else if (Is(key, "sitemap") && own._sitemaps.Count < MaxSitemaps)
            {
                // Sitemaps belong to no group.
                own._sitemaps.Add(value.ToString());
                any._sitemaps.Add(value.ToString());
            }
        }

        return named ? own : any;
    }

    /// <param name="pathAndQuery">As it is requested, such as "/a/b?c=d".</param>
    public bool Allows(string pathAndQuery)
    {
        var path = Normalised(pathAndQuery.Length == 0 ? "/" : pathAndQuery);
        if (path is "/robots.txt")
        {
            return true;
        }

        var (length, allow) = (-1, true);
        foreach (var rule in _rules)
        {
            if ((rule.Pattern.Length > length || (rule.Pattern.Length == length && rule.Allow)) && Matches(rule.Pattern, path))
            {
                (length, allow) = (rule.Pattern.Length, rule.Allow);
            }
        }

        return allow;
    }

    private static bool Is(ReadOnlySpan<char> key, string name) => key.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>A line names a product, perhaps with a version or more behind it, of which nothing counts.</summary>
    private static bool Names(ReadOnlySpan<char> value, string productToken)
    {
        var end = 0;
        while (end < value.Length && (char.IsAsciiLetter(value[end]) || value[end] is '_' or '-'))
        {
            end++;
        }

        return end > 0 && value[..end].Equals(productToken, StringComparison.OrdinalIgnoreCase);
    }

    private static void AddTo(RobotsRules? own, RobotsRules? any, ReadOnlySpan<char> value, bool allow)
    {
        // An empty rule matches nothing.
        if (value.IsEmpty || value[0] is not ('/' or '*'))
        {
            return;
        }

        var pattern = Normalised(value.ToString());
        foreach (var rules in new[] { own, any })
        {
            if (rules is not null && rules._rules.Count < MaxRules)
            {
                rules._rules.Add((pattern, allow));
            }
        }
    }

    /// <summary>In one form (2.2.2): what is not ASCII encoded, what need not be encoded decoded, digits of encodings upper case.</summary>
    private static string Normalised(string path)
    {
        var normal = new StringBuilder(path.Length);
        var bytes = Encoding.UTF8.GetBytes(path);
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            var encoded = false;
            if (value == '%' && i + 2 < bytes.Length && Digit(bytes[i + 1]) is >= 0 and var high && Digit(bytes[i + 2]) is >= 0 and var low)
            {
                (value, encoded, i) = ((byte)((high << 4) | low), true, i + 2);
            }

            var plain = value < 0x80 && (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~');
            if (plain || (!encoded && value is > 0x20 and < 0x7f))
            {
                normal.Append((char)value);
            }
            else
            {
                normal.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }

        return normal.ToString();
    }

    private static int Digit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };

    /// <summary>A prefix match with "*" for anything and "$" at the end for the end. Time is the product of both lengths at most: no backtracking beyond the last "*".</summary>
    private static bool Matches(string pattern, string path)
    {
        var anchored = pattern.EndsWith('$');
        var end = anchored ? pattern.Length - 1 : pattern.Length;
        var (p, s, star, mark) = (0, 0, -1, 0);
        while (true)
        {
            if (p == end)
            {
                if (!anchored || s == path.Length)
                {
                    return true;
                }
            }
            else if (pattern[p] == '*')
            {
                (star, mark) = (p++, s);
                continue;
            }
            else if (s < path.Length && pattern[p] == path[s])
            {
                p++;
                s++;
                continue;
            }

            if (star < 0 || mark >= path.Length)
            {
                return false;
            }

            (p, s) = (star + 1, ++mark);
        }
    }
}
