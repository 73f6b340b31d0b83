namespace RagCluster.Inference.Routing;

/// <summary>What a request wants of an endpoint.</summary>
public readonly record struct RouteRequest()
{
    /// <summary>Models in the order of preference; empty takes any.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Requests of one key begin with the same text; 0 is none. An endpoint that has seen it need not read it again.</summary>
    public ulong Affinity { get; init; }

    /// <summary>Where the asker stands; empty is anywhere.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Endpoints where this request has failed already: taken only where there is no other.</summary>
    public IReadOnlyCollection<EndpointState> Tried { get; init; } = [];
}

/// <summary>Where a request goes.</summary>
public enum RouteKind
{
    /// <summary>To the endpoint that was chosen.</summary>
    Chosen,

    /// <summary>Nowhere yet: there are endpoints for it and all their places are taken.</summary>
    Busy,

    /// <summary>Nowhere: no endpoint for it answers.</summary>
    None,
}

public readonly record struct Route(RouteKind Kind, EndpointState? Endpoint);

/// <summary>
/// Chooses the endpoint for a request, pure but for the dice. In this order:
/// 1. The first model of the chain that any endpoint offers that may be asked; a later one only when all of the earlier
///    are down or drained. Busy is not down: a fallback model is worse, and waiting is what windows are for.
/// 2. Not where it failed before, if there is another.
/// 3. In the asker's zone, if there is a free place.
/// 4. With a key: the endpoint that the key's rendezvous hash names (Thaler and Ravishankar, 1998), unless it has more
///    than 1.25 times the average load (Mirrokni, Thorup and Zadimoghaddam, 2016), then the next of that hash's order.
/// 5. Else the one with fewer outstanding tokens of two drawn at random (Mitzenmacher, 2001).
/// </summary>
public static class Router
{
    /// <summary>How much above the average an endpoint may be loaded to keep its conversations.</summary>
    public const double AffinityBound = 1.25;

    public static Route Choose(IReadOnlyList<EndpointState> endpoints, in RouteRequest request, TimeSpan now, Random random)
    {
        if (request.Models.Count == 0)
        {
            return Choose(endpoints, null, request, now, random);
        }

        foreach (var model in request.Models)
        {
            var route = Choose(endpoints, model, request, now, random);
            if (route.Kind != RouteKind.None)
            {
                return route;
            }
        }

        return new Route(RouteKind.None, null);
    }

    /// <summary>A key's hash for <see cref="RouteRequest.Affinity"/>, the same in every process; never 0.</summary>
    public static ulong KeyOf(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        return Mix(hash) | 1;
    }

    private static Route Choose(IReadOnlyList<EndpointState> endpoints, string? model, in RouteRequest request, TimeSpan now, Random random)
    {
        var available = new List<EndpointState>(endpoints.Count);
        foreach (var endpoint in endpoints)
        {
            if ((model is null || endpoint.Profile.Model == model) && endpoint.IsAvailable(now))
            {
                available.Add(endpoint);
            }
        }

        if (available.Count == 0)
        {
            return new Route(RouteKind.None, null);
        }

        if (request.Tried.Count > 0 && available.Any(request, static (e, r) => !r.Tried.Contains(e)))
        {
            available.RemoveAll(request, static (e, r) => r.Tried.Contains(e));
        }

        var average = available.Sum(static e => e.Load) / available.Count;
        available.RemoveAll(static e => e.Free == 0);
        if (available.Count == 0)
        {
            return new Route(RouteKind.Busy, null);
        }

        if (request.Zone.Length > 0 && available.Any(request, static (e, r) => e.Profile.Zone == r.Zone))
        {
            available.RemoveAll(request, static (e, r) => e.Profile.Zone != r.Zone);
        }

        return new Route(RouteKind.Chosen, available.Count == 1 ? available[0]
            : request.Affinity != 0 ? ByKey(available, request.Affinity, average)
            : LesserOfTwo(available, random));
    }

    private static EndpointState ByKey(List<EndpointState> free, ulong key, double average)
    {
        free.Sort((a, b) => Score(b, key).CompareTo(Score(a, key)));
        foreach (var endpoint in free)
        {
            // An endpoint without work may always be given some, whatever the average is.
            if (endpoint.InFlight == 0 || endpoint.Load <= average * AffinityBound)
            {
                return endpoint;
            }
        }

        return free.MinBy(static e => e.Load)!;
    }

    private static EndpointState LesserOfTwo(List<EndpointState> free, Random random)
    {
        var first = random.Next(free.Count);
        var second = random.Next(free.Count - 1);
        var (a, b) = (free[first], free[second >= first ? second + 1 : second]);
        return a.Load.CompareTo(b.Load) switch
        {
            < 0 => a,
            > 0 => b,
            _ => a.InFlight / a.Profile.Weight <= b.InFlight / b.Profile.Weight ? a : b,
        };
    }

    /// <summary>Weighted rendezvous: -weight / ln(hash in (0, 1)).</summary>
    private static double Score(EndpointState endpoint, ulong key)
    {
        var hash = Mix(key ^ KeyOf(endpoint.Profile.Name));
        var uniform = ((hash >> 11) + 0.5) * (1.0 / (1UL << 53));
        return -endpoint.Profile.Weight / Math.Log(uniform);
    }

    /// <summary>The finaliser of MurmurHash3: every bit of the input moves every bit of the output.</summary>
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdUL;
        x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53UL;
        return x ^ (x >> 33);
    }

    private static bool Any(this List<EndpointState> endpoints, RouteRequest request, Func<EndpointState, RouteRequest, bool> holds)
    {
        foreach (var endpoint in endpoints)
        {
            if (holds(endpoint, request))
            {
                return true;
            }
        }

        return false;
    }

    private static void RemoveAll(this List<EndpointState> endpoints, RouteRequest request, Func<EndpointState, RouteRequest, bool> holds) =>
        endpoints.RemoveAll(e => holds(e, request));
}
