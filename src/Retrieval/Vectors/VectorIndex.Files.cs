using System.Runtime.InteropServices;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Vectors;

/// <summary>The index as a file: its vectors as they are in memory, its graph, and which ids were removed.</summary>
public sealed partial class VectorIndex
{
    public const string Extension = "vectors";

    private const int FileFormat = 1;

    /// <summary>Writes the index into a folder; the file is there whole, or not at all. Not while another thread adds or removes.</summary>
    public SegmentFile Save(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var view = Current;
        var about = new SectionWriter(Section.VectorIndex);
        about.Number(FileFormat);
        about.Number(Options.Dimensions);
        about.Number((int)Options.Similarity);
        about.Number((int)Options.Precision);
        about.Number(Options.Graph.M);
        about.Number(Options.Graph.EfConstruction);
        about.Fixed((uint)Options.Graph.Seed);
        about.Fixed((uint)(Options.Graph.Seed >> 32));
        about.Number(Options.GraphFrom);
        about.Number(view.Rows);
        about.Number(view.Linked);
        foreach (var word in view.Live.AsSpan(0, Bitmap.WordsFor(view.Rows)))
        {
            about.Fixed((uint)word);
            about.Fixed((uint)(word >> 32));
        }

        Directory.CreateDirectory(directory);
        return SectionedFile.Write(directory, Extension, [about, Values(view), .. _graph is null ? [] : GraphSections.Write(_graph, view.Linked)]);
    }

    /// <summary>Reads an index back.</summary>
    /// <param name="mapped">Leaves the vectors in the file, which then has to stay as it is; in memory are their codes and the graph.</param>
    /// <exception cref="SegmentCorruptException">The file is missing, cut off, changed, or not of this kind.</exception>
    public static VectorIndex Open(string directory, SegmentFile file, bool mapped = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(file);
        return mapped ? OpenMapped(directory, file) : OpenRead(directory, file);
    }

    private static unsafe VectorIndex OpenRead(string directory, SegmentFile file)
    {
        var sections = SectionedFile.Read(directory, file);
        byte[] Payload(Section section) => sections.TryGetValue(section, out var bytes) ? bytes : throw Missing(file, section);

        var index = Begin(new SectionReader(file.Name, Section.VectorIndex, Payload(Section.VectorIndex)), out var view);
        var values = Payload(Section.VectorValues);
        index.CheckValues(file, values, view.Rows);
        var size = index._shape.ValueBytes;
        for (var row = 0; row < view.Rows; row++)
        {
            var vector = values.AsSpan(row * size, size);
            if (index._shape.Precision == StoredPrecision.Half)
            {
                index.Flat.Rows.Set(row, MemoryMarshal.Cast<byte, Half>(vector));
            }
            else
            {
                index.Flat.Rows.Set(row, MemoryMarshal.Cast<byte, float>(vector));
            }
        }

        index.Finish(file, view, section => sections.TryGetValue(section, out var bytes) ? bytes : null);
        return index;
    }

    private static unsafe VectorIndex OpenMapped(string directory, SegmentFile file)
    {
        MappedFile bytes;
        try
        {
            bytes = new MappedFile(SectionedFile.PathOf(directory, file));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or InvalidDataException)
        {
            throw new SegmentCorruptException(file.Name, "file", "It is missing, empty or too long.", e);
        }

        var sections = SectionedFile.Locate(file, bytes.Bytes);
        ReadOnlySpan<byte> Payload(Section section) =>
            sections.TryGetValue(section, out var at) ? bytes.Bytes.Slice((int)at.Start, at.Length) : throw Missing(file, section);

        var index = Begin(new SectionReader(file.Name, Section.VectorIndex, Payload(Section.VectorIndex)), out var view);
        index.CheckValues(file, Payload(Section.VectorValues), view.Rows);
        if (view.Rows > 0)
        {
            index.Flat.Rows.Map(bytes.Start + sections[Section.VectorValues].Start, index._shape.ValueBytes, view.Rows, bytes, _ => true);
        }

        index.Finish(file, view, section => sections.ContainsKey(section) ? Payload(section).ToArray() : null);
        return index;
    }

    private static VectorIndex Begin(SectionReader reader, out View view)
    {
        var format = reader.Number(int.MaxValue);
        if (format != FileFormat)
        {
            throw reader.Corrupt($"Its format is {format}; this version reads {FileFormat}.");
        }

        var options = new VectorIndexOptions
        {
            Dimensions = reader.Number(VectorMath.MaxDimensions),
            Similarity = (Similarity)reader.Number((int)Similarity.Euclidean),
            Precision = (StoredPrecision)reader.Number((int)StoredPrecision.Single),
            Graph = new GraphOptions
            {
                M = reader.Number(GraphOptions.MostLinks),
                EfConstruction = reader.Number(GraphOptions.MostEfConstruction),
                Seed = reader.Fixed() | ((ulong)reader.Fixed() << 32),
            },
            GraphFrom = reader.Number(int.MaxValue),
        };
        if (options.Dimensions == 0 || options.Graph.M < 2 || options.Graph.EfConstruction < 1)
        {
            throw reader.Corrupt("There is no index like this.");
        }

        var rows = reader.Number(reader.Length * 8);
        var linked = reader.Number(rows);
        var live = new ulong[Bitmap.WordsFor(rows)];
        for (var i = 0; i < live.Length; i++)
        {
            live[i] = reader.Fixed() | ((ulong)reader.Fixed() << 32);
        }

        reader.ExpectEnd();
        if (rows % 64 != 0 && live[^1] >> (rows % 64) != 0)
        {
            throw reader.Corrupt("It knows of vectors beyond the last.");
        }

        view = new View(rows, linked, Bitmap.CountOf(live), live);
        return new VectorIndex(options);
    }

    private void Finish(SegmentFile file, View view, Func<Section, byte[]?> section)
    {
        var table = Flat.Rows.Table;
        for (var row = 0; row < view.Rows; row++)
        {
            if (Bitmap.Has(view.Live, row) && !table.Has(row))
            {
                throw new SegmentCorruptException(file.Name, nameof(Section.VectorIndex), $"Vector {row} is said to be there, and is not.");
            }
        }

        if (view.Linked > 0)
        {
            var upper = section(Section.Graph) ?? throw Missing(file, Section.Graph);
            var lowest = section(Section.GraphLinks) ?? throw Missing(file, Section.GraphLinks);
            _graph = GraphSections.Read(new SectionReader(file.Name, Section.Graph, upper), new SectionReader(file.Name, Section.GraphLinks, lowest), Flat.Rows, view.Linked);
        }

        Publish(view);
    }

    /// <summary>The vectors one after the other; zeros for those that have no direction.</summary>
    private unsafe SectionWriter Values(View view)
    {
        var writer = new SectionWriter(Section.VectorValues);
        var table = Flat.Rows.Table;
        var zeros = new byte[_shape.ValueBytes];
        for (var row = 0; row < view.Rows; row++)
        {
            var block = table.BlockOf(row);
            var at = row & (VectorBlock.Rows - 1);
            writer.Bytes(block is null || block.Scale[at] == 0 ? zeros : new ReadOnlySpan<byte>(block.Values + (at * block.ValueStride), _shape.ValueBytes));
        }

        GC.KeepAlive(table);
        return writer;
    }

    private void CheckValues(SegmentFile file, ReadOnlySpan<byte> values, int rows)
    {
        if (values.Length != (long)rows * _shape.ValueBytes)
        {
            throw new SegmentCorruptException(file.Name, nameof(Section.VectorValues), $"It holds {values.Length} bytes, which are not {rows} vectors.");
        }

        var vector = new float[Options.Dimensions];
        for (var row = 0; row < rows; row++)
        {
            var bytes = values.Slice(row * _shape.ValueBytes, _shape.ValueBytes);
            if (_shape.Precision == StoredPrecision.Half)
            {
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), vector);
            }
            else
            {
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(vector);
            }

            try
            {
                Check(vector);
            }
            catch (ArgumentException e)
            {
                throw new SegmentCorruptException(file.Name, nameof(Section.VectorValues), e.Message, e);
            }
        }
    }

    private static SegmentCorruptException Missing(SegmentFile file, Section section) => new(file.Name, section.ToString(), "The section is missing.");
}
