using FsCheck;
using FsCheck.Fluent;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>Any history of changes, saves and restarts gives the index that the changes alone give; and damaged files give none.</summary>
public sealed class VectorFilesTests : IDisposable
{
    private const int Dimensions = 5;

    private readonly TemporaryFolder _folder = new();

    private enum Change
    {
        Add,
        AddTwin,
        AddZero,
        AddMany,
        Remove,
        Save,
        SaveMapped,
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Any_history_of_changes_saves_and_restarts_answers_like_brute_force()
    {
        var (found, wanted, walks) = (0, 0, 0);
        var changes = Gen.Frequency(
            (10, Gen.Constant(Change.Add)), (3, Gen.Constant(Change.AddTwin)), (1, Gen.Constant(Change.AddZero)), (2, Gen.Constant(Change.AddMany)), (6, Gen.Constant(Change.Remove)), (1, Gen.Constant(Change.Save)), (1, Gen.Constant(Change.SaveMapped)));
        var histories = Gen.Zip(Gen.Zip(changes, Gen.Choose(0, 1_000_000)).ArrayOf(), Gen.Choose(0, 2)).Resize(80).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(100), Prop.ForAll(histories, history =>
        {
            var (steps, similarity) = (history.Item1, (Similarity)history.Item2);
            var index = new VectorIndex(new VectorIndexOptions
            {
                Dimensions = Dimensions,
                Similarity = similarity,
                Precision = (StoredPrecision)(steps.Length % 2),
                GraphFrom = steps.Length % 3 * 10,
                Graph = new GraphOptions { M = 4, EfConstruction = 40 },
            });
            var model = new Dictionary<int, float[]>();
            var rows = 0;
            foreach (var (change, draw) in steps)
            {
                index = Apply(index, model, ref rows, change, draw);
            }

            index.Count.ShouldBe(model.Count(entry => similarity != Similarity.Cosine || entry.Value.Any(value => value != 0)));
            index.Rows.ShouldBe(rows);
            var query = Vector(steps.Length + 7);
            var expected = model
                .Where(entry => similarity != Similarity.Cosine || entry.Value.Any(value => value != 0))
                .Select(entry => (Id: entry.Key, Score: ScoreOf(similarity, query, entry.Value)))
                .OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Id).Take(5).ToArray();
            var exact = index.Search(query, 5, new VectorSearchOptions { Exact = true });
            exact.Count.ShouldBe(expected.Length);
            foreach (var (hit, right) in exact.Zip(expected))
            {
                // Equal scores differ in the last digit, so that which of two comes first is not compared.
                hit.Score.ShouldBe(right.Score, 1e-5);
                hit.Score.ShouldBe(ScoreOf(similarity, query, model[hit.Id]), 1e-5);
            }

            foreach (var way in new[] { SearchWay.Walk, SearchWay.WalkAmongAllowed })
            {
                var walked = index.Search(query, 5, new VectorSearchOptions { Way = way, Ef = 30 });
                walked.Count.ShouldBe(expected.Length);
                walked.ShouldAllBe(hit => model.ContainsKey(hit.Id));
                found += walked.Count(hit => hit.Score > expected[^1].Score - 1e-5);
                wanted += expected.Length;
                walks += index.Graph is null ? 0 : 1;
            }
        }));
        walks.ShouldBeGreaterThan(50);
        ((double)found / wanted).ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void Any_changed_byte_any_cut_and_a_missing_file_are_refused_by_name_mapped_or_not()
    {
        var file = Filled().Save(_folder.Path);
        var path = Path.Combine(_folder.Path, file.Name);
        var whole = File.ReadAllBytes(path);
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var damaged = whole.ToArray();
            damaged[i < 100 ? i : random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            ShouldRefuse(damaged);
        }

        foreach (var length in new[] { 0, 1, 11, 12, 50, whole.Length / 2, whole.Length - 1 })
        {
            ShouldRefuse(whole[..length]);
        }

        ShouldRefuse([.. whole, 0]);
        File.Delete(path);
        Should.Throw<SegmentCorruptException>(() => VectorIndex.Open(_folder.Path, file));
        Should.Throw<SegmentCorruptException>(() => VectorIndex.Open(_folder.Path, file, mapped: true));
        Should.Throw<SegmentCorruptException>(() => VectorIndex.Open(_folder.Path, file with { Name = "../" + file.Name }, mapped: true));

        void ShouldRefuse(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            foreach (var mapped in new[] { false, true })
            {
                Should.Throw<SegmentCorruptException>(() => VectorIndex.Open(_folder.Path, file, mapped)).File.ShouldBe(file.Name);
            }
        }
    }

    /// <summary>Whoever can make checksums right again can still only be refused, or give an index that can be searched and added to.</summary>
    [Fact]
    public void Bytes_changed_under_a_right_checksum_never_crash_or_hang_the_reader()
    {
        var file = Filled().Save(_folder.Path);
        var sections = SectionedFile.Read(_folder.Path, file);
        var random = new Random(2);
        var (refused, opened) = (0, 0);
        for (var i = 0; i < 1500; i++)
        {
            var victim = sections.Keys.ElementAt(i % sections.Count);
            var forged = SectionedFile.Write(_folder.Path, VectorIndex.Extension, [.. sections.Select(pair => Rewritten(pair.Key, pair.Value, pair.Key == victim))]);
            try
            {
                var index = VectorIndex.Open(_folder.Path, forged, mapped: i % 2 == 0);
                var query = new float[index.Options.Dimensions];
                query[0] = 1;
                foreach (var way in Enum.GetValues<SearchWay>())
                {
                    index.Search(query, 9, new VectorSearchOptions { Way = way });
                }

                index.Remove(random.Next(index.Rows));
                index.Add(query);
                opened++;
            }
            catch (SegmentCorruptException)
            {
                refused++;
            }

            File.Delete(Path.Combine(_folder.Path, forged.Name));
        }

        refused.ShouldBeGreaterThan(400);
        opened.ShouldBeGreaterThan(100);

        SectionWriter Rewritten(Section section, byte[] bytes, bool change)
        {
            var copy = bytes.ToArray();
            for (var n = change ? random.Next(1, 4) : 0; n > 0; n--)
            {
                copy[random.Next(copy.Length)] = (byte)(random.Next(3) == 0 ? random.Next(4) : random.Next(256));
            }

            var writer = new SectionWriter(section);
            writer.Bytes(change && random.Next(6) == 0 ? copy[..random.Next(copy.Length)] : copy);
            return writer;
        }
    }

    private static VectorIndex Filled()
    {
        var index = new VectorIndex(new VectorIndexOptions { Dimensions = Dimensions, GraphFrom = 0, Graph = new GraphOptions { M = 3, EfConstruction = 20 } });
        index.AddMany([.. Enumerable.Range(0, 60).Select(Vector)]);
        index.Remove(3);
        index.Remove(44);
        return index;
    }

    private VectorIndex Apply(VectorIndex index, Dictionary<int, float[]> model, ref int rows, Change change, int draw)
    {
        switch (change)
        {
            case Change.Add or Change.AddTwin or Change.AddZero:
                var vector = change switch
                {
                    Change.AddTwin when model.Count > 0 => model.Values.ElementAt(draw % model.Count),
                    Change.AddZero => new float[Dimensions],
                    _ => Vector(draw),
                };
                index.Add(vector).ShouldBe(rows);
                model.Add(rows++, vector);
                return index;
            case Change.AddMany:
                float[][] vectors = [.. Enumerable.Range(draw, draw % 20).Select(Vector)];
                index.AddMany(vectors, threads: 1 + (draw % 2));
                foreach (var added in vectors)
                {
                    model.Add(rows++, added);
                }

                return index;
            case Change.Remove:
                var id = rows == 0 ? 0 : draw % rows;
                var known = model.Remove(id, out var removed) && (index.Options.Similarity != Similarity.Cosine || removed.Any(value => value != 0));
                index.Remove(id).ShouldBe(known);
                return index;
            default:
                return VectorIndex.Open(_folder.Path, index.Save(_folder.Path), mapped: change == Change.SaveMapped);
        }
    }

    /// <summary>Of numbers that halves hold exactly, so that the model needs no rounding.</summary>
    private static float[] Vector(int draw)
    {
        var random = new Random(draw);
        return [.. Enumerable.Range(0, Dimensions).Select(_ => random.Next(-20, 21) / 8f)];
    }

    private static double ScoreOf(Similarity similarity, float[] x, float[] y)
    {
        var dot = x.Zip(y, (a, b) => (double)a * b).Sum();
        return similarity switch
        {
            Similarity.Cosine => dot / Math.Sqrt(x.Sum(a => (double)a * a) * y.Sum(b => (double)b * b)),
            Similarity.Dot => dot,
            _ => -x.Zip(y, (a, b) => ((double)a - b) * ((double)a - b)).Sum(),
        };
    }
}
