using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Tells the processor what will be read soon. An address is a hint that never faults: where the collector moves the object
/// meanwhile the hint is wasted, and nothing else.
/// </summary>
internal static unsafe class Fetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Address<T>(ref T at)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref at));
        }
    }

    /// <summary>The first two cache lines of an object, without looking into it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Object(object? reference)
    {
        if (Sse.IsSupported)
        {
            var at = (byte*)Unsafe.As<object?, nint>(ref reference);
            Sse.Prefetch0(at);
            Sse.Prefetch0(at + 64);
        }
    }

    /// <summary>An item of an array, without looking into the array.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Item(ulong[] array, int index)
    {
        if (Sse.IsSupported)
        {
            // Behind the array's type and length.
            var at = (byte*)Unsafe.As<ulong[], nint>(ref array) + (2 * sizeof(nint)) + ((nint)index * sizeof(ulong));
            Sse.Prefetch0(at);
        }
    }
}
