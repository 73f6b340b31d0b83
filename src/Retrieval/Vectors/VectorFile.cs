using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Vectors in a file in the form fvecs: for each its number of dimensions, in four bytes, and then so many floats, all
/// little-endian. The file is mapped, not read: what is not looked at takes no memory. It must not change meanwhile.
/// </summary>
/// <remarks>The form is that of the corpora at http://corpus-texmex.irisa.fr.</remarks>
public sealed unsafe class VectorFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    private VectorFile(MemoryMappedFile file, MemoryMappedViewAccessor view, int count, int dimensions)
    {
        (_file, _view, Count, Dimensions) = (file, view, count, dimensions);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = start + view.PointerOffset;
    }

    public int Count { get; }

    public int Dimensions { get; }

    internal int Stride => 4 + (Dimensions * 4);

    /// <summary>The vector's numbers; valid until the file is disposed of.</summary>
    public ReadOnlySpan<float> this[int number]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(number);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Count);
            return new ReadOnlySpan<float>(At(number), Dimensions);
        }
    }

    /// <exception cref="InvalidDataException">The file is not of this form, or its vectors differ in dimensions, or hold what is no finite number.</exception>
    public static VectorFile Open(string path)
    {
        var length = new FileInfo(path).Length;
        if (length < 8)
        {
            throw new InvalidDataException($"{path} is too short for a file of vectors (fvecs).");
        }

        var mapped = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        var view = mapped.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        var dimensions = view.ReadInt32(0);
        var stride = 4 + (dimensions * 4L);
        if (dimensions is <= 0 or > VectorMath.MaxDimensions || length % stride != 0 || length / stride > int.MaxValue)
        {
            view.Dispose();
            mapped.Dispose();
            throw new InvalidDataException($"{path} is not a file of vectors (fvecs) of 1 to {VectorMath.MaxDimensions} dimensions.");
        }

        var file = new VectorFile(mapped, view, (int)(length / stride), dimensions);
        try
        {
            file.Check(path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>The vectors' numbers as they are in the file.</summary>
    internal byte* At(int number) => _start + ((long)number * Stride) + 4;

    private void Check(string path)
    {
        for (var i = 0; i < Count; i++)
        {
            if (MemoryMarshal.Read<int>(new ReadOnlySpan<byte>(At(i) - 4, 4)) != Dimensions)
            {
                throw new InvalidDataException($"{path}: vector {i} has not {Dimensions} dimensions as the first one.");
            }

            foreach (var value in this[i])
            {
                if (!float.IsFinite(value))
                {
                    throw new InvalidDataException($"{path}: vector {i} holds {value}, which is no finite number.");
                }
            }
        }
    }
}
