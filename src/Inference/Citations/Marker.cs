using System.Globalization;

namespace RagCluster.Inference.Citations;

/// <summary>"[n]" in a text that a <see cref="CitationFilter"/> has passed.</summary>
internal readonly record struct Marker(int N, int Start, int Length)
{
    public static List<Marker> In(string text)
    {
        var markers = new List<Marker>();
        for (var at = text.IndexOf('[', StringComparison.Ordinal); at >= 0; at = text.IndexOf('[', at + 1))
        {
            var end = text.IndexOf(']', at);
            if (end > at + 1 && int.TryParse(text.AsSpan(at + 1, end - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0)
            {
                markers.Add(new Marker(n, at, end + 1 - at));
            }
        }

        return markers;
    }
}
