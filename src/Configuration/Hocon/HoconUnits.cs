using System.Globalization;
using System.Numerics;

namespace RagCluster.Configuration.Hocon;

/// <summary>HOCON's readings of text as booleans, durations and sizes. Each returns null for text that is none.</summary>
public static class HoconUnits
{
    private static readonly Dictionary<string, decimal> NanosecondsPerUnit = Units(
        (1m, "ns nano nanos nanosecond nanoseconds"),
        (1_000m, "us micro micros microsecond microseconds"),
        (1_000_000m, " ms milli millis millisecond milliseconds"),
        (1_000_000_000m, "s second seconds"),
        (60_000_000_000m, "m minute minutes"),
        (3_600_000_000_000m, "h hour hours"),
        (86_400_000_000_000m, "d day days"));

    private static readonly Dictionary<string, (int Base, int Power)> BytesPerUnit = SizeUnits();

    /// <summary>true, yes, on; false, no, off.</summary>
    public static bool? ParseBoolean(string text) => text switch
    {
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" => false,
        _ => null,
    };

    /// <summary>A number with a unit such as <c>10s</c> or <c>1.5 hours</c>; milliseconds without a unit. Exact to 100 ns, truncated below.</summary>
    public static TimeSpan? ParseDuration(string text)
    {
        if (Split(text) is not var (number, unit) || !NanosecondsPerUnit.TryGetValue(unit, out var nanoseconds))
        {
            return null;
        }

        try
        {
            return new TimeSpan((long)(number * nanoseconds / 100m));
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    /// <summary>Bytes, from a number with a unit: <c>64KiB</c> and <c>64K</c> are powers of 1024, <c>64kB</c> is one of 1000.</summary>
    public static BigInteger? ParseSize(string text)
    {
        if (Split(text) is not var (number, unit) || number < 0 || !BytesPerUnit.TryGetValue(unit, out var scale))
        {
            return null;
        }

        // The fraction is scaled as a whole number: decimal does not reach a yobibyte.
        var places = (decimal.GetBits(number)[3] >> 16) & 0x7F;
        var unscaled = new BigInteger(number * (decimal)Math.Pow(10, Math.Min(places, 9)));
        return unscaled * BigInteger.Pow(scale.Base, scale.Power) / BigInteger.Pow(10, Math.Min(places, 9));
    }

    private static (decimal Number, string Unit)? Split(string text)
    {
        var trimmed = text.Trim();
        var end = trimmed.Length;
        while (end > 0 && char.IsLetter(trimmed[end - 1]))
        {
            end--;
        }

        return decimal.TryParse(trimmed.AsSpan(0, end).TrimEnd(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? (number, trimmed[end..])
            : null;
    }

    private static Dictionary<string, decimal> Units(params (decimal Factor, string Names)[] units)
    {
        // The blank that leads the milliseconds gives the empty name: the default unit.
        var result = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var (factor, names) in units)
        {
            foreach (var name in names.Split(' '))
            {
                result.Add(name, factor);
            }
        }

        return result;
    }

    private static Dictionary<string, (int Base, int Power)> SizeUnits()
    {
        var result = new Dictionary<string, (int, int)>(StringComparer.Ordinal);
        foreach (var name in (ReadOnlySpan<string>)["", "B", "b", "byte", "bytes"])
        {
            result.Add(name, (1000, 0));
        }

        string[] decimals = ["kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta"];
        string[] binaries = ["kibi", "mebi", "gibi", "tebi", "pebi", "exbi", "zebi", "yobi"];
        for (var i = 0; i < decimals.Length; i++)
        {
            var letter = char.ToUpperInvariant(decimals[i][0]);
            foreach (var name in (ReadOnlySpan<string>)[(i == 0 ? 'k' : letter) + "B", decimals[i] + "byte", decimals[i] + "bytes"])
            {
                result.Add(name, (1000, i + 1));
            }

            foreach (var name in (ReadOnlySpan<string>)[letter.ToString(), decimals[i][..1], letter + "i", letter + "iB", binaries[i] + "byte", binaries[i] + "bytes"])
            {
                result.Add(name, (1024, i + 1));
            }
        }

        return result;
    }
}
