namespace RagCluster.Inference.Language;

/// <summary>Whether two words are probably one, misspelt.</summary>
internal static class Spelling
{
    private const int MinLength = 5;

    /// <summary>
    /// Whether one letter added, left out, replaced, or swapped with its neighbour makes one word the other. Words under
    /// five letters, those that begin differently, and those that differ in a digit are different words.
    /// </summary>
    public static bool IsNear(ReadOnlySpan<char> one, ReadOnlySpan<char> other)
    {
        if (one.Length > other.Length)
        {
            var swap = one;
            one = other;
            other = swap;
        }

        if (one.Length < MinLength || other.Length - one.Length > 1 || one[0] != other[0])
        {
            return false;
        }

        var at = one.CommonPrefixLength(other);
        var restOne = one[at..];
        var restOther = other[at..];
        if (restOther.IsEmpty || restOther[..1].ContainsAnyInRange('0', '9') || (!restOne.IsEmpty && char.IsAsciiDigit(restOne[0])))
        {
            return restOther.IsEmpty;
        }

        return one.Length == other.Length
            ? restOne[1..].SequenceEqual(restOther[1..])
                || (restOne.Length > 1 && restOne[0] == restOther[1] && restOne[1] == restOther[0] && restOne[2..].SequenceEqual(restOther[2..]))
            : restOne.SequenceEqual(restOther[1..]);
    }
}
