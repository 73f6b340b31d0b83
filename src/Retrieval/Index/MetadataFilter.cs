using System.Globalization;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Index;

/// <summary>Conditions on metadata as sets of chunks. Every value of a key is a term, so a condition is asked of each value once, not of each chunk.</summary>
internal static class MetadataFilter
{
    /// <summary>The chunks of the view that meet the condition.</summary>
    public static ulong[] Of(SegmentView view, MetadataCondition condition)
    {
        var bits = new ulong[Bitmap.WordsFor(view.Count)];
        if (condition is { In: { } only, From: null, To: null })
        {
            foreach (var value in only.Distinct(StringComparer.Ordinal))
            {
                view.Postings(MetadataTerm.Of(condition.Key, value))?.AddTo(bits);
            }
        }
        else
        {
            var bounds = Bounds.Of(condition);
            foreach (var (value, term) in ValuesOf(view, condition.Key))
            {
                if (bounds.Contain(value) && (condition.In is null || condition.In.Contains(value, StringComparer.Ordinal)))
                {
                    view.Postings(term)?.AddTo(bits);
                }
            }
        }

        if (!condition.Not)
        {
            return bits;
        }

        var others = Bitmap.Full(view.Count);
        Bitmap.Remove(others, bits);
        return others;
    }

    /// <summary>Whether a document with this metadata meets the condition.</summary>
    public static bool IsMet(MetadataCondition condition, IReadOnlyDictionary<string, string> metadata) => condition.Not != (
        metadata.TryGetValue(condition.Key, out var value)
        && (condition.In is null || condition.In.Contains(value, StringComparer.Ordinal))
        && Bounds.Of(condition).Contain(value));

    /// <summary>What the boosts, multiplied, make of a document with this metadata.</summary>
    public static double FactorOf(IReadOnlyList<Boost> boosts, IReadOnlyDictionary<string, string> metadata)
    {
        var factor = 1.0;
        foreach (var boost in boosts)
        {
            if (boost.HalfLife is not { } halfLife)
            {
                factor *= IsMet(boost.Condition, metadata) ? boost.Factor : 1;
            }
            else if (metadata.TryGetValue(boost.Condition.Key, out var value) && Bounds.TimeOf(value) is { } time && time < boost.Now && halfLife > TimeSpan.Zero)
            {
                factor *= Math.Pow(boost.Factor, (boost.Now - time) / halfLife);
            }
        }

        return factor;
    }

    /// <summary>By value how many of these chunks have it; values that none of them has are left out.</summary>
    /// <param name="among">Empty for all of the view's.</param>
    public static void Count(SegmentView view, string key, ReadOnlySpan<ulong> among, Dictionary<string, long> counts)
    {
        var bits = new ulong[Bitmap.WordsFor(view.Count)];
        foreach (var (value, term) in ValuesOf(view, key))
        {
            if (view.Postings(term) is not { } postings)
            {
                continue;
            }

            bits.AsSpan().Clear();
            postings.AddTo(bits);
            if (!among.IsEmpty)
            {
                Bitmap.And(bits, among);
            }

            if (Bitmap.CountOf(bits) is var count and > 0)
            {
                counts[value] = counts.GetValueOrDefault(value) + count;
            }
        }
    }

    private static IEnumerable<(string Value, string Term)> ValuesOf(SegmentView view, string key)
    {
        var prefix = MetadataTerm.Of(key, "");
        foreach (var term in view.Segment.Lexicon.TermsWith(prefix))
        {
            yield return (term[prefix.Length..], term);
        }
    }

    /// <summary>From and to as numbers or as moments; where they are neither, or not the same, nothing lies between.</summary>
    private readonly record struct Bounds(decimal? FromNumber, decimal? ToNumber, DateTimeOffset? FromTime, DateTimeOffset? ToTime, bool IsEmpty)
    {
        public static Bounds Of(MetadataCondition condition)
        {
            var (fromNumber, toNumber) = (NumberOf(condition.From), NumberOf(condition.To));
            var (fromTime, toTime) = (fromNumber is null ? TimeOf(condition.From) : null, toNumber is null ? EndOf(condition.To) : null);
            var unread = (condition.From is not null && fromNumber is null && fromTime is null) || (condition.To is not null && toNumber is null && toTime is null);
            return new Bounds(fromNumber, toNumber, fromTime, toTime, unread || ((fromNumber ?? toNumber) is not null && (fromTime ?? toTime) is not null));
        }

        public bool Contain(string value)
        {
            if (IsEmpty)
            {
                return false;
            }

            if ((FromNumber ?? ToNumber) is not null)
            {
                return NumberOf(value) is { } number && (FromNumber is null || number >= FromNumber) && (ToNumber is null || number <= ToNumber);
            }

            return (FromTime ?? ToTime) is null
                || (NumberOf(value) is null && TimeOf(value) is { } time && (FromTime is null || time >= FromTime) && (ToTime is null || time <= ToTime));
        }

        private static decimal? NumberOf(string? text) =>
            decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

        public static DateTimeOffset? TimeOf(string? text) =>
            DateTimeOffset.TryParseExact(text, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

        /// <summary>"to 2024-03-15" includes that day.</summary>
        private static DateTimeOffset? EndOf(string? text) => TimeOf(text) is not { } time ? null : text!.Length switch
        {
            7 => time.AddMonths(1).AddTicks(-1),
            10 => time.AddDays(1).AddTicks(-1),
            _ => time,
        };
    }

    private static readonly string[] s_formats =
        ["yyyy-MM-dd", "yyyy-MM", "yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"];
}
