using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Capacity;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Routing;

namespace RagCluster.Inference.Tests.Routing;

public class RouterTests
{
    private static readonly TimeSpan s_now = TimeSpan.FromSeconds(100);

    [Fact]
    public void A_request_goes_only_where_its_model_is_and_there_is_room()
    {
        var kinds = new Dictionary<RouteKind, int>();
        var endpoints = Gen.ListOf(Gen.Choose(0, 2).SelectMany(model => Gen.Choose(0, 4).SelectMany(busy => Gen.Choose(0, 3).SelectMany(down => Gen.Choose(0, 2).Select(zone => (model, busy, down, zone))))));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(6), Prop.ForAll(endpoints.ToArbitrary(), Gen.Choose(0, 3).ToArbitrary(), (made, wants) =>
        {
            var states = made.Select((e, i) => Endpoint($"e{i}", $"m{e.model}", zone: $"z{e.zone}", busy: e.busy, down: e.down == 0, drained: e.down == 1)).ToList();
            IReadOnlyList<string> models = wants == 0 ? [] : wants == 1 ? ["m0"] : ["m1", "m0"];
            var tried = states.Take(wants % 2).ToList();
            var route = Router.Choose(states, new RouteRequest { Models = models, Zone = "z1", Affinity = (ulong)wants / 2, Tried = tried }, s_now, new Random(1));
            kinds[route.Kind] = kinds.GetValueOrDefault(route.Kind) + 1;

            List<EndpointState> Able(string? model) => [.. states.Where(s => (model is null || s.Profile.Model == model) && s.IsAvailable(s_now))];
            var chain = models.Count == 0 ? Able(null) : models.Select(Able).FirstOrDefault(a => a.Count > 0) ?? [];
            if (chain.Count == 0)
            {
                route.Kind.ShouldBe(RouteKind.None);
                return;
            }

            var fresh = chain.Except(tried).ToList() is { Count: > 0 } untried ? untried : chain;
            var free = fresh.Where(s => s.Free > 0).ToList();
            route.Kind.ShouldBe(free.Count > 0 ? RouteKind.Chosen : RouteKind.Busy, "a fallback model is for when the first is down, not busy");
            if (route.Endpoint is { } chosen)
            {
                free.ShouldContain(chosen);
                (free.Any(s => s.Profile.Zone == "z1") ? chosen.Profile.Zone : "z1").ShouldBe("z1");
            }
        }));
        kinds.Count.ShouldBe(3);
        kinds.Values.Min().ShouldBeGreaterThan(20);
    }

    [Fact]
    public void Two_choices_keep_the_load_even_and_follow_the_weights()
    {
        var states = Enumerable.Range(0, 10).Select(i => Endpoint($"e{i}", weight: i == 0 ? 2 : 1, capacity: 1000)).ToList();
        var random = new Random(7);
        for (var i = 0; i < 1100; i++)
        {
            Router.Choose(states, new RouteRequest(), s_now, random).Endpoint!.Begin(10, s_now);
        }

        states.Skip(1).Max(s => s.InFlight).ShouldBeLessThanOrEqualTo(110);
        states[0].InFlight.ShouldBeInRange(180, 215);
    }

    [Fact]
    public void Conversations_stay_where_they_are_and_few_move_when_an_endpoint_goes()
    {
        var states = Enumerable.Range(0, 5).Select(i => Endpoint($"e{i}", capacity: 1000)).ToList();
        var random = new Random(3);
        EndpointState Of(int key, List<EndpointState> among) => Router.Choose(among, new RouteRequest { Affinity = Router.KeyOf($"conversation {key}") }, s_now, random).Endpoint!;
        var before = Enumerable.Range(0, 1000).Select(key => Of(key, states)).ToList();
        Enumerable.Range(0, 1000).Select(key => Of(key, states)).ShouldBe(before);
        before.GroupBy(e => e).Select(g => g.Count()).ShouldAllBe(n => n > 150 && n < 250);

        var left = states.Take(4).ToList();
        var moved = Enumerable.Range(0, 1000).Count(key => before[key] != states[4] && Of(key, left) != before[key]);
        moved.ShouldBe(0, "only those of the one that is gone move");
    }

    [Fact]
    public void A_conversation_leaves_an_endpoint_that_is_loaded_far_above_the_others()
    {
        var states = Enumerable.Range(0, 4).Select(i => Endpoint($"e{i}", capacity: 1000)).ToList();
        var request = new RouteRequest { Affinity = Router.KeyOf("one") };
        var home = Router.Choose(states, request, s_now, new Random(1)).Endpoint!;
        states.ForEach(s => s.Begin(100, s_now));
        home.Begin(20, s_now);
        Router.Choose(states, request, s_now, new Random(1)).Endpoint.ShouldBe(home);
        home.Begin(100, s_now);
        Router.Choose(states, request, s_now, new Random(1)).Endpoint.ShouldNotBe(home);
    }

    private static EndpointState Endpoint(string name, string model = "m", string zone = "", int busy = 0, bool down = false, bool drained = false, double weight = 1, int capacity = 4)
    {
        var state = new EndpointState(
            new EndpointProfile(name, new EndpointOptions { Model = model }) { Capacity = capacity, Zone = zone, Weight = weight }, new BreakerOptions(), new WindowOptions())
        {
            IsDrained = drained,
        };
        for (var i = 0; i < busy; i++)
        {
            state.Begin(10, TimeSpan.Zero);
        }

        if (down)
        {
            state.Begin(0, s_now);
            state.Failure(0, new InferenceException(InferenceErrorCode.Unreachable, "gone"), s_now);
        }

        return state;
    }
}
