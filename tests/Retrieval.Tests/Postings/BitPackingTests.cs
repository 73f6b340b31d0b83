using RagCluster.Retrieval.Postings;

namespace RagCluster.Retrieval.Tests.Postings;

public class BitPackingTests
{
    [Fact]
    public void Numbers_of_every_width_come_back_with_and_without_vector_instructions()
    {
        var random = new Random(3);
        for (var width = 0; width <= 31; width++)
        {
            var values = Enumerable.Range(0, 128).Select(i => i == 7 ? (1u << width) - 1 : (uint)random.NextInt64(1L << width)).ToArray();
            var bytes = new byte[BitPacking.BytesFor(128, width) + BitPacking.Overrun];
            BitPacking.Pack(values, width, bytes);
            bytes.AsSpan(BitPacking.BytesFor(128, width)).Fill(0xFF);
            var back = new uint[128];
            BitPacking.Unpack(ref bytes[0], width, back);
            back.ShouldBe(values);
            if (width > 0)
            {
                back.AsSpan().Clear();
                BitPacking.UnpackPlainly(ref bytes[0], width, back);
                back.ShouldBe(values);
            }
        }
    }
}
