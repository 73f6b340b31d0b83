using System.Diagnostics;
using RagCluster.Ingestion.Parsing;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

public class PdfCorpusTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Real_files_give_the_text_that_poppler_finds()
    {
        var files = Directory.GetFiles(SharedData.Folder("ingest", "pdf"), "*.pdf").Order().ToArray();
        Assert.SkipUnless(await PopplerAsync(files[0]) is not null, "pdftotext is not installed.");
        var scores = new List<double>();
        foreach (var file in files)
        {
            var expected = await PopplerAsync(file) ?? "";
            var watch = Stopwatch.StartNew();
            var result = await AnyAsync(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), Path.GetFileName(file));
            watch.Stop();
            var text = result is ParseSuccess { Document: var document } ? document.Text : "";
            var (precision, recall) = Similarity.Both(text, expected);
            var f1 = Similarity.F1(text, expected);
            if (expected.Count(char.IsLetterOrDigit) > 20)
            {
                scores.Add(f1);
            }

            output.WriteLine($"{f1:0.000} order {Similarity.Pairs(text, expected):0.000} p={precision:0.00} r={recall:0.00} {watch.ElapsedMilliseconds,5} ms {text.Length,7}/{expected.Length,7} {Path.GetFileName(file)} {(result as ParseFailure)?.Code} {(result as ParseFailure)?.Detail}");
        }

        output.WriteLine($"mean F1 {scores.Average():0.000} of {scores.Count}");
        scores.Average().ShouldBeGreaterThan(0.9);
    }

    private static async Task<string?> PopplerAsync(string file)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("pdftotext", ["-enc", "UTF-8", file, "-"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await errors;
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return text;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
