using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>On a full disk, writing is refused with a clear word, reading goes on, and room is enough to go on.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task A_full_disk_refuses_what_it_cannot_keep_and_recovers_when_there_is_room()
    {
        Assert.SkipUnless(RuntimeInformation.IsOSPlatform(OSPlatform.Linux) && Environment.IsPrivilegedProcess, "Mounting a small disk needs Linux and root.");
        using var folder = new TemporaryFolder();
        Assert.SkipUnless(await MountAsync("-t", "tmpfs", "-o", "size=12m", "tmpfs", folder.Path) == 0, "A small disk cannot be mounted here.");
        try
        {
            await File.WriteAllBytesAsync(folder.File("ballast"), new byte[4 << 20], TestContext.Current.CancellationToken);
            await using var node = await Ragcluster.ServeAsync(folder.Path);
            using var caller = new Caller(node.Url);
            await caller.IndexAsync("before", "The possumword was there before.");

            // Each is 300 kB that cannot be packed, until one does not fit.
            Reply? refused = null;
            var random = new Random(1);
            for (var i = 0; i < 60 && refused is null; i++)
            {
                var content = new byte[300_000];
                random.NextBytes(content);
                var reply = await caller.PutDocumentAsync($"filler-{i}", content, "filler.bin");
                refused = reply.Status == HttpStatusCode.Accepted ? null : reply;
            }

            var problem = refused.ShouldNotBeNull("the disk never became full").ExpectProblem(HttpStatusCode.InsufficientStorage, "disk-full");
            ((string?)problem["detail"]).ShouldNotBeNull().ShouldContain("disk is full");

            // Fill the last corner too, so that not even a small event fits.
            await FillAsync(folder.File("rest"));
            (await caller.SearchAsync("possumword")).ShouldBe(["before"]);
            ((string?)(await caller.GetAsync("/api/v1/documents/before/text")).Expect(HttpStatusCode.OK)["text"]).ShouldNotBeNull().ShouldContain("possumword");
            (await caller.ListAsync()).ShouldNotBeEmpty();
            var small = await caller.PutDocumentAsync("small", "The ringtailword is refused for now.");
            new[] { HttpStatusCode.InsufficientStorage, HttpStatusCode.ServiceUnavailable, HttpStatusCode.Accepted }.ShouldContain(small.Status, small.Body);

            File.Delete(folder.File("rest"));
            File.Delete(folder.File("ballast"));
            await TestKit.Retry.Until("it takes documents again", async () => (await caller.PutDocumentAsync("small", "The ringtailword is refused for now.")).Status == HttpStatusCode.Accepted);
            await caller.EndAsync("small", "indexed");
            (await caller.SearchAsync("ringtailword")).ShouldBe(["small"]);
            await TestKit.Retry.Until("the list follows", async () => (await caller.ListAsync("&status=indexed")).Any(d => (string?)d["id"] == "small"));
            (await node.TerminateAsync(TimeSpan.FromSeconds(15))).ShouldBe(0, node.Error);
        }
        finally
        {
            await RunAsync("umount", "-l", folder.Path);
        }
    }

    private static async Task FillAsync(string path)
    {
        await using var file = File.Create(path, 1);
        try
        {
            for (var size = 1 << 16; ; )
            {
                await file.WriteAsync(new byte[size], TestContext.Current.CancellationToken);
            }
        }
        catch (IOException)
        {
            // Full, which was the purpose.
        }
    }

    private static Task<int> MountAsync(params string[] arguments) => RunAsync("mount", arguments);

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}
