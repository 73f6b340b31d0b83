using FsCheck;
using FsCheck.Fluent;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Tests.Index;

/// <summary>
/// Segments are packed and merged beside the writer. What was deleted, replaced or restricted meanwhile must stay so, what
/// is acknowledged must be found at every moment, and a crash at any moment must cost nothing but the work.
/// </summary>
public class SegmentWorkTests
{
    private static readonly IndexOptions Small = new()
    {
        MaxSegmentChunks = 8,
        MinDeletedToRewrite = 3,
        WorksInBackground = true,
        Graphs = new VectorGraphOptions { From = 4, Threads = 1 },
    };

    private enum Step
    {
        Nothing,
        Begin,
        Run,
        Finish,
        Abandon,
        Save,
        Crash,
    }

    [Fact]
    public void Any_history_with_work_under_way_saves_and_crashes_answers_like_brute_force()
    {
        var steps = Gen.Frequency(
            (6, Gen.Constant(Step.Nothing)), (5, Gen.Constant(Step.Begin)), (4, Gen.Constant(Step.Run)), (5, Gen.Constant(Step.Finish)),
            (1, Gen.Constant(Step.Abandon)), (1, Gen.Constant(Step.Save)), (1, Gen.Constant(Step.Crash)));
        var histories = Gen.Zip(Gen.Zip(Histories.Event, steps.ArrayOf(3)).ArrayOf(), Histories.Questions.ArrayOf(3)).Resize(70).ToArbitrary();
        var (merges, changedMeanwhile, crashes) = (0, 0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(histories, history =>
        {
            using var folder = new TemporaryFolder();
            var index = new PartitionIndex(Small);
            var model = new BruteForce();
            var log = new List<PartitionEvent>();
            var saved = (Manifest: (SegmentManifest?)null, Events: 0);
            var (work, began) = ((SegmentWork?)null, 0);
            foreach (var (@event, then) in history.Item1)
            {
                index.Apply(@event);
                model.Apply(@event);
                log.Add(@event);
                foreach (var step in then)
                {
                    switch (step)
                    {
                        case Step.Begin when work is null:
                            (work, began) = (index.BeginWork(), log.Count);
                            break;
                        case Step.Run:
                            work?.Run(TestContext.Current.CancellationToken);
                            break;
                        case Step.Finish when work is { IsDone: true }:
                            index.Finish(work);
                            merges += work is SegmentMerge ? 1 : 0;
                            changedMeanwhile += work is SegmentMerge && began < log.Count ? 1 : 0;
                            work = null;
                            break;
                        case Step.Abandon when work is not null:
                            index.Abandon(work);
                            work = null;
                            break;
                        case Step.Save:
                            index.Reader.Tend(TestContext.Current.CancellationToken);
                            saved = (index.Save(folder.Path), log.Count);
                            PartitionIndex.Prune(folder.Path, saved.Manifest!);
                            break;
                        case Step.Crash:
                            // What was under way is gone; the log after the snapshot is applied again.
                            index = saved.Manifest is { } manifest ? PartitionIndex.Open(folder.Path, manifest, Small) : new PartitionIndex(Small);
                            log.Skip(saved.Events).ToList().ForEach(lost => index.Apply(lost));
                            work = null;
                            crashes++;
                            break;
                        default:
                            break;
                    }
                }

                index.Reader.ChunkCount.ShouldBe(model.ChunkCount);
            }

            index.Reader.DocumentCount.ShouldBe(model.Documents.Count());
            foreach (var question in history.Item2)
            {
                PartitionIndexTests.ShouldAnswerLike(index.Reader, model, question);
            }
        }));

        // Histories in which nothing is merged, or nothing happens meanwhile, would prove nothing.
        merges.ShouldBeGreaterThan(50);
        changedMeanwhile.ShouldBeGreaterThan(20);
        crashes.ShouldBeGreaterThan(20);
    }

    [Fact]
    public void What_changes_while_segments_are_merged_stays_changed()
    {
        var index = new PartitionIndex(Small with { MaxSegmentChunks = 20 });
        for (var i = 0; i <= 10; i++)
        {
            index.Apply(Samples.Indexed($"d{i}", 1, "", "premium one", "premium two"));
        }

        Finish(index, index.BeginWork().ShouldBeOfType<SegmentPacking>());
        for (var i = 0; i < 6; i++)
        {
            index.Apply(new ChunksRemoved(new DocumentId($"d{i}"), 1));
        }

        var merge = index.BeginWork().ShouldBeOfType<SegmentMerge>();
        index.BeginWork().ShouldBeNull("one thing at a time");
        index.Apply(new ChunksRemoved(new DocumentId("d6"), 1));
        merge.Run(CancellationToken.None);
        index.Apply(Samples.Indexed("d7", 2, "", "premium three"));
        index.Apply(new ChunksRestricted(new DocumentId("d8"), RoleSet.Of("adviser"), 1));
        var before = index.Reader;
        index.Finish(merge);

        Found(before, RoleSet.Empty).ShouldBe(["d7@2#0", "d9@1#0", "d9@1#1", "d10@1#0", "d10@1#1"], ignoreOrder: true);
        Found(index.Reader, RoleSet.Empty).ShouldBe(Found(before, RoleSet.Empty));
        Found(index.Reader, RoleSet.Of("adviser")).ShouldBe(["d7@2#0", "d8@1#0", "d8@1#1", "d9@1#0", "d9@1#1", "d10@1#0", "d10@1#1"], ignoreOrder: true);

        // Where the merge has put them they are changed like any other.
        index.Apply(new ChunksRestricted(new DocumentId("d8"), RoleSet.Empty, 2));
        index.Apply(new ChunksRemoved(new DocumentId("d9"), 1));
        Found(index.Reader, RoleSet.Empty).ShouldBe(["d7@2#0", "d8@1#0", "d8@1#1", "d10@1#0", "d10@1#1"], ignoreOrder: true);
    }

    [Fact]
    public void Unpacked_segments_do_not_pile_up_where_nobody_does_the_work()
    {
        var index = new PartitionIndex(Small);
        for (var i = 0; i < 100; i++)
        {
            index.Apply(Samples.Indexed($"d{i}", 1, "", "premium"));
            index.Reader.Views.Count(view => !view.Segment.IsSealed).ShouldBeLessThanOrEqualTo(3);
        }

        Found(index.Reader, RoleSet.Empty).Count.ShouldBe(100);
    }

    [Fact]
    public void Work_is_handed_back_once_and_done()
    {
        var index = new PartitionIndex(Small);
        index.BeginWork().ShouldBeNull();
        for (var i = 0; i < 9; i++)
        {
            index.Apply(Samples.Indexed($"d{i}", 1, "", "premium"));
        }

        var work = index.BeginWork().ShouldNotBeNull();
        Should.Throw<ArgumentException>(() => index.Finish(work)).Message.ShouldContain("run to its end");
        work.Run(CancellationToken.None);
        index.Finish(work);
        Should.Throw<ArgumentException>(() => index.Finish(work));
        Should.Throw<ArgumentException>(() => index.Abandon(work));
    }

    [Fact]
    public void Readers_are_right_at_every_moment_while_segments_are_merged_beside_the_writer()
    {
        var index = new PartitionIndex(Small with { MaxSegmentChunks = 64, MinDeletedToRewrite = 8 });
        var (done, searched, merged) = (0, 0, 0);
        var reader = Task.Run(() =>
        {
            while (Volatile.Read(ref done) == 0)
            {
                var now = index.Reader;
                var found = now.Find("stamp premium", Embedding.Of([1, 2, 3, 4, 5]), now.Statistics("stamp premium"), RoleSet.Empty, SearchFilter.None, 1000);
                found.Lexical.Count.ShouldBe(now.ChunkCount);
                found.Vector.Count.ShouldBe(now.ChunkCount);
                found.Lexical.ShouldAllBe(hit => hit.Passage.Version == now.VersionOf(hit.Passage.Document) && hit.Passage.Text == $"premium stamp{hit.Passage.Version} {hit.Passage.Document}");
                Interlocked.Increment(ref searched);
            }
        }, TestContext.Current.CancellationToken);
        var (work, running) = ((SegmentWork?)null, Task.CompletedTask);
        for (var i = 0; (i < 3000 || Volatile.Read(ref searched) < 10 || merged < 10) && !reader.IsCompleted; i++)
        {
            var document = $"d{i * 7 % 100}";
            var text = $"premium stamp{i} {document}";
            index.Apply(i % 5 == 4
                ? new ChunksRemoved(new DocumentId(document), int.MaxValue)
                : Samples.Indexed(document, i, "", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, text, [i % 7, 1, 2, 3, 4]), Samples.Chunk(1, text, [1, 1, i % 3, 0, 1])));
            if (work is not null && running.IsCompletedSuccessfully)
            {
                index.Finish(work);
                merged += work is SegmentMerge ? 1 : 0;
                work = null;
            }

            if (work is null && index.BeginWork() is { } next)
            {
                work = next;
                running = Task.Run(() => next.Run(CancellationToken.None), TestContext.Current.CancellationToken);
            }
        }

        Volatile.Write(ref done, 1);
#pragma warning disable xUnit1031 // The writer must not yield to a scheduler while it races the others.
        Task.WaitAll([reader, running], TestContext.Current.CancellationToken);
#pragma warning restore xUnit1031
    }

    private static void Finish(PartitionIndex index, SegmentWork? work)
    {
        work.ShouldNotBeNull().Run(CancellationToken.None);
        index.Finish(work);
    }

    private static IReadOnlyList<string> Found(IndexReader reader, RoleSet roles) =>
        reader.Find("premium", null, reader.Statistics("premium"), roles, SearchFilter.None, 1000).Lexical.Ids();
}
