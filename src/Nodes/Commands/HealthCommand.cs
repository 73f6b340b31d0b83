using System.CommandLine;
using System.Net;
using System.Text.Json;
using RagCluster.Nodes.Management;

namespace RagCluster.Nodes.Commands;

/// <summary>
/// ragcluster health: asks the node of this machine (or of --node) how it is, as containers without a shell need it for
/// their health check. Exit code 0 if it is well, 1 if it is not or does not answer.
/// </summary>
internal static class HealthCommand
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(4);

    public static Command Create(CommonOptions common)
    {
        var ready = new Option<bool>("--ready") { Description = "Ask whether it takes work; without it, whether it is alive." };
        var command = new Command("health", "Asks the management port of the node whether it is alive, or ready.") { ready };
        command.SetAction((result, cancellationToken) => RunAsync(common, result, result.GetValue(ready), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommonOptions common, ParseResult result, bool ready, CancellationToken cancellationToken)
    {
        var management = common.Load(result).Options.Management;
        if (result.GetValue(common.Node) is null && (!management.Enabled || management.Port == 0))
        {
            throw new CommandException("The node's management port is not known: ragcluster.management is switched off or on any free port. Name it with --node URL.", ExitCodes.Usage);
        }

        var node = result.GetValue(common.Node) ?? new Uri($"http://{Address(management.Host)}:{management.Port}/");
        using var http = new HttpClient { Timeout = s_timeout };
        try
        {
            using var response = await http.GetAsync(new Uri(node, ready ? "/ready" : "/alive"), cancellationToken);
            var body = JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(cancellationToken), ManagementJson.Default.HealthBody);
            Console.Out.WriteLine(response.IsSuccessStatusCode ? "up" : $"down: {body?.Reason}");
            return response.IsSuccessStatusCode ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"The node does not answer at {node} within {s_timeout.TotalSeconds:0} s.");
        }
        catch (JsonException)
        {
            throw new CommandException($"What answers at {node} is no management port of RagCluster (ragcluster.management.port).");
        }
    }

    // Where a node that listens there can be reached on its own machine.
    private static string Address(string host) => host switch
    {
        "*" or "0.0.0.0" or "::" => "127.0.0.1",
        _ when IPAddress.TryParse(host, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 => $"[{host}]",
        _ => host,
    };
}
