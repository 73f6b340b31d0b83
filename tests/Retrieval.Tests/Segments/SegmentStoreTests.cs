using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Retrieval.Tests.Segments;

/// <summary>Disks flip bits and lose files. What a saved index then says must be nothing, with a reason, never something else.</summary>
public sealed class SegmentStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Everything_about_a_passage_comes_back()
    {
        var index = new PartitionIndex();
        var metadata = new Dictionary<string, string> { ["product"] = "lebensvers. ü" };
        Chunk[] chunks =
        [
            new(3, 17, 42, 7, ["Wörter", "deux"], "naïve café 保険 \uD83D\uDE00", Embedding.Of([1, 2])),
            new(4, 42, 43, null, ["Wörter", "deux"], "lone \uD83D surrogate premium", Embedding.Of([])),
            new(5, 0, 0, null, [], "", Embedding.Of([0.5f, 0.25f, 1])),
        ];
        index.Apply(Samples.Indexed("dé", 9, "Tïtle", RoleSet.Of("adviser"), metadata, chunks) with { AccessRevision = 4 });
        index.Apply(Samples.Indexed("nothing", 2, "no chunk"));
        var reader = PartitionIndex.Open(_folder.Path, index.Save(_folder.Path)).Reader;

        foreach (var (query, vector) in new (string, float[])[] { ("cafe premium title", [2, 1]), ("", [1, 1, 1]) })
        {
            Describe(reader, query, vector).ShouldBe(Describe(index.Reader, query, vector));
        }

        reader.VersionOf(new DocumentId("nothing")).ShouldBe(2);
        reader.ReadersOf(new DocumentId("dé"))!.Names.ShouldBe(["adviser"]);

        static string Describe(IndexReader reader, string query, float[] vector) => JsonSerializer.Serialize(
            (PartitionReply)reader.Find(query, Embedding.Of(vector), reader.Statistics(query), RoleSet.Of("adviser"), new SearchFilter([], new Dictionary<string, string> { ["product"] = "lebensvers. ü" }), 10),
            MessagesJson.Default.PartitionReply);
    }

    [Fact]
    public void The_manifest_is_plain_json()
    {
        var manifest = Filled().Save(_folder.Path);
        var json = JsonSerializer.Serialize(manifest, SegmentJson.Default.SegmentManifest);
        var back = JsonSerializer.Deserialize(json, SegmentJson.Default.SegmentManifest)!;
        back.Files.ShouldBe(manifest.Files);
        PartitionIndex.Open(_folder.Path, back).Reader.ChunkCount.ShouldBe(20);
    }

    [Fact]
    public void Saving_again_writes_only_what_changed_and_keeps_the_older_manifest_readable()
    {
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 10 });
        Fill(index);
        var first = index.Save(_folder.Path);
        index.Apply(new ChunksRestricted(new DocumentId("d1"), RoleSet.Of("adviser"), 1));
        index.Apply(Samples.Indexed("new", 1, "", "premium"));
        var second = index.Save(_folder.Path);
        second.Segments.Take(2).ShouldBe(first.Segments.Take(2));
        second.State.ShouldNotBe(first.State);

        PartitionIndex.Open(_folder.Path, first).Reader.DocumentCount.ShouldBe(10);
        PartitionIndex.Prune(_folder.Path, second);
        PartitionIndex.Open(_folder.Path, second).Reader.DocumentCount.ShouldBe(11);
        Should.Throw<SegmentCorruptException>(() => PartitionIndex.Open(_folder.Path, first)).Section.ShouldBe("file");
    }

    [Fact]
    public void Pruning_removes_nothing_that_is_not_an_index_file()
    {
        var manifest = Filled().Save(_folder.Path);
        var other = Path.Combine(_folder.Path, "journal.db");
        File.WriteAllText(other, "precious");
        File.WriteAllText(Path.Combine(_folder.Path, "interrupted.segment.1-1.tmp"), "rest");
        PartitionIndex.Prune(_folder.Path, manifest);
        File.Exists(other).ShouldBeTrue();
        Directory.GetFiles(_folder.Path).Length.ShouldBe(1 + manifest.Files.Count());
    }

    [Fact]
    public void Any_changed_byte_any_cut_and_any_missing_file_is_refused_by_name()
    {
        var manifest = Filled().Save(_folder.Path);
        foreach (var file in manifest.Files)
        {
            var path = Path.Combine(_folder.Path, file.Name);
            var whole = File.ReadAllBytes(path);
            var random = new Random(1);
            for (var i = 0; i < 250; i++)
            {
                var damaged = whole.ToArray();
                var at = i < 80 ? i : random.Next(damaged.Length);
                damaged[at] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, damaged);
                ShouldRefuse(file);
            }

            foreach (var length in new[] { 0, 1, 11, 12, 40, whole.Length / 2, whole.Length - 1 })
            {
                File.WriteAllBytes(path, whole[..length]);
                ShouldRefuse(file);
            }

            File.WriteAllBytes(path, [.. whole, 0]);
            ShouldRefuse(file);
            File.Delete(path);
            ShouldRefuse(file);
            File.WriteAllBytes(path, whole);
        }

        PartitionIndex.Open(_folder.Path, manifest).Reader.ChunkCount.ShouldBe(20);

        void ShouldRefuse(SegmentFile file)
        {
            var refused = Should.Throw<SegmentCorruptException>(() => PartitionIndex.Open(_folder.Path, manifest));
            refused.File.ShouldBe(file.Name);
            refused.Section.ShouldNotBeEmpty();
        }
    }

    /// <summary>Whoever can make checksums right again can still only be refused, or give an index that works.</summary>
    [Fact]
    public void Bytes_changed_under_a_right_checksum_never_crash_or_hang_the_reader()
    {
        var manifest = Filled().Save(_folder.Path);
        var random = new Random(2);
        var (refused, opened) = (0, 0);
        foreach (var (file, number) in manifest.Files.Select((file, number) => (file, number)))
        {
            var sections = SectionedFile.Read(_folder.Path, file);
            for (var i = 0; i < 400; i++)
            {
                var victim = sections.Keys.ElementAt(i % sections.Count);
                var forged = SectionedFile.Write(_folder.Path, "segment", [.. sections.Select(pair => Rewritten(pair.Key, pair.Value, pair.Key == victim))]);
                SegmentFile[] segments = [.. manifest.Segments.Select((segment, n) => n == number ? forged : segment)];
                var fake = manifest with { Segments = segments, State = number == manifest.Segments.Count ? forged : manifest.State };
                try
                {
                    var reader = PartitionIndex.Open(_folder.Path, fake).Reader;
                    reader.Find("premium word1", Embedding.Of([1, 2, 3]), reader.Statistics("premium word1"), RoleSet.Empty, SearchFilter.None, 50);
                    opened++;
                }
                catch (SegmentCorruptException)
                {
                    refused++;
                }

                File.Delete(Path.Combine(_folder.Path, forged.Name));
            }
        }

        refused.ShouldBeGreaterThan(100);
        opened.ShouldBeGreaterThan(10);

        SectionWriter Rewritten(Section section, byte[] bytes, bool change)
        {
            var writer = new SectionWriter(section);
            var copy = bytes.ToArray();
            for (var n = change && copy.Length > 0 ? random.Next(1, 4) : 0; n > 0; n--)
            {
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            }

            writer.Bytes(change && random.Next(4) == 0 && copy.Length > 0 ? copy[..random.Next(copy.Length)] : copy);
            return writer;
        }
    }

    [Fact]
    public void Another_format_and_a_name_that_leaves_the_folder_are_refused()
    {
        var manifest = Filled().Save(_folder.Path);
        Should.Throw<SegmentCorruptException>(() => PartitionIndex.Open(_folder.Path, manifest with { Format = 1 })).Section.ShouldBe("manifest");
        Should.Throw<SegmentCorruptException>(() => PartitionIndex.Open(_folder.Path, manifest with { Format = 99 })).Section.ShouldBe("manifest");
        var away = manifest with { State = manifest.State with { Name = "../" + manifest.State.Name } };
        Should.Throw<SegmentCorruptException>(() => PartitionIndex.Open(_folder.Path, away)).Section.ShouldBe("file");
    }

    [Fact]
    public void A_save_in_the_middle_of_writing_is_the_snapshot_it_was_taken_from()
    {
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 16 });
        Fill(index);
        var reader = index.Reader;
        index.Apply(new ChunksRemoved(new DocumentId("d3"), 9));
        index.Apply(Samples.Indexed("later", 1, "", "word1 premium afterword"));
        var opened = PartitionIndex.Open(_folder.Path, reader.Save(_folder.Path)).Reader;
        opened.DocumentCount.ShouldBe(10);
        opened.Statistics("afterword").DocumentFrequency["afterword"].ShouldBe(0);
        opened.VersionOf(new DocumentId("d3")).ShouldBe(1);
    }

    [Fact]
    public void The_checksum_is_crc32c() => Crc32C.Of("123456789"u8).ShouldBe(0xE3069283u);

    private static PartitionIndex Filled()
    {
        var index = new PartitionIndex();
        Fill(index);
        return index;
    }

    private static void Fill(PartitionIndex index)
    {
        for (var i = 0; i < 11; i++)
        {
            index.Apply(Samples.Indexed(
                $"d{i}",
                1,
                $"title {i}",
                i % 2 == 0 ? RoleSet.Empty : RoleSet.Of("adviser", $"role{i}"),
                new Dictionary<string, string> { ["year"] = "2024", ["n"] = $"{i}" },
                Samples.Chunk(0, $"premium word{i} policy {i * 1000}", [i, 1, 2], "heading"),
                Samples.Chunk(1, string.Concat(Enumerable.Repeat("premium ", i + 1)), [1, 0, i], "heading")));
        }

        index.Apply(new ChunksRemoved(new DocumentId("d10"), 1));
    }
}
