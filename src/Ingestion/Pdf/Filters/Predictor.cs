using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Filters;

/// <summary>Undoes the TIFF and PNG predictors (ISO 32000-1, 7.4.4.4; PNG specification, 9).</summary>
internal static class Predictor
{
    public static byte[] Undo(byte[] data, PdfDictionary? options)
    {
        var predictor = options?.Int("Predictor", 1) ?? 1;
        if (predictor <= 1)
        {
            return data;
        }

        var colors = Math.Clamp(options!.Int("Colors", 1), 1, 32);
        var bits = Math.Clamp(options.Int("BitsPerComponent", 8), 1, 16);
        var columns = Math.Clamp(options.Int("Columns", 1), 1, 1 << 20);
        var pixel = Math.Max(1, colors * bits / 8);
        var row = (colors * bits * columns + 7) / 8;
        return predictor == 2 ? Tiff(data, row, pixel, bits) : Png(data, row, pixel);
    }

    private static byte[] Tiff(byte[] data, int row, int pixel, int bits)
    {
        if (bits == 8)
        {
            for (var start = 0; start < data.Length; start += row)
            {
                for (var i = start + pixel; i < Math.Min(start + row, data.Length); i++)
                {
                    data[i] += data[i - pixel];
                }
            }
        }

        return data;
    }

    private static byte[] Png(byte[] data, int row, int pixel)
    {
        var rows = (data.Length + row) / (row + 1);
        var output = new byte[rows * row];
        var length = 0;
        for (var r = 0; r < rows; r++)
        {
            var from = data.AsSpan(r * (row + 1));
            var kind = from[0];
            from = from[1..Math.Min(from.Length, row + 1)];
            var to = output.AsSpan(r * row, row);
            var above = r > 0 ? output.AsSpan((r - 1) * row, row) : default;
            for (var i = 0; i < from.Length; i++)
            {
                int left = i >= pixel ? to[i - pixel] : 0;
                int up = r > 0 ? above[i] : 0;
                int corner = r > 0 && i >= pixel ? above[i - pixel] : 0;
                to[i] = (byte)(from[i] + kind switch
                {
                    1 => left,
                    2 => up,
                    3 => (left + up) / 2,
                    4 => Paeth(left, up, corner),
                    _ => 0,
                });
            }

            length += from.Length;
        }

        return length == output.Length ? output : output[..length];
    }

    private static int Paeth(int left, int up, int corner)
    {
        var estimate = left + up - corner;
        var (dl, du, dc) = (Math.Abs(estimate - left), Math.Abs(estimate - up), Math.Abs(estimate - corner));
        return dl <= du && dl <= dc ? left : du <= dc ? up : corner;
    }
}
