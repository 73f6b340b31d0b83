namespace RagCluster.Inference.Fairness;

/// <summary>What a tenant is entitled to.</summary>
/// <param name="Weight">Its share beside the others': one of weight 2 gets twice as many tokens while both wait.</param>
/// <param name="TokensPerMinute">What it may use at most, prompts and answers together; 0 is without limit.</param>
public sealed record TenantTerms(double Weight = 1, long TokensPerMinute = 0);

/// <summary>The terms of all tenants.</summary>
public sealed record FairnessOptions
{
    public static FairnessOptions Default { get; } = new();

    /// <summary>Of whoever has no terms of its own.</summary>
    public TenantTerms Everybody { get; init; } = new();

    public IReadOnlyDictionary<string, TenantTerms> Tenants { get; init; } = new Dictionary<string, TenantTerms>();

    /// <summary>
    /// The share of an endpoint's places that is kept free for tenants who hold less than their part, from 0 to 0.9: a
    /// tenant that comes finds a place at once, and need not wait until one of a flood's answers has ended.
    /// </summary>
    public double Reserve { get; init; } = 0.25;

    public TenantTerms Of(string tenant) => Tenants.GetValueOrDefault(tenant) ?? Everybody;
}

/// <summary>
/// Who may take one of the last free places: only a tenant that holds less than its part would be with one more tenant
/// there. Pure.
/// </summary>
public static class Reserve
{
    /// <param name="free">Places that are free.</param>
    /// <param name="places">Places there are.</param>
    /// <param name="held">Places that this tenant holds.</param>
    /// <param name="tenants">Tenants that hold any place, or wait for one.</param>
    public static bool MayTake(int free, int places, int held, int tenants, double reserve)
    {
        var kept = (int)(places * reserve);
        return free > kept || (free > 0 && held * (tenants + 1) < places);
    }
}
