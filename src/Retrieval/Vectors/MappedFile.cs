using System.IO.MemoryMappedFiles;

namespace RagCluster.Retrieval.Vectors;

/// <summary>A file's bytes, read when they are looked at, for as long as somebody refers to this. The file must not change.</summary>
internal sealed unsafe class MappedFile
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public MappedFile(string path)
    {
        var length = new FileInfo(path).Length;
        if (length is 0 or > int.MaxValue)
        {
            throw new InvalidDataException($"{path} has {length} bytes; a mapped file has from 1 to {int.MaxValue}.");
        }

        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start + _view.PointerOffset;
        Length = (int)length;
    }

    ~MappedFile()
    {
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
    }

    public byte* Start { get; }

    public int Length { get; }

    public ReadOnlySpan<byte> Bytes => new(Start, Length);
}
