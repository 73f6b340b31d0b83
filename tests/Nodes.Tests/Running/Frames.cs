using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>What must hold of the frames of a conversation.</summary>
public static class Frames
{
    /// <summary>The sequence numbers of the conversation's events among the frames.</summary>
    public static IReadOnlyList<long> Numbers(this IEnumerable<JsonNode> frames) => [.. frames.Where(f => f["seq"] is not null).Select(f => (long)f["seq"]!)];

    /// <summary>Each event once and in order: the numbers go up by one from the first expected one on.</summary>
    public static void ShouldBeDense(this IEnumerable<JsonNode> frames, long from)
    {
        var expected = from;
        foreach (var number in frames.Numbers())
        {
            number.ShouldBe(expected, "the sequence numbers must have no gap and no duplicate");
            expected++;
        }
    }

    /// <summary>The text that a client shows: the deltas since the answer last began.</summary>
    public static string Shown(this IEnumerable<JsonNode> frames, string question)
    {
        var shown = "";
        foreach (var frame in frames.Where(f => (string?)f["id"] == question))
        {
            shown = (string?)frame["type"] switch
            {
                "restarted" => "",
                "delta" => shown + (string?)frame["text"],
                _ => shown,
            };
        }

        return shown;
    }

    public static string[] Types(this IEnumerable<JsonNode> frames) => [.. frames.Select(f => (string)f["type"]!)];
}
