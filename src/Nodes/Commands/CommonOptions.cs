using System.CommandLine;
using RagCluster.Configuration;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Commands;

/// <summary>The options that every command takes.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Data { get; } = new("--data") { Description = "The data folder (ragcluster.data-folder).", HelpName = "DIR", Recursive = true };

    public Option<string?> Config { get; } = new("--config") { Description = "A HOCON file with settings of your own.", HelpName = "FILE", Recursive = true };

    public Option<string[]> Define { get; } = new("-D") { Description = "One setting, such as -D ragcluster.http.port=9000.", HelpName = "KEY=VALUE", Recursive = true, AllowMultipleArgumentsPerToken = false };

    public Option<Uri?> Node { get; } = new("--node")
    {
        Description = "The address of a running node; without it, the one on the data folder, or one started for this command.",
        HelpName = "URL",
        Recursive = true,
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : Refuse(result, $"--node is an address such as http://127.0.0.1:8080, not \"{result.Tokens[0].Value}\"."),
    };

    public Option<string?> TokenFile { get; } = new("--token-file") { Description = "A file with the token; without it, the variable RAGCLUSTER_TOKEN.", HelpName = "FILE", Recursive = true };

    public Option<string?> Roles { get; } = new("--roles") { Description = "Act with these of your roles only, such as customer,adviser.", HelpName = "LIST", Recursive = true };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON.", Recursive = true };

    public void AddTo(Command root)
    {
        foreach (var option in new Option[] { Data, Config, Define, Node, TokenFile, Roles, Json })
        {
            root.Options.Add(option);
        }
    }

    /// <exception cref="InvalidConfigurationException">The configuration is wrong.</exception>
    public RagClusterConfiguration Load(ParseResult result)
    {
        var overrides = (result.GetValue(Define) ?? []).Select(ConfigurationOverride.Parse).ToList();
        if (result.GetValue(Data) is { } data)
        {
            overrides.Add(new ConfigurationOverride("ragcluster.data-folder", data, "command-line argument --data"));
        }

        return RagClusterConfiguration.Load(result.GetValue(Config), null, overrides);
    }

    /// <summary>Connects to the node that the command line speaks of; starts one in this process if there is none.</summary>
    public async Task<NodeConnection> ConnectAsync(ParseResult result, CancellationToken cancellationToken, bool withSamples = true)
    {
        var token = result.GetValue(TokenFile) is { } file
            ? (await File.ReadAllLinesAsync(file, cancellationToken)).FirstOrDefault()?.Trim()
            : Environment.GetEnvironmentVariable("RAGCLUSTER_TOKEN");
        return await NodeConnection.OpenAsync(Load(result).Options, result.GetValue(Node), token, result.GetValue(Roles), withSamples, cancellationToken);
    }

    /// <summary>A misspelt option is told of, and not taken for a question or a file.</summary>
    public static void RefuseOptions(Argument argument) => argument.Validators.Add(result =>
    {
        if (result.Tokens.FirstOrDefault(t => t.Value.Length > 1 && t.Value[0] == '-') is { } token)
        {
            result.AddError($"There is no option \"{token.Value}\" here.");
        }
    });

    private static Uri? Refuse(System.CommandLine.Parsing.ArgumentResult result, string message)
    {
        result.AddError(message);
        return null;
    }
}
