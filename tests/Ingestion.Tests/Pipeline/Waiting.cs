namespace RagCluster.Ingestion.Tests.Pipeline;

/// <summary>Waits for what happens on other threads.</summary>
internal static class Waiting
{
    public static async Task UntilAsync(Func<bool> holds)
    {
        for (var n = 0; n < 15_000 && !holds(); n++)
        {
            await Task.Delay(2);
        }

        holds().ShouldBeTrue("the condition does not hold after 30 s");
    }

    /// <summary>Until the value has not moved for a while.</summary>
    public static async Task StableAsync(Func<int> value)
    {
        for (var (before, same) = (value(), 0); same < 10; same = value() == before ? same + 1 : 0, before = value())
        {
            await Task.Delay(20);
        }
    }
}
