using RagCluster.Ingestion.Isolation;

namespace RagCluster.Ingestion.Tests;

/// <summary>
/// The test program is its own parse worker: with a worker's verb it serves documents, well or badly; otherwise it
/// runs the tests.
/// </summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["parse-worker", .. var rest]:
                return await ParseWorker.RunAsync(rest, CancellationToken.None);
            case ["worker-that-hangs", ..]:
                await new TaskCompletionSource().Task;
                return 0;
            case ["worker-that-crashes", ..]:
                Console.OpenStandardInput().ReadByte();
                Overflow(1);
                return 0;
            case ["worker-that-talks-junk", ..]:
                Console.Write("This is no answer to anybody's question.");
                return 0;
            case ["worker-that-hoards", ..]:
                Hoard();
                return 0;
            default:
                return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
        }
    }

    private static int Overflow(int depth) => depth < 0 ? 0 : Overflow(depth + 1) + depth;

    // Memory that the garbage collector knows nothing of, as a native library would take it; it ends by itself.
    private static unsafe void Hoard()
    {
        const int Step = 16 << 20;
        for (var i = 0; i < 64; i++)
        {
            var block = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc(Step);
            new Span<byte>(block, Step).Fill(1);
        }

        Console.OpenStandardOutput().Flush();
        new ManualResetEventSlim().Wait();
    }
}
