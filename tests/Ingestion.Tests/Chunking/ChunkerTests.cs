using FsCheck;
using FsCheck.Fluent;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Text;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Chunking;

public class ChunkerTests
{
    private static readonly string[] Pieces =
    [
        "# Cover\n\n", "## What is paid\n\n", "The insurer pays the sum insured. ", "It pays once, on death; e.g. after an accident. ",
        "- first\n- second\n\n", "| A | B |\n|---|---|\n| 1 | two |\n| 3 | four |\n\n", "\n\n", "```\ncode {\n}\n```\n\n", "Überschuß 😀 wird gutgeschrieben. ",
        new string('x', 900) + " ", "保険金は死亡時に支払われます。", "word word word word word word word word word word word word ",
    ];

    [Fact]
    public void Every_chunk_is_its_exact_span_and_nothing_is_lost()
    {
        var texts = Gen.Choose(0, Pieces.Length - 1).Select(i => Pieces[i]).ListOf().Select(string.Concat);
        var sizes = from target in Gen.Choose(16, 300) from more in Gen.Choose(0, 200) from overlap in Gen.Choose(0, target / 2) select new ChunkerOptions { TargetTokens = target, MaxTokens = target + more, OverlapTokens = overlap };
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(texts.ToArbitrary(), sizes.ToArbitrary(), (text, options) =>
        {
            var result = new DocumentParser(new ParserLimits(), TimeProvider.System).ParseAsync(System.Text.Encoding.UTF8.GetBytes(text), "a.md", null, default).GetAwaiter().GetResult();
            if (result is ParseSuccess { Document: var document })
            {
                CheckChunks(document, new Chunker(options).Split(document), options);
            }
        }));
    }

    [Fact]
    public async Task A_chunk_does_not_run_over_a_heading_when_the_sections_are_large_enough()
    {
        var sentence = "The policy pays the agreed sum when the insured person dies within the term. ";
        var section = string.Concat(Enumerable.Repeat(sentence, 9));
        var document = await DocumentAsync($"# One\n\n{section}\n\n# Two\n\n{section}\n\n# Three\n\n{section}\n", "a.md");
        var chunks = new Chunker(new ChunkerOptions()).Split(document);
        chunks.Count.ShouldBe(3);
        chunks.Select(c => c.Text.Split('\n')[0]).ShouldBe(["One", "Two", "Three"]);
    }

    [Fact]
    public async Task Records_never_share_a_chunk_and_rows_stay_whole()
    {
        var records = await DocumentAsync("""
            {"title":"Grace period","text":"Thirty days."}
            {"title":"Free look","text":"Ten days."}
            """, "faq.jsonl");
        new Chunker(new ChunkerOptions()).Split(records).Select(c => c.Text).ShouldBe(["Grace period\n\nThirty days.", "Free look\n\nTen days."]);

        var table = await DocumentAsync("Product,Fee,Note\n" + string.Join("\n", Enumerable.Range(1, 200).Select(i => $"Plan {i},{i * 3} EUR,\"Paid monthly, in advance.\"")), "fees.csv");
        foreach (var chunk in new Chunker(new ChunkerOptions()).Split(table))
        {
            chunk.Text.Split('\n').ShouldAllBe(row => row.StartsWith("Product: Plan ") && row.EndsWith("; Note: Paid monthly, in advance."));
        }
    }

    [Fact]
    public async Task A_list_keeps_the_line_that_introduces_it()
    {
        var filler = string.Concat(Enumerable.Repeat("Nothing here matters to the question at hand, but it fills the page well. ", 10));
        var document = await DocumentAsync($"{filler}\n\nYou need:\n\n- the policy\n- an identity card\n- a bank account\n\n{filler}\n", "a.md");
        new Chunker(new ChunkerOptions()).Split(document).ShouldContain(c => c.Text.Contains("You need:\n\n- the policy\n- an identity card\n- a bank account"));
    }

    [Fact]
    public async Task A_line_without_end_is_cut_and_loses_nothing()
    {
        var document = await DocumentAsync(new string('a', 100_000) + "😀" + new string('b', 100_000), "a.txt");
        var chunks = new Chunker(new ChunkerOptions()).Split(document);
        string.Concat(chunks.Select(c => c.Text)).ShouldBe(document.Text);
    }

    [Fact]
    public void Tokens_are_counted_like_words_and_pieces()
    {
        TokenCounter.Count("The free-look period is 30 days.").ShouldBe(9);
        TokenCounter.Count("保険金").ShouldBe(3);
        TokenCounter.Count(" \n ").ShouldBe(0);
    }

    internal static void CheckChunks(ParsedDocument document, IReadOnlyList<Chunk> chunks, ChunkerOptions options)
    {
        var covered = new bool[document.Text.Length];
        for (var i = 0; i < chunks.Count; i++)
        {
            var chunk = chunks[i];
            chunk.Ordinal.ShouldBe(i);
            chunk.Text.ShouldBe(document.Text[chunk.Start..chunk.End]);
            chunk.Tokens.ShouldBeLessThanOrEqualTo(options.MaxTokens + options.OverlapTokens + 2);
            Array.Fill(covered, true, chunk.Start, chunk.End - chunk.Start);
        }

        for (var i = 0; i < covered.Length; i++)
        {
            (covered[i] || char.IsWhiteSpace(document.Text[i])).ShouldBeTrue($"offset {i} is in no chunk");
        }
    }
}
