using RagCluster.Configuration;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Tests.Running;

[assembly: AssemblyFixture(typeof(OpenNode))]
[assembly: AssemblyFixture(typeof(TokenNode))]
[assembly: AssemblyFixture(typeof(SmallNode))]

namespace RagCluster.Nodes.Tests.Running;

/// <summary>A node in this process, on free ports and a data folder of its own.</summary>
public abstract class RunningNode : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ragcluster-test-");
    private NodeHost? _node;

    public Uri Url => _node!.Url;

    public Uri ManagementUrl => _node!.ManagementUrl!;

    public string DataFolder => _folder.FullName;

    public IReadOnlyList<Endpoint> Endpoints => _node!.Endpoints;

    public Caller Caller(string? token = null, string? roles = null) => new(Url, token, roles);

    public virtual async ValueTask InitializeAsync()
    {
        var options = Configure(new RagClusterOptions
        {
            DataFolder = _folder.FullName,
            Http = new HttpOptions { Port = 0 },
            Management = new ManagementOptions { Port = 0 },
            Limits = new LimitsOptions { RequestsPerSecond = 100_000, Burst = 100_000 },
        });
        _node = await NodeHost.StartAsync(options, logging => logging.ClearProviders(), CancellationToken.None);
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    protected abstract RagClusterOptions Configure(RagClusterOptions options);
}

/// <summary>Open to its own machine, everything as it comes. Most tests share it, each with words of its own.</summary>
public sealed class OpenNode : RunningNode
{
    protected override RagClusterOptions Configure(RagClusterOptions options) => options;
}

/// <summary>Two tenants, whose users need tokens.</summary>
public sealed class TokenNode : RunningNode
{
    public const string NorthAdmin = "north-admin-token";
    public const string NorthClerk = "north-clerk-token";
    public const string SouthAdmin = "south-admin-token";

    protected override RagClusterOptions Configure(RagClusterOptions options) => options with
    {
        Http = options.Http with { AllowedOrigins = ["https://chat.example.org"] },
        Security = new SecurityOptions
        {
            Tokens =
            [
                Token(NorthAdmin, "north", "ada", "admin", "clerk"),
                Token(NorthClerk, "north", "carl", "clerk"),
                Token(SouthAdmin, "south", "ada", "admin", "clerk"),
            ],
        },
    };

    private static TokenOptions Token(string secret, string tenant, string user, params string[] roles) => new()
    {
        Name = secret,
        TokenHash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret))),
        Tenant = tenant,
        User = user,
        Roles = roles,
    };
}

/// <summary>Small limits and a scripted model, so that limits are met and answers take as long as a test wants.</summary>
public sealed class SmallNode : RunningNode
{
    public ScriptedModel Model { get; private set; } = null!;

    public override async ValueTask InitializeAsync()
    {
        Model = await ScriptedModel.StartAsync();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await Model.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override RagClusterOptions Configure(RagClusterOptions options) => options with
    {
        Documents = options.Documents with { MaxBytes = ByteSize.KiB(16) },
        Http = options.Http with { MaxRequestSize = ByteSize.KiB(64), Websocket = options.Http.Websocket with { MaxFrame = ByteSize.KiB(8), SendTimeout = TimeSpan.FromSeconds(2) } },
        Conversations = options.Conversations with { MaxQuestionChars = 2_000 },
        Inference = new InferenceOptions { Generation = new GenerationOptions { Provider = InferenceProvider.OpenAI, Url = Model.Url, Model = "scripted", Concurrency = 64 } },
    };
}
