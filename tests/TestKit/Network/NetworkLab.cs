using System.Diagnostics;
using System.Globalization;

namespace RagCluster.TestKit;

/// <summary>
/// Several machines on one: network namespaces, each with an address of its own, joined by a switch, with the test's own
/// machine as one more of them. Paths can be cut one way or both, for links that stand and for new ones, without a trace
/// at the ends: packets just do not arrive.
/// </summary>
/// <remarks>
/// A cut is an address of the wire that belongs to nobody, in the sender's table of neighbours; that needs no packet
/// filter. The switch is in a namespace of its own, so that the machine's own filters do not see the packets. Needs root,
/// and the program ip (Debian: iproute2). What a killed test run leaves behind, the next one takes away.
/// </remarks>
public sealed class NetworkLab : IAsyncDisposable
{
    private const string Prefix = "rclab";
    private const string Nobody = "02:52:43:ff:ff:ff";

    private static readonly Lock s_naming = new();
    private static int s_labs;

    private readonly string _name;
    private readonly List<LabMachine> _machines = [];

    private NetworkLab(string name) => _name = name;

    /// <summary>Why there can be no lab here; null: there can.</summary>
    public static string? WhyNot { get; } = FindOut();

    /// <summary>Without the test's own machine.</summary>
    public IReadOnlyList<LabMachine> Machines => [.. _machines.Skip(1)];

    /// <summary>The test's own machine, where a database may run: all others reach it at this address.</summary>
    public LabMachine Host => _machines[0];

    /// <exception cref="InvalidOperationException">The system does not let us.</exception>
    public static async Task<NetworkLab> CreateAsync(int machines)
    {
        int number;
        lock (s_naming)
        {
            if (s_labs == 0)
            {
                RemoveLeftovers();
            }

            number = s_labs++;
        }

        var lab = new NetworkLab($"{Prefix}{Environment.ProcessId}-{number}");
        try
        {
            await lab.BuildAsync(machines, number);
            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    public async Task CutAsync(LabMachine a, LabMachine b)
    {
        await CutOneWayAsync(a, b);
        await CutOneWayAsync(b, a);
    }

    public Task CutOneWayAsync(LabMachine from, LabMachine to) => PointAsync(from, to, Nobody);

    public async Task HealAsync(LabMachine a, LabMachine b)
    {
        await PointAsync(a, b, b.HardwareAddress);
        await PointAsync(b, a, a.HardwareAddress);
    }

    /// <summary>From all others, the host included or not.</summary>
    public async Task IsolateAsync(LabMachine machine, bool alsoFromHost = true)
    {
        foreach (var other in _machines.Where(other => other != machine && (alsoFromHost || other != Host)))
        {
            await CutAsync(machine, other);
        }
    }

    public async Task HealAllAsync()
    {
        foreach (var a in _machines)
        {
            foreach (var b in _machines.Where(b => b != a))
            {
                await PointAsync(a, b, b.HardwareAddress);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in Machines)
        {
            machine.Dispose();
            await TryIpAsync($"netns del {machine.Namespace}");
        }

        // With the switch go all its cables, the host's as well.
        await TryIpAsync($"netns del {_name}-s");
    }

    private static string? FindOut()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Network namespaces are Linux's.";
        }

        if (Environment.UserName != "root")
        {
            return "Making network namespaces needs root.";
        }

        var probe = $"{Prefix}{Environment.ProcessId}-p";
        try
        {
            Ip($"netns add {probe}");
            Ip($"netns exec {probe} true");
            Ip($"-n {probe} link add name probe type bridge");
            Ip($"-n {probe} link add name probe-a type veth peer name probe-b");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"Network namespaces cannot be made here: {e.Message}";
        }
        finally
        {
            TryIp($"netns del {probe}");
        }
    }

    private async Task BuildAsync(int machines, int number)
    {
        // Of the range for benchmarks between networks (RFC 2544), which nobody routes: 198.18.0.0/15.
        var subnet = $"198.{18 + (number % 2)}.{Environment.ProcessId % 250}";
        var wire = $"{_name}-s";
        await IpAsync($"netns add {wire}");
        await IpAsync($"-n {wire} link add name switch type bridge");
        await IpAsync($"-n {wire} link set switch up");
        for (var i = 0; i <= machines; i++)
        {
            var isHost = i == 0;
            var name = isHost ? null : $"{_name}-{i}";
            var cable = isHost ? $"rc{Environment.ProcessId % 1_000_000}.{number}" : "eth0";
            var hardware = string.Create(CultureInfo.InvariantCulture, $"02:52:43:{number & 0xFF:x2}:00:{i:x2}");
            var machine = new LabMachine(name, $"{subnet}.{(isHost ? 254 : i)}", hardware, cable);
            if (name is not null)
            {
                await IpAsync($"netns add {name}");
                await IpAsync($"-n {name} link set lo up");
            }

            await IpAsync($"-n {wire} link add name port{i} type veth peer name plug{i} address {hardware}");
            await IpAsync($"-n {wire} link set plug{i} netns {name ?? Environment.ProcessId.ToString(CultureInfo.InvariantCulture)} name {cable}");
            await IpAsync($"-n {wire} link set port{i} master switch up");
            await IpAsync($"{In(name)}addr add {machine.Address}/24 dev {cable}");
            await IpAsync($"{In(name)}link set {cable} up");
            _machines.Add(machine);
        }

        await HealAllAsync();
    }

    private Task<string> PointAsync(LabMachine from, LabMachine to, string hardware) =>
        !_machines.Contains(from) || !_machines.Contains(to) ? throw new ArgumentException($"{from} or {to} is not of this lab.") : IpAsync($"{In(from.Namespace)}neigh replace {to.Address} lladdr {hardware} dev {from.Cable} nud permanent");

    private static string In(string? name) => name is null ? "" : $"-n {name} ";

    private static void RemoveLeftovers()
    {
        foreach (var line in Ip("netns list").Split('\n'))
        {
            var name = line.Split(' ')[0];
            if (name.StartsWith(Prefix, StringComparison.Ordinal)
                && int.TryParse(name[Prefix.Length..].Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                && !Directory.Exists($"/proc/{process}"))
            {
                TryIp($"netns del {name}");
            }
        }
    }

    private static Task<string> IpAsync(string arguments) => Task.Run(() => Ip(arguments));

    private static Task TryIpAsync(string arguments) => Task.Run(() => TryIp(arguments));

    private static void TryIp(string arguments)
    {
        try
        {
            Ip(arguments);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It is gone already.
        }
    }

    private static string Ip(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"ip {arguments}: {errors.Trim()}");
    }
}
