using RagCluster.Actors.Documents;
using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Kafka;
using RagCluster.Kafka.Consuming;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management;

/// <summary>/ingest: what ingestion does on this node, and the commands by which an operator holds it up and lets it go on.</summary>
internal static class IngestEndpoints
{
    private const string AllSources = "*";

    public static void MapIngest(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/ingest", Describe);
        routes.MapGet("/ingest/sources", (ManagedNode node) => node.Sources is { } sources ? Sources(sources.All()) : NotStarted());
        routes.MapPut("/ingest/sources/{name}", Change).Needs(ManagementRole.Operator);
        routes.MapGet("/ingest/dead-letters", ListAsync);
        routes.MapPut("/ingest/dead-letters", RetryAsync).Needs(ManagementRole.Operator);
        routes.MapPut("/ingest/dead-letters/{tenant}/{**document}", RetryDocumentAsync).Needs(ManagementRole.Operator);
    }

    private static IResult Unavailable(string detail) => ManagementProblems.Of(StatusCodes.Status503ServiceUnavailable, "unavailable", detail);

    private static IResult NotStarted() => Unavailable("This node's ingestion has not started yet; try again in a moment.");

    private static IResult Describe(ManagedNode node)
    {
        if (node.Sources is not { } sources)
        {
            return NotStarted();
        }

        var steps = sources.Steps.Describe();
        return TypedResults.Json(
            new IngestBody(node.Options.Node.Name, [.. steps.Select(StepBody.Of)], PipelineSteps.Slowest(steps), [.. sources.All().Select(SourceOf)]),
            IngestManagementJson.Default.IngestBody);
    }

    private static IResult Changed(string name, IReadOnlyList<(SourcePipeline Pipeline, string Kind, TenantId? Tenant)> changed) =>
        name == AllSources ? Sources(changed) : TypedResults.Json(SourceOf(changed[0]), IngestManagementJson.Default.SourceBody);

    private static IResult Sources(IReadOnlyList<(SourcePipeline Pipeline, string Kind, TenantId? Tenant)> sources) =>
        TypedResults.Json(new SourcesBody([.. sources.Select(SourceOf)]), IngestManagementJson.Default.SourcesBody);

    private static SourceBody SourceOf((SourcePipeline Pipeline, string Kind, TenantId? Tenant) source)
    {
        var status = source.Pipeline.Describe();
        var kafka = source.Pipeline.Source as KafkaSource;
        return new SourceBody(
            status.Name,
            source.Kind,
            source.Tenant?.Value,
            status.State.ToString().ToLowerInvariant(),
            status.Reason ?? kafka?.Trouble,
            status.Read,
            status.Durable,
            status.Refused,
            status.InFlight,
            Math.Round(status.PerSecond, 1),
            kafka is null ? null : [.. kafka.Describe().Select(p => new PartitionBody(p.Topic, p.Partition, p.InFlight, p.Paused))]);
    }

    private static IResult Change(string name, string? operation, ManagedNode node)
    {
        if (node.Sources is not { } sources)
        {
            return NotStarted();
        }

        var meant = sources.All().Select(s => s.Pipeline).Where(p => name == AllSources || p.Name == name).ToArray();
        if (meant.Length == 0 && name != AllSources)
        {
            return ManagementProblems.NotFound($"This node reads no source \"{name}\".");
        }

        Func<SourcePipeline, bool>? change = operation switch
        {
            "pause" => p => p.Pause(),
            "resume" => p => p.Resume(),
            "drain" => p => p.Drain(),
            _ => null,
        };
        if (change is null)
        {
            return ManagementProblems.Invalid("The operations are operation=pause, operation=resume and operation=drain.");
        }

        var refused = meant.Where(p => !change(p)).Select(p => $"{p.Name} is {p.Describe().State.ToString().ToLowerInvariant()}").ToArray();
        return refused.Length == 0 || name == AllSources
            ? Changed(name, [.. sources.All().Where(s => meant.Contains(s.Pipeline))])
            : ManagementProblems.Conflict($"{string.Join(", ", refused)}; that cannot be done to it now.");
    }

    private static Task<IResult> ListAsync(int? limit, ManagedNode node, CancellationToken cancellationToken) => WithDeskAsync(node, sources =>
    {
        var most = Math.Clamp(limit ?? 100, 1, 1000);
        var refused = sources.All().SelectMany(s => s.Pipeline.Refusals()).OrderByDescending(r => r.At).Take(most)
            .Select(r => new RefusedBody(r.Source, r.Uri, r.Tenant, DocumentSink.IdOf(r.Uri).Value, r.Code, r.Detail, r.At, r.Position?.Stream, r.Position?.Offset));
        return TypedResults.Json(
            new DeadLettersBody([.. refused], sources.DeadLetters?.Newest(most, cancellationToken)), IngestManagementJson.Default.DeadLettersBody);
    });

    private static Task<IResult> RetryAsync(string? operation, ManagedNode node, CancellationToken cancellationToken) => operation == "retry"
        ? WithDeskAsync(node, sources => sources.DeadLetters is { } desk
            ? TypedResults.Json(new RetriedBody(desk.SendBack(cancellationToken)), IngestManagementJson.Default.RetriedBody)
            : ManagementProblems.NotFound("This node reads no source with a dead-letter topic."))
        : Task.FromResult(ManagementProblems.Invalid("The only operation is operation=retry."));

    /// <summary>Processes a document that has failed again, now.</summary>
    private static async Task<IResult> RetryDocumentAsync(string tenant, string document, string? operation, ManagedNode node, CancellationToken cancellationToken)
    {
        if (operation != "retry")
        {
            return ManagementProblems.Invalid("The only operation is operation=retry.");
        }

        var asOperator = new Principal(TenantId.Of(tenant), UserId.Of("operator"), RoleSet.Of(DocumentService.Administrator));
        var reply = await node.NeedRunning().Cast.Documents.RetryAsync(asOperator, DocumentId.Of(document), cancellationToken);
        return reply is DocumentRefused
            ? ManagementProblems.NotFound($"Tenant \"{tenant}\" has no document \"{document}\".")
            : TypedResults.Json(new RetriedBody(reply is DocumentAccepted ? 1 : 0), IngestManagementJson.Default.RetriedBody);
    }

    /// <summary>The client blocks while it waits for brokers: not on a thread of the server's.</summary>
    private static Task<IResult> WithDeskAsync(ManagedNode node, Func<Intake.NodeSources, IResult> work) => node.Sources is { } sources
        ? Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return work(sources);
                }
                catch (KafkaUnavailableException e)
                {
                    return Unavailable(e.Message);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)
        : Task.FromResult(NotStarted());
}
