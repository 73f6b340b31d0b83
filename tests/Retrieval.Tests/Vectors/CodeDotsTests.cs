using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>The kernels differ by machine; a sum that wraps or saturates would give wrong neighbours on some machines only.</summary>
public unsafe class CodeDotsTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(384)]
    [InlineData(448)]
    [InlineData(4096)]
    public void Every_kernel_gives_the_sum_of_products(int stride)
    {
        var random = new Random(stride);
        foreach (var extreme in new[] { false, true })
        {
            const int Rows = 12;
            var rows = new Native<sbyte>(Rows * stride);
            var query = new Native<short>(stride);
            for (var i = 0; i < Rows * stride; i++)
            {
                rows.Span[i] = (sbyte)(extreme ? (random.Next(2) * 254) - 127 : random.Next(-127, 128));
            }

            for (var i = 0; i < stride; i++)
            {
                query.Span[i] = (short)(extreme ? (random.Next(2) * 8190) - 4095 : random.Next(-4095, 4096));
            }

            rows.Span[..stride].Fill(127);
            rows.Span.Slice(stride, stride).Fill(-127);
            if (extreme)
            {
                query.Span.Fill(4095);
            }

            var expected = Enumerable.Range(0, Rows).Select(r => Enumerable.Range(0, stride).Sum(i => rows.Span[(r * stride) + i] * query.Span[i])).ToArray();
            sbyte* Row(int r) => rows.At + (r * stride);
            for (var r = 0; r < Rows; r++)
            {
                CodeDots.One(Row(r), query.At, stride).ShouldBe(expected[r]);
                CodeDots.Portable(Row(r), query.At, stride).ShouldBe(expected[r]);
            }

            var dots = new Native<int>(Rows + 3);
            CodeDots.Block(rows.At, Rows, stride, query.At, dots.At);
            dots.Span[..Rows].ToArray().ShouldBe(expected);
            CodeDots.Four(Row(3), Row(1), Row(11), Row(0), query.At, stride, dots.At);
            dots.Span[..4].ToArray().ShouldBe([expected[3], expected[1], expected[11], expected[0]]);
            for (var count = 0; count <= Rows; count++)
            {
                var addresses = new Native<nint>(Rows);
                for (var i = 0; i < count; i++)
                {
                    addresses.Span[i] = (nint)Row((i * 5) % Rows);
                }

                CodeDots.Gather(addresses.At, count, stride, query.At, dots.At);
                dots.Span[..count].ToArray().ShouldBe(Enumerable.Range(0, count).Select(i => expected[(i * 5) % Rows]));
            }

            var wide = new Native<short>(stride);
            CodeDots.Widen(Row(2), wide.At, stride);
            wide.Span.ToArray().ShouldBe(rows.Span.Slice(2 * stride, stride).ToArray().Select(code => (short)code));
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(384)]
    [InlineData(385)]
    [InlineData(1536)]
    public void Queries_in_bytes_give_exact_sums_even_where_every_number_is_the_greatest(int dimensions)
    {
        Assert.SkipUnless(StreamedDots.IsSupported, "This processor has no AVX-512.");
        var random = new Random(dimensions);
        var stride = VectorMath.Padded(dimensions);
        const int Rows = 8;
        var rows = new Native<sbyte>(Rows * stride);
        for (var r = 0; r < Rows; r++)
        {
            for (var i = 0; i < dimensions; i++)
            {
                rows.Span[(r * stride) + i] = (sbyte)(r switch { 0 => 127, 1 => -127, _ => random.Next(-127, 128) });
            }
        }

        var queries = Enumerable.Range(0, 8).Select(q => VectorQuery.Of(
            [.. Enumerable.Range(0, dimensions).Select(i => q switch
            {
                0 => 1f,
                1 => -1f,
                2 => i % 2 == 0 ? 1f : -1f,
                3 => i == 0 ? 1f : 0f,
                4 => i == 0 ? 1f : 1e-4f,
                _ => (float)random.NextDouble() - 0.5f,
            })],
            Similarity.Cosine)!).ToArray();
        var bytes = new Native<sbyte>(8 * stride);
        var corrections = new Native<int>(8);
        for (var q = 0; q < 8; q++)
        {
            queries[q].InBytes.Codes.CopyTo(bytes.Span[(q * stride)..]);
            corrections.Span[q] = queries[q].InBytes.Correction;
        }

        var dots = new Native<int>(Rows * 8);
        StreamedDots.Eight(rows.At, Rows, stride, bytes.At, corrections.At, dots.At, passing: stride % 128 == 0);
        for (var r = 0; r < Rows; r++)
        {
            for (var q = 0; q < 8; q++)
            {
                dots.Span[(r * 8) + q].ShouldBe(Enumerable.Range(0, stride).Sum(i => rows.Span[(r * stride) + i] * bytes.Span[(q * stride) + i]));
            }
        }

        for (var q = 0; q < 8; q++)
        {
            var alone = new Native<int>(Rows);
            StreamedDots.One(rows.At, Rows, stride, bytes.At + (q * stride), queries[q].InBytes.Correction, alone.At, passing: q % 2 == 0);
            alone.Span.ToArray().ShouldBe(Enumerable.Range(0, Rows).Select(r => dots.Span[(r * 8) + q]));
        }

        GC.KeepAlive(bytes);
    }

    /// <summary>Aligned memory beside which nothing of the test lies.</summary>
    private sealed class Native<T>(int count)
        where T : unmanaged
    {
        private readonly NativeBlock _block = NativeMemoryPool.Allocate((nuint)(count * sizeof(T)), MemoryUse.Scratch);

        public T* At => (T*)_block.Start;

        public Span<T> Span => new(_block.Start, count);
    }
}
