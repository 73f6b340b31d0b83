using System.Globalization;
using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration.Binding;

/// <summary>Reads one value as the type of its option, and says what that type expects.</summary>
internal static class OptionValue
{
    /// <summary>The value, or null where the text is none of this type or out of range.</summary>
    public static object? Read(Type type, string text, WithinAttribute? within)
    {
        if (within is { OrNever: true } && text == "never")
        {
            return Timeout.InfiniteTimeSpan;
        }

        var value = Parse(type, text);
        return value is null || within is null || InRange(value, within) ? value : null;
    }

    public static string Describe(Type type, WithinAttribute? within)
    {
        var range = within is null ? "" : $" from {within.Minimum} to {within.Maximum}";
        var what = type switch
        {
            _ when type == typeof(string) => within is null ? "text" : $"text of {within.Minimum} to {within.Maximum} characters",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(int) || type == typeof(long) => $"a whole number{range}",
            _ when type == typeof(double) => $"a number{range}",
            _ when type == typeof(TimeSpan) => $"a duration{range}, such as 500ms or 10s",
            _ when type == typeof(ByteSize) => $"a size{range}, such as 64KiB",
            _ when type.IsEnum => "one of " + string.Join(", ", OptionsSchema.Names(type)),
            _ when OptionsSchema.ItemType(type) is not null => within is null ? "a list" : $"a list of {within.Minimum} to {within.Maximum} items, in [ ]",
            _ => "an object in { }",
        };
        return within is { OrNever: true } ? $"{what}, or never" : what;
    }

    /// <summary>As it would be written in a configuration.</summary>
    public static string Render(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        TimeSpan time when time == Timeout.InfiniteTimeSpan => "never",
        TimeSpan time => Render(time),
        Enum name => name.ToString().ToLowerInvariant(),
        string text => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Render(TimeSpan time) => time switch
    {
        _ when time.Ticks % TimeSpan.TicksPerDay == 0 && time != TimeSpan.Zero => $"{time.Ticks / TimeSpan.TicksPerDay}d",
        _ when time.Ticks % TimeSpan.TicksPerHour == 0 && time != TimeSpan.Zero => $"{time.Ticks / TimeSpan.TicksPerHour}h",
        _ when time.Ticks % TimeSpan.TicksPerMinute == 0 && time != TimeSpan.Zero => $"{time.Ticks / TimeSpan.TicksPerMinute}m",
        _ when time.Ticks % TimeSpan.TicksPerSecond == 0 && time != TimeSpan.Zero => $"{time.Ticks / TimeSpan.TicksPerSecond}s",
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.####}ms"),
    };

    private static object? Parse(Type type, string text) => type switch
    {
        _ when type == typeof(string) => text,
        _ when type == typeof(bool) => HoconUnits.ParseBoolean(text),
        _ when type == typeof(int) => Whole(text) is { } number && number >= int.MinValue && number <= int.MaxValue ? (int)number : null,
        _ when type == typeof(long) => Whole(text),
        _ when type == typeof(double) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var d) && double.IsFinite(d) ? d : null,
        _ when type == typeof(TimeSpan) => HoconUnits.ParseDuration(text),
        _ when type == typeof(ByteSize) => HoconUnits.ParseSize(text) is { } size && size <= long.MaxValue ? new ByteSize((long)size) : null,
        _ when type.IsEnum => Enumeration(type, text),
        _ => throw new NotSupportedException($"An option of type {type} has no reading."),
    };

    private static long? Whole(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && decimal.IsInteger(number)
            && number >= long.MinValue && number <= long.MaxValue
            ? (long)number
            : null;

    private static object? Enumeration(Type type, string text)
    {
        var name = Enum.GetNames(type).FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase));

        // A switch with more than two positions still has on and off, under all their names.
        if (name is null && HoconUnits.ParseBoolean(text) is { } flag)
        {
            name = Enum.GetNames(type).FirstOrDefault(other => other == (flag ? "On" : "Off"));
        }

        return name is null ? null : Enum.Parse(type, name);
    }

    private static bool InRange(object value, WithinAttribute within)
    {
        var measured = value is string text ? text.Length : value;
        var least = Parse(measured.GetType(), within.Minimum);
        var most = Parse(measured.GetType(), within.Maximum);
        if (least is null || most is null)
        {
            throw new InvalidOperationException($"The range {within.Minimum} to {within.Maximum} is not of type {measured.GetType()}.");
        }

        return Comparer<object>.Default.Compare(measured, least) >= 0 && Comparer<object>.Default.Compare(measured, most) <= 0;
    }
}
