using FsCheck;
using FsCheck.Fluent;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Fusion;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Tests.Index;

/// <summary>An index that forgets, invents, mis-ranks or shows what somebody may not read is caught here, by comparison with no index at all.</summary>
public class PartitionIndexTests
{
    /// <summary>Small segments and eager rewriting, so that short histories go through all of it.</summary>
    private static readonly IndexOptions Small = new()
    {
        MaxSegmentChunks = 8,
        MinDeletedToRewrite = 3,
        Graphs = new VectorGraphOptions { From = 4, Threads = 1 },
    };

    private enum Step
    {
        Nothing,
        Tend,
        Save,
        Reopen,
    }

    [Fact]
    public void Any_history_with_saves_and_restarts_answers_like_brute_force()
    {
        var steps = Gen.Frequency((10, Gen.Constant(Step.Nothing)), (2, Gen.Constant(Step.Tend)), (1, Gen.Constant(Step.Save)), (1, Gen.Constant(Step.Reopen)));
        var histories = Gen.Zip(Gen.Zip(Histories.Event, steps).ArrayOf(), Histories.Questions.ArrayOf(4)).Resize(60).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(histories, history =>
        {
            using var folder = new TemporaryFolder();
            var index = new PartitionIndex(Small);
            var model = new BruteForce();
            foreach (var (@event, step) in history.Item1)
            {
                index.Apply(@event);
                model.Apply(@event);
                if (step == Step.Nothing)
                {
                    continue;
                }

                index.Reader.Tend(TestContext.Current.CancellationToken);
                if (step == Step.Tend)
                {
                    continue;
                }

                var manifest = index.Save(folder.Path);
                PartitionIndex.Prune(folder.Path, manifest);
                Directory.GetFiles(folder.Path).Length.ShouldBe(manifest.Files.Select(f => f.Name).Distinct().Count());
                index = step == Step.Reopen ? PartitionIndex.Open(folder.Path, manifest, Small) : index;
                index.RefusedGraph.ShouldBeNull();
            }

            index.Reader.ChunkCount.ShouldBe(model.ChunkCount);
            index.Reader.DocumentCount.ShouldBe(model.Documents.Count());
            foreach (var question in history.Item2)
            {
                ShouldAnswerLike(index.Reader, model, question);
            }
        }));
    }

    [Fact]
    public void Merged_partitions_rank_exactly_like_one_index()
    {
        var cases = Gen.Zip(Histories.Event.ArrayOf(), Histories.Questions).Resize(60).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(cases, history =>
        {
            var one = new PartitionIndex(Small);
            PartitionIndex[] shards = [new(), new(Small), new(Small)];
            foreach (var @event in history.Item1)
            {
                one.Apply(@event);
                shards[DocumentOf(@event).Value[^1] % shards.Length].Apply(@event);
            }

            var (query, vector, roles, filter, k) = history.Item2;
            var global = shards.Select(shard => shard.Reader.Statistics(query)).Sum();
            var whole = one.Reader.Find(query, vector, one.Reader.Statistics(query), roles, filter, k);
            var parts = shards.Select(shard => shard.Reader.Find(query, vector, global, roles, filter, k)).ToList();
            ReciprocalRankFusion.Merge(parts.Select(part => part.Lexical), k).Select(Exactly).ShouldBe(whole.Lexical.Select(Exactly));
            ReciprocalRankFusion.Merge(parts.Select(part => part.Vector), k).Select(Exactly).ShouldBe(whole.Vector.Select(Exactly));
        }));
    }

    /// <summary>With k beyond the number of chunks nothing can be skipped, so the short ranking must begin the long one.</summary>
    [Fact]
    public void Skipping_what_cannot_enter_the_top_k_changes_nothing()
    {
        var random = new Random(5);
        var words = Enumerable.Range(0, 400).Select(i => $"w{i}x").ToArray();
        string Words(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => words[(int)(400 * Math.Pow(random.NextDouble(), 4))]));
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 5000 });
        for (var i = 0; i < 130; i++)
        {
            var chunks = Enumerable.Range(0, 60).Select(c => Samples.Chunk(c, Words(random.Next(1, 12)), null, Words(random.Next(3)))).ToArray();
            index.Apply(Samples.Indexed($"d{i}", 1, Words(2), i % 3 == 0 ? RoleSet.Of("adviser") : RoleSet.Empty, Samples.NoMetadata, chunks));
        }

        var reader = index.Reader;
        for (var q = 0; q < 40; q++)
        {
            // Rare words beside common ones, and common ones alone.
            var query = q % 3 == 0 ? Words(3) : $"{Words(4)} {words[random.Next(250, 400)]}";
            var roles = q % 2 == 0 ? RoleSet.Empty : RoleSet.Of("adviser");
            var global = reader.Statistics(query);
            var all = reader.Find(query, null, global, roles, SearchFilter.None, 20_000).Lexical.Select(Exactly).ToList();
            foreach (var k in new[] { 1, 10, 100 })
            {
                reader.Find(query, null, global, roles, SearchFilter.None, k).Lexical.Select(Exactly).ShouldBe(all.Take(k));
            }
        }
    }

    [Fact]
    public void Nobody_finds_what_their_roles_may_not_read()
    {
        var cases = Gen.Zip(Histories.Event.ArrayOf(), Histories.RoleSets).Resize(40).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(cases, history =>
        {
            var index = new PartitionIndex(Small);
            var reader = index.Reader;
            foreach (var @event in history.Item1)
            {
                index.Apply(@event);
                reader = index.Reader;
                var query = string.Join(' ', Histories.Vocabulary);
                var found = reader.Find(query, Embedding.Of([1, 1, 1, 1, 1]), reader.Statistics(query), history.Item2, SearchFilter.None, 100);
                foreach (var (passage, _) in found.Lexical.Concat(found.Vector))
                {
                    history.Item2.MayRead(reader.ReadersOf(passage.Document)!).ShouldBeTrue();
                }
            }
        }));
    }

    [Fact]
    public void What_one_may_not_read_takes_no_place_in_the_top_k()
    {
        var index = new PartitionIndex();
        for (var i = 0; i < 50; i++)
        {
            index.Apply(Samples.Indexed($"secret{i}", 1, "premium", RoleSet.Of("underwriter"), Samples.NoMetadata, Samples.Chunk(0, "premium premium premium", [1, 0])));
        }

        index.Apply(Samples.Indexed("open", 1, "", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, "one premium among many other words", [0.1f, 1])));
        var found = index.Reader.Find("premium", Embedding.Of([1, 0]), index.Reader.Statistics("premium"), RoleSet.Of("customer"), SearchFilter.None, 1);
        found.Lexical.Ids().ShouldBe(["open@1#0"]);
        found.Vector.Ids().ShouldBe(["open@1#0"]);
    }

    [Fact]
    public void A_snapshot_answers_the_same_whatever_happens_later()
    {
        var cases = Gen.Zip(Histories.Event.ArrayOf(), Histories.Questions).Resize(50).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(cases, history =>
        {
            var index = new PartitionIndex(Small);
            var snapshots = new List<(IndexReader Reader, List<(ChunkId, double)> Answer)>();
            foreach (var @event in history.Item1)
            {
                snapshots.Add((index.Reader, Answer(index.Reader)));
                index.Apply(@event);
            }

            foreach (var (reader, answer) in snapshots)
            {
                Answer(reader).ShouldBe(answer);
            }

            List<(ChunkId, double)> Answer(IndexReader reader)
            {
                var found = reader.Find("premium policy lapse rider", history.Item2.Vector, reader.Statistics("premium policy lapse rider"), history.Item2.Roles, SearchFilter.None, 50);
                return [.. found.Lexical.Concat(found.Vector).Select(Exactly)];
            }
        }));
    }

    [Fact]
    public void A_reader_goes_on_seeing_what_it_saw_when_it_was_taken()
    {
        var index = new PartitionIndex(Small);
        index.Apply(Samples.Indexed("a", 1, "", "premium one"));
        index.Apply(Samples.Indexed("b", 1, "", "premium two"));
        var before = index.Reader;
        index.Apply(new ChunksRemoved(new DocumentId("a"), 1));
        index.Apply(new ChunksRestricted(new DocumentId("b"), RoleSet.Of("adviser"), 1));
        for (var i = 0; i < 30; i++)
        {
            index.Apply(Samples.Indexed($"c{i % 3}", i, "", "premium three"));
        }

        Find(before, "premium").Ids().ShouldBe(["a@1#0", "b@1#0"]);
        before.Statistics("premium").DocumentFrequency["premium"].ShouldBe(2);
        Find(index.Reader, "premium").Ids().ShouldBe(["c0@27#0", "c1@28#0", "c2@29#0"]);
    }

    [Fact]
    public void Readers_are_right_at_every_moment_while_the_index_changes()
    {
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 64, MinDeletedToRewrite = 8 });
        var done = 0;
        var searched = 0;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (Volatile.Read(ref done) == 0)
            {
                var reader = index.Reader;
                var global = reader.Statistics("stamp premium");
                var found = reader.Find("stamp premium", Embedding.Of([1, 2, 3, 4, 5]), global, RoleSet.Empty, SearchFilter.None, 1000);

                // Every chunk has the word and a vector, and all chunks of a document bear the same stamp.
                found.Lexical.Count.ShouldBe(reader.ChunkCount);
                found.Vector.Count.ShouldBe(reader.ChunkCount);
                global.DocumentFrequency["premium"].ShouldBe(reader.ChunkCount);
                foreach (var (passage, _) in found.Lexical)
                {
                    passage.Version.ShouldBe(reader.VersionOf(passage.Document)!.Value);
                    passage.Text.ShouldBe($"premium stamp{passage.Version} {passage.Document}");
                }

                Interlocked.Increment(ref searched);
            }
        }, TestContext.Current.CancellationToken)).ToArray();

        for (var i = 0; i < 3000 || Volatile.Read(ref searched) < 20; i++)
        {
            var document = $"d{i * 7 % 100}";
            var text = $"premium stamp{i} {document}";
            index.Apply(i % 5 == 4
                ? new ChunksRemoved(new DocumentId(document), int.MaxValue)
                : Samples.Indexed(document, i, "", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, text, [i % 7, 1, 2, 3, 4]), Samples.Chunk(1, text, [1, 1, i % 3, 0, 1])));
            if (readers.Any(reader => reader.IsCompleted))
            {
                break;
            }
        }

        Volatile.Write(ref done, 1);
#pragma warning disable xUnit1031 // The writer must not yield to a scheduler while it races the readers.
        Task.WaitAll(readers, TestContext.Current.CancellationToken);
#pragma warning restore xUnit1031
    }

    [Fact]
    public void A_document_of_a_hundred_thousand_words_is_one_among_others()
    {
        var index = new PartitionIndex();
        index.Apply(Samples.Indexed("huge", 1, "", string.Join(' ', Enumerable.Range(0, 100_000).Select(i => $"word{i}x"))));
        index.Apply(Samples.Indexed("small", 1, "", "word77777x"));
        Find(index.Reader, "word77777x").Ids().ShouldBe(["small@1#0", "huge@1#0"]);
        Find(index.Reader, "word99999x").Ids().ShouldBe(["huge@1#0"]);
    }

    [Fact]
    public void An_empty_index_and_an_empty_query_find_nothing()
    {
        var index = new PartitionIndex();
        Find(index.Reader, "premium").ShouldBeEmpty();
        index.Apply(Samples.Indexed("a", 1, "", "premium"));
        Find(index.Reader, "").ShouldBeEmpty();
        Find(index.Reader, "the of and").ShouldBeEmpty();
        Find(index.Reader, new string('?', 1_000_000)).ShouldBeEmpty();
    }

    [Fact]
    public void An_explanation_adds_up_to_the_score()
    {
        var index = new PartitionIndex();
        index.Apply(Samples.Indexed("a", 1, "premium loan", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, "premium premium and policy", [1, 2], "policy")));
        index.Apply(Samples.Indexed("b", 1, "", "rider"));
        var reader = index.Reader;
        var global = reader.Statistics("premium policy policy rider");
        var found = reader.Find("premium policy policy rider", Embedding.Of([2, 1]), global, RoleSet.Empty, SearchFilter.None, 2);
        var find = new FindPassages("premium policy policy rider", Embedding.Of([2, 1]), global, RoleSet.Empty, SearchFilter.None, 2) { Explain = true };
        var explained = reader.Explain(new ChunkId(new DocumentId("a"), 1, 0), find)!;
        explained.Lexical.ShouldBe(found.Lexical.Single(p => p.Passage.Document.Value == "a").Score);
        explained.Cosine.ShouldBe(found.Vector.Single().Score);
        explained.Cosine!.Value.ShouldBe(0.8, 1e-6);
        explained.Terms.Select(t => (t.Term, t.Weight, t.Body, t.Title, t.Headings)).ShouldBe([("premium", 1, 2, 1, 0), ("polici", 2, 1, 0, 1)]);
        explained.Terms.Sum(t => (float)t.Score).ShouldBe((float)explained.Lexical);
        reader.Explain(new ChunkId(new DocumentId("a"), 2, 0), find).ShouldBeNull();

        var all = reader.Find(find);
        all.Explanations!.Select(e => e.Passage).ShouldBe(all.Lexical.Concat(all.Vector).Select(p => p.Passage.Id).Distinct());
        foreach (var (passage, score) in all.Lexical)
        {
            all.Explanations!.Single(e => e.Passage == passage.Id).Lexical.ShouldBe(score);
        }
    }

    internal static void ShouldAnswerLike(IndexReader reader, BruteForce model, Question question)
    {
        var global = reader.Statistics(question.Query);
        var expected = model.Statistics(question.Query);
        global.Documents.ShouldBe(expected.Documents);
        global.TotalLength.ShouldBe(expected.TotalLength, ignoreOrder: true);
        global.DocumentFrequency.ShouldBe(expected.DocumentFrequency, ignoreOrder: true);

        var found = reader.Find(question.Query, question.Vector, global, question.Roles, question.Filter, question.K);
        found.Lexical.Select(Exactly).ShouldBe(model.Lexical(question.Query, expected, question.Roles, question.Filter, question.K));

        // Cosines are computed in another precision here, so near ties may swap: compare the scores rank by rank.
        var similar = model.Similar(question.Vector, question.Roles, question.Filter, question.K);
        found.Vector.Count.ShouldBe(similar.Count);
        for (var i = 0; i < similar.Count; i++)
        {
            found.Vector[i].Score.ShouldBe(similar[i].Score, 1e-5);
        }

        found.Vector.Select(Exactly).ShouldBe(found.Vector.Select(Exactly).OrderByDescending(h => h.Score).ThenBy(h => h.Id, ChunkOrder.Instance));
    }

    private static (ChunkId Id, double Score) Exactly(ScoredPassage passage) => (passage.Passage.Id, passage.Score);

    private static IReadOnlyList<ScoredPassage> Find(IndexReader reader, string query) =>
        reader.Find(query, null, reader.Statistics(query), RoleSet.Empty, SearchFilter.None, 10).Lexical;

    private static DocumentId DocumentOf(PartitionEvent @event) => @event switch
    {
        ChunksIndexed e => e.Document,
        ChunksRemoved e => e.Document,
        ChunksRestricted e => e.Document,
        _ => throw new ArgumentOutOfRangeException(nameof(@event)),
    };
}
