using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Search;

/// <summary>What a search over HTTP can be asked beyond words. Every test's words are its own.</summary>
public sealed class SearchTests(OpenNode node)
{
    [Fact]
    public async Task Operators_demand_and_plain_queries_do_not()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("op1", "The potorooword premium is waived for smokers.");
        await caller.IndexAsync("op2", "The premium of the potorooword is due in March.");
        (await caller.SearchAsync("potorooword \"potorooword premium\"")).ShouldBe(["op1"]);
        (await caller.SearchAsync("potorooword -smokers")).ShouldBe(["op2"]);
        (await caller.SearchAsync("+potorooword +march")).ShouldBe(["op2"]);
        (await caller.SearchAsync("potoroowor*")).ShouldBe(["op1", "op2"], ignoreOrder: true);
        (await caller.SearchAsync("potoroword~1")).ShouldBe(["op1", "op2"], ignoreOrder: true);
        (await caller.SearchAsync("potorooword -smokers", "&syntax=plain")).ShouldBe(["op1", "op2"], ignoreOrder: true);
        (await caller.SearchAsync("potorooword \"+(")).ShouldBe(["op1", "op2"], ignoreOrder: true);
    }

    [Fact]
    public async Task An_explanation_adds_up_in_every_mode()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("ex1", "The dunnartword premium is due. A dunnartword lapses without premium.");
        await caller.IndexAsync("ex2", "Nothing but a dunnartword.");
        foreach (var mode in new[] { "hybrid", "lexical", "vector" })
        {
            var found = (await caller.GetAsync($"/api/v1/search?q=dunnartword+premium&mode={mode}&explain=true&k=20")).Expect(HttpStatusCode.OK)["passages"]!.AsArray();
            found.Count.ShouldBeGreaterThan(1);
            foreach (var passage in found)
            {
                var e = passage!["explanation"]!;
                (((double)e["lexicalPart"]! + (double)e["vectorPart"]! + (double)e["proximityPart"]! + (double)e["contextPart"]!) * (double)e["boost"]!).ShouldBe((double)passage["score"]!, 1e-9);
                e["terms"]!.AsArray().Sum(t => (double)t!["score"]!).ShouldBe((double)e["lexical"]!, 1e-4);
                ((string?)e["fusion"]).ShouldBe(mode == "hybrid" ? "scores" : mode);
            }
        }

        (await caller.PassagesAsync("dunnartword")).ShouldAllBe(p => p!["explanation"] == null);
    }

    [Fact]
    public async Task Metadata_narrows_is_counted_and_weighs()
    {
        using var caller = node.Caller();
        foreach (var (id, product, date) in new[] { ("md1", "life", "2024-01-10"), ("md2", "life", "2025-06-01"), ("md3", "annuity", "2025-07-01"), ("md4", "", "") })
        {
            var metadata = product.Length == 0 ? "" : $"&meta.product={product}&meta.date={date}";
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes("The bandicootword is the same everywhere."));
            (await caller.SendAsync(HttpMethod.Put, $"/api/v1/documents/{id}?name={id}.txt{metadata}", content)).Expect(HttpStatusCode.Accepted);
            await caller.EndAsync(id, "indexed");
        }

        (await Found("&in.product=life&in.product=annuity")).ShouldBe(["md1", "md2", "md3"], ignoreOrder: true);
        (await Found("&not.product=life")).ShouldBe(["md3", "md4"], ignoreOrder: true);
        (await Found("&exists.product=false")).ShouldBe(["md4"]);
        (await Found("&from.date=2025-01-01&to.date=2025-06-01")).ShouldBe(["md2"]);
        (await Found("&boost.product=annuity^2"))[0].ShouldBe("md3");
        (await Found("&decay.date=30"))[0].ShouldBe("md4", "what is undated does not age");
        (await Found("&decay.date=30"))[^1].ShouldBe("md1");
        var body = (await caller.GetAsync("/api/v1/search?q=bandicootword&mode=lexical&facet=product&facet=nosuch")).Expect(HttpStatusCode.OK);
        body["facets"]!.ToJsonString().ShouldBe("""[{"key":"product","values":[{"value":"life","count":2},{"value":"annuity","count":1}]},{"key":"nosuch","values":[]}]""");

        Task<IReadOnlyList<string>> Found(string parameters) => caller.SearchAsync("bandicootword", parameters);
    }

    [Fact]
    public async Task A_document_is_shown_once_and_expansion_and_diversity_change_no_rights()
    {
        using var admin = node.Caller();
        using var customer = node.Caller(roles: "customer");
        await admin.IndexAsync("many", string.Join("\n\n", Enumerable.Range(0, 40).Select(i => $"Section {i}. " + string.Join(' ', Enumerable.Repeat($"The numbatword number {i} is told at some length.", 12)))));
        await admin.IndexAsync("hidden", "The numbatword is secret here.", readers: "underwriter");
        (await customer.PassagesAsync("numbatword")).Count.ShouldBeGreaterThan(1);
        (await customer.SearchAsync("numbatword", "&byDocument=true")).ShouldBe(["many"]);
        (await customer.SearchAsync("numbatword", "&expand=true&diversity=0.5")).ShouldNotContain("hidden");
        (await admin.SearchAsync("numbatword", "&byDocument=true&expand=true")).ShouldBe(["many", "hidden"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("&syntax=magic")]
    [InlineData("&explain=perhaps")]
    [InlineData("&diversity=2")]
    [InlineData("&boost.product=life")]
    [InlineData("&boost.product=life^-1")]
    [InlineData("&decay.date=never")]
    [InlineData("&exists.product=maybe")]
    public async Task A_parameter_that_cannot_be_meant_is_told(string parameters)
    {
        using var caller = node.Caller();
        (await caller.GetAsync("/api/v1/search?q=x" + parameters)).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }
}
