using Microsoft.Extensions.Logging;
using RagCluster.Inference;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;

namespace RagCluster.Actors.Inference;

/// <summary>What an endpoint's actor is told.</summary>
internal abstract record EndpointMessage;

/// <summary>Look how the endpoint is, now: it has just failed.</summary>
internal sealed record Look : EndpointMessage;

internal sealed record Looked(InferenceException? Failure, IReadOnlyList<ServedModel>? Models, int? Waiting) : EndpointMessage;

/// <summary>
/// Watches over one endpoint, one GPU or one server: whether it answers, which models it has, how long its own queue is.
/// It tells who sends work there, and the log when that changes. Requests do not pass through it.
/// </summary>
internal sealed partial class EndpointActor(EndpointProfile profile, IModelServer server, LookOptions options, Func<EndpointObservation, bool> report) : Actor<EndpointMessage>
{
    private static readonly object s_next = new();

    private bool _looking;
    private string? _told;

    protected override ValueTask StartedAsync(CancellationToken cancellationToken)
    {
        LookNow();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask ReceiveAsync(EndpointMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case Look:
                LookNow();
                break;
            case Looked m:
                _looking = false;
                Tell(m);
                break;
        }

        return ValueTask.CompletedTask;
    }

    private void LookNow()
    {
        if (_looking)
        {
            return;
        }

        _looking = true;
        Context.PipeToSelf(
            async token => new Looked(null, await server.ListAsync(token), await server.QueueLengthAsync(token)),
            static found => found,
            static failure => new Looked(failure as InferenceException ?? new InferenceException(InferenceErrorCode.BadResponse, failure.Message, failure), null, null));
    }

    private void Tell(Looked found)
    {
        var lacks = found.Models is { } models && !server.Offers(models, profile.Model)
            ? $"The endpoint {profile.Name} ({profile.Options.Url}) does not offer the model \"{profile.Model}\"; it has {(models.Count == 0 ? "none" : string.Join(", ", models.Take(10).Select(m => $"\"{m.Name}\"")))}. Give it the model (ragcluster models pull), or change the configuration."
            : null;
        var failure = found.Failure ?? (lacks is null ? null : new InferenceException(InferenceErrorCode.ModelMissing, lacks));
        if (failure?.Message != _told)
        {
            if (failure is not null)
            {
                LogUnwell(Context.Log, profile.Name, failure.Message);
            }
            else
            {
                LogWell(Context.Log, profile.Name);
            }

            _told = failure?.Message;
        }

        var next = failure is null ? options.WhileWell : options.WhileUnwell;
        report(new EndpointObservation(failure, found.Models?.Select(m => m.Name).ToList(), found.Waiting, next));
        Context.StartTimer(s_next, new Look(), next);
    }

    [LoggerMessage(6501, LogLevel.Warning, "The inference endpoint {Name} is not well: {Reason}")]
    private static partial void LogUnwell(ILogger log, string name, string reason);

    [LoggerMessage(6502, LogLevel.Information, "The inference endpoint {Name} is well again.")]
    private static partial void LogWell(ILogger log, string name);
}
