using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>The transport over a network that really breaks: the kernel's TCP between namespaces whose paths are cut.</summary>
public sealed class NetworkLabTests
{
    [Fact]
    public async Task A_cut_is_noticed_at_both_ends_and_heals()
    {
        Assert.SkipUnless(NetworkLab.WhyNot is null, NetworkLab.WhyNot ?? "");
        await using var lab = await NetworkLab.CreateAsync(2);
        var (one, two) = (lab.Machines[0], lab.Machines[1]);
        await using var a = await StartAsync("a", one);
        await using var b = await StartAsync("b", two);
        await a.SendAsync(b, "before");
        await b.Until("it is here", () => b.Received.Contains("before"));

        await lab.CutAsync(one, two);
        await a.SendAsync(b, "into the void");
        await a.Until("the sender notices", () => a.Lost.Contains(b.Peer));
        await b.Until("the receiver notices", () => b.Lost.Contains(a.Peer));

        await lab.HealAsync(one, two);
        var healing = Stopwatch.StartNew();
        await Retry.Until("messages pass again", () =>
        {
            a.Transport.TrySend(b.Peer, new Message("after"u8.ToArray()));
            return b.Received.Contains("after");
        });
        healing.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        b.Received.ShouldNotContain("into the void");
    }

    [Fact]
    public async Task A_one_way_cut_lets_the_other_direction_pass_until_it_is_noticed()
    {
        Assert.SkipUnless(NetworkLab.WhyNot is null, NetworkLab.WhyNot ?? "");
        await using var lab = await NetworkLab.CreateAsync(2);
        var (one, two) = (lab.Machines[0], lab.Machines[1]);
        await using var a = await StartAsync("a", one);
        await using var b = await StartAsync("b", two);
        await a.SendAsync(b, "there");
        await b.SendAsync(a, "back");
        await a.Until("both have heard", () => a.Received.Count + b.Received.Count == 2);

        await lab.CutOneWayAsync(one, two);
        await b.SendAsync(a, "still");
        await a.Until("the other way still passes", () => a.Received.Contains("still"));
        await b.Until("what does not come is missed", () => b.Lost.Contains(a.Peer));
        await b.Until("so are the heartbeats in return", () => b.Lost.Count == 2);
        await Should.ThrowAsync<PeerUnreachableException>(() => b.SendAsync(a, "no more"));
        await lab.HealAllAsync();
        await Retry.Until("both ways pass again", () =>
        {
            a.Transport.TrySend(b.Peer, new Message("again"u8.ToArray()));
            b.Transport.TrySend(a.Peer, new Message("again"u8.ToArray()));
            return a.Received.Contains("again") && b.Received.Contains("again");
        });
    }

    [Fact]
    public async Task A_machine_can_be_cut_from_the_host_alone_and_processes_run_in_it()
    {
        Assert.SkipUnless(NetworkLab.WhyNot is null, NetworkLab.WhyNot ?? "");
        await using var lab = await NetworkLab.CreateAsync(1);
        var listener = new TcpListener(IPAddress.Parse(lab.Host.Address), 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        (await DialAsync(lab.Machines[0], lab.Host.Address, port)).ShouldBe(0);
        (await listener.AcceptTcpClientAsync()).Client.RemoteEndPoint!.ToString()!.ShouldStartWith(lab.Machines[0].Address);
        await lab.CutOneWayAsync(lab.Machines[0], lab.Host);
        (await DialAsync(lab.Machines[0], lab.Host.Address, port)).ShouldNotBe(0);
        await lab.HealAllAsync();
        (await DialAsync(lab.Machines[0], lab.Host.Address, port)).ShouldBe(0);
        listener.Stop();
    }

    /// <summary>The exit code of a shell in the machine that connects; it gives up after half a second.</summary>
    private static async Task<int> DialAsync(LabMachine machine, string address, int port)
    {
        using var process = Process.Start(machine.Place(new ProcessStartInfo("timeout") { ArgumentList = { "0.5", "bash", "-c", $"exec 3<>/dev/tcp/{address}/{port}" }, RedirectStandardError = true }))!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static async Task<TcpNode> StartAsync(string name, LabMachine machine)
    {
        TcpNode? node = null;
        await machine.Runtime.Run(async () => node = await TcpNode.StartAsync(
            name,
            o => o with
            {
                Address = $"{machine.Address}:9300",
                HeartbeatInterval = TimeSpan.FromMilliseconds(100),
                DetectionTime = TimeSpan.FromMilliseconds(800),
                ConnectTimeout = TimeSpan.FromMilliseconds(800),
                CloseTimeout = TimeSpan.FromMilliseconds(200),
            },
            runtime: machine.Runtime));
        return node!;
    }
}
