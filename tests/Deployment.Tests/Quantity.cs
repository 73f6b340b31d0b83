using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace RagCluster.Deployment.Tests;

/// <summary>Kubernetes' amounts: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.</summary>
internal static partial class Quantity
{
    /// <summary>The number that a quantity stands for; null if it is none.</summary>
    public static double? Parse(JsonNode? node)
    {
        if (node is null || Grammar().Match(node.ToString()) is not { Success: true } match)
        {
            return null;
        }

        var factor = match.Groups[2].Value switch
        {
            "m" => 1e-3,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "Ki" => 1024d,
            "Mi" => 1048576d,
            "Gi" => 1073741824d,
            "Ti" => 1099511627776d,
            _ => 1,
        };
        return double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * factor;
    }

    [GeneratedRegex(@"^([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
    private static partial Regex Grammar();
}
