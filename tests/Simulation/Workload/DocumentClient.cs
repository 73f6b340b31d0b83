using System.Text;
using RagCluster.Actors.Documents;
using RagCluster.CheckerKit;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>Keeps one document: hands in versions, replaces them, says who may read, removes, and waits to see it indexed.</summary>
internal sealed class DocumentClient(Cluster cluster, Gateway gateway, Writes writes, Library library, TenantId tenant, int number)
{
    private readonly DocumentId _document = DocumentId.Of($"doc-{number}");
    private int _next;

    public string Name => $"keeper-{tenant.Value}-{number}";

    public string Entity => $"{tenant.Value}/{_document.Value}";

    public async Task RunAsync(Func<bool> isOver)
    {
        while (!isOver())
        {
            await PutAsync(isOver);
            for (var changes = cluster.Random.Next(4); changes > 0 && !isOver(); changes--)
            {
                await cluster.PauseAsync(cluster.Plan.Think, isOver);
                await ChangeAsync(isOver);
            }

            await cluster.PauseAsync(cluster.Plan.Think * 4, isOver);
        }
    }

    /// <summary>What is still on its way to the index or out of it; empty once it has come to rest.</summary>
    public async Task<string> UnrestAsync()
    {
        var administrator = Library.Everything(tenant, Name);
        var answer = await gateway.CallAsync(Name, tenant.Value, $"look at {Entity}", async (cast, token) => (await cast.Documents.ReadAsync(administrator, _document, token))?.View);
        return answer switch
        {
            { Fate: not Fate.Answered } => $"{Entity} cannot be read: {answer.Error}",
            { Value: null or { Status: DocumentStatus.Indexed or DocumentStatus.Removed or DocumentStatus.Failed, RetryAt: null } } => "",
            { Value: { } view } => $"{Entity} is still on its way: version {view.Version} is {view.Status}{(view.RetryAt is { } at ? $", to be tried again at {at:O}" : "")}.",
        };
    }

    private Task ChangeAsync(Func<bool> isOver) => cluster.Random.Next(6) switch
    {
        0 => RemoveAsync(),
        1 or 2 => ChangeAccessAsync(),
        3 => SeeIndexedAsync(isOver),
        _ => PutAsync(isOver),
    };

    private async Task PutAsync(Func<bool> isOver)
    {
        var (text, blob) = library.Write(tenant, number);
        var offer = new DocumentOffer(_document, _document.Value + ".txt", "simulation", "text/plain", library.AnyReaders(), new Dictionary<string, string>());
        await writes.SendAsync(
            Name,
            "document",
            Entity,
            Markers.Received(blob),
            once: false,
            async (cast, token) =>
            {
                var (reply, seq) = await cast.Documents.IngestAsync(tenant, offer, new MemoryStream(Encoding.UTF8.GetBytes(text)), token);
                return new Told(reply is DocumentRefused, reply is DocumentUnchanged, seq);
            });
        if (cluster.Random.Next(2) == 0)
        {
            await SeeIndexedAsync(isOver);
        }
    }

    private Task<Operation> RemoveAsync() => SendAsync(
        Markers.Removal, (by, cast, token) => cast.Documents.RemoveAsync(by, _document, token).AsTask());

    private Task<Operation> ChangeAccessAsync()
    {
        var readers = library.AnyReaders();
        return SendAsync(Markers.Access, (by, cast, token) => cast.Documents.ChangeAccessAsync(by, _document, readers, token).AsTask());
    }

    /// <summary>Under a name that is used once, by which it is found in the log.</summary>
    private Task<Operation> SendAsync(Func<string, string> marker, Func<Principal, Actors.Cast, CancellationToken, Task<DocumentReply>> send)
    {
        var by = Library.Everything(tenant, $"{Name}-{_next++}");
        return writes.SendAsync(
            Name,
            "document",
            Entity,
            marker(by.User.Value),
            once: false,
            async (cast, token) =>
            {
                var reply = await send(by, cast, token);
                return new Told(reply is DocumentRefused, reply is DocumentUnchanged, 0);
            });
    }

    private async Task SeeIndexedAsync(Func<bool> isOver)
    {
        for (var looks = 0; looks < 20 && !isOver() && (await UnrestAsync()).Length > 0; looks++)
        {
            await cluster.Delay(TimeSpan.FromMilliseconds(300));
        }
    }
}
