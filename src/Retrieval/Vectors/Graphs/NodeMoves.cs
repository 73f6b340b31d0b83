using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// Which node is which row after segments were merged. Rows are told by their codes: a merge copies vectors as they are,
/// and rows that are equal for another reason can stand for each other just as well.
/// </summary>
internal static unsafe class NodeMoves
{
    /// <returns>By old node its new number, or -1; and the bits of the new nodes that got one.</returns>
    public static (int[] Numbers, ulong[] Linked) Of(PartitionGraph.State state, IReadOnlyList<PartitionGraph.Placed> places, IReadOnlyList<VectorPart> parts)
    {
        var numbers = new int[state.End];
        numbers.AsSpan().Fill(-1);
        var end = places.Count == 0 ? 0 : places[^1].First + places[^1].Count;
        var linked = new ulong[Bitmap.WordsFor(end)];
        var orphans = new Dictionary<UInt128, Stack<int>>();
        foreach (var old in state.Placed)
        {
            var index = Enumerable.Range(0, places.Count).FirstOrDefault(i => places[i].Vectors == old.Vectors, -1);
            for (var row = 0; row < old.Count; row++)
            {
                if (!old.Vectors.Rows.Table.Has(row))
                {
                    continue;
                }

                if (index < 0)
                {
                    var key = KeyOf(old.Vectors, row);
                    orphans.TryAdd(key, []);
                    orphans[key].Push(old.First + row);
                }
                else if (Lives(parts[index], row))
                {
                    Move(old.First + row, places[index].First + row);
                }
            }
        }

        for (var i = 0; orphans.Count > 0 && i < places.Count; i++)
        {
            var known = state.PlaceOf(places[i].Vectors)?.Count ?? 0;
            for (var row = known; row < places[i].Count; row++)
            {
                if (Lives(parts[i], row) && places[i].Vectors.Rows.Table.Has(row) && orphans.TryGetValue(KeyOf(places[i].Vectors, row), out var same) && same.TryPop(out var node))
                {
                    Move(node, places[i].First + row);
                }
            }
        }

        return (numbers, linked);

        void Move(int from, int to)
        {
            numbers[from] = to;
            Bitmap.Add(linked, to);
        }
    }

    private static bool Lives(VectorPart part, int row) => row < part.Count && (part.Allowed.Length == 0 || (row >> 6 < part.Allowed.Length && Bitmap.Has(part.Allowed, row)));

    /// <summary>128 bits of a hash of the codes: that two different rows have the same is not to be expected.</summary>
    private static UInt128 KeyOf(FlatVectors vectors, int row)
    {
        var block = vectors.Rows.Table.BlockOf(row)!;
        var at = row & (VectorBlock.Rows - 1);
        Span<byte> hash = stackalloc byte[32];
        System.Security.Cryptography.SHA256.HashData(new ReadOnlySpan<byte>(block.Codes + ((nint)at * vectors.Shape.Stride), vectors.Shape.Stride), hash);
        GC.KeepAlive(block);
        return System.Runtime.InteropServices.MemoryMarshal.Read<UInt128>(hash);
    }
}
