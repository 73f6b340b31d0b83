namespace RagCluster.Nodes.Management;

/// <param name="Value">As it would be written in a file; secrets are masked.</param>
/// <param name="Source">The file with its line, the environment variable, or the argument that it comes from.</param>
/// <param name="IsDefault">It is built in: nobody has set it here.</param>
public sealed record SettingJson(string Key, string Value, string Source, bool IsDefault);

public sealed record SettingsJson(IReadOnlyList<SettingJson> Settings);

/// <summary>/config: every setting in force, and where it comes from.</summary>
internal static class ConfigurationEndpoints
{
    public static void MapConfiguration(this IEndpointRouteBuilder routes) => routes.MapGet("/config", (HttpRequest request, ManagedNode node) =>
    {
        var prefix = request.Query["key"].ToString();
        var changed = request.Query["changed"].ToString() is "true" or "1";
        SettingJson[] settings =
        [
            .. node.Settings
                .Where(setting => setting.Key.Contains(prefix, StringComparison.OrdinalIgnoreCase) && (!changed || !setting.IsDefault))
                .Select(setting => new SettingJson(setting.Key, setting.Value, setting.Origin.ToString(), setting.IsDefault)),
        ];
        return settings.Length == 0 && prefix.Length > 0 && !changed
            ? ManagementProblems.NotFound($"There is no setting with \"{prefix}\" in its key.")
            : TypedResults.Json(new SettingsJson(settings), ManagementJson.Default.SettingsJson);
    });
}
