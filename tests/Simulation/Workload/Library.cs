using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RagCluster.CheckerKit;
using RagCluster.CheckerKit.Checkers;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>The documents of the world: their names, the words by which they are found, and their texts.</summary>
internal sealed class Library(Cluster cluster)
{
    private static readonly string[] s_words =
        ["policy", "premium", "grace", "period", "benefit", "insured", "claim", "rider", "surrender", "value", "lapse", "owner", "term", "annuity", "loan", "dividend"];

    private int _texts;

    public static string Token(TenantId tenant, int document) => string.Create(CultureInfo.InvariantCulture, $"zq{tenant.Value}x{document}");

    public string AnyToken(TenantId tenant) => Token(tenant, cluster.Random.Next(cluster.Plan.Documents));

    /// <summary>A text that was never there before. Each sentence says whose it is, and of which document.</summary>
    public (string Text, string Blob) Write(TenantId tenant, int document)
    {
        var text = new StringBuilder();
        var number = _texts++;
        for (var sentence = cluster.Random.Next(1, 6); sentence > 0; sentence--)
        {
            text.Append(CultureInfo.InvariantCulture, $"Text {number} of {Token(tenant, document)} for {Tenants.Canary(tenant.Value)} has");
            for (var word = cluster.Random.Next(3, 9); word > 0; word--)
            {
                text.Append(' ').Append(s_words[cluster.Random.Next(s_words.Length)]);
            }

            text.Append(sentence > 1 ? ".\n\n" : ".");
        }

        var whole = text.ToString();
        var blob = "sha256-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)));
        cluster.Record.Contents[blob] = whole;
        return (whole, blob);
    }

    public RoleSet AnyReaders() => cluster.Random.Next(4) switch
    {
        0 => RoleSet.Empty,
        1 => RoleSet.Of("agent"),
        2 => RoleSet.Of("clerk"),
        _ => RoleSet.Of("agent", "clerk"),
    };

    public Principal Somebody(TenantId tenant, string name) => new(tenant, UserId.Of(name), AnyReaders());

    public static Principal Everything(TenantId tenant, string name) => new(tenant, UserId.Of(name), RoleSet.Of("agent", "clerk", "admin"));
}
