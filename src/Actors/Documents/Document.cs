using System.Collections.Immutable;
using System.Diagnostics;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Documents;

/// <summary>
/// The decisions of a document.
/// <code>
/// received -> parsed -> chunked -> embedded -> indexed
///     ^  \_______\_________\__________\-> failed (reason, perhaps retry at)
///     |                                      |
///     +---- new version, retry --------------+          any -> removing -> removed
/// </code>
/// A version that is received is promised: until it is indexed or has failed for good, the document has open work.
/// So has a change of readers or a removal that the index does not yet apply.
/// </summary>
public sealed class Document : IEntity<DocumentState, DocumentCommand, DocumentEvent, DocumentReply>
{
    private static readonly DocumentRefused Missing = new(DocumentRefusals.NotFound, "There is no such document.");

    public static string Type => "document";

    public static DocumentState Initial(EntityId id) => new();

    public static bool HasOpenWork(DocumentState state) =>
        state.InProcess || state.AccessPending || state.Status == DocumentStatus.Removing || (state.Exists && state.RetryAt is not null);

    public static Decision<DocumentEvent, DocumentReply> Decide(DocumentState state, DocumentCommand command, DateTimeOffset now) =>
        (state, command) switch
        {
            (_, Ingest c) => DecideIngest(state, c, now),
            (_, ReportFailure c) when state.InProcess && state.Version == c.Version =>
                Accept(state, new DocumentFailed(c.Version, c.Code, c.Detail, state.Attempts + 1, now + c.RetryAfter) { At = now }),
            (_, Report c) when state.InProcess && state.Version == c.Version => DecideReport(state, c, now),
            (_, Report or ReportFailure) => Unchanged(state),
            ({ Status: DocumentStatus.Removing }, ConfirmRemoved) => Accept(state, new DocumentRemoved { At = now }),
            (_, ConfirmRemoved) => Unchanged(state),
            ({ AccessPending: true }, ConfirmAccess c) when c.AccessRevision == state.AccessRevision =>
                Accept(state, new AccessApplied(c.AccessRevision) { At = now }),
            (_, ConfirmAccess) => Unchanged(state),
            (_, Withdraw c) when !state.Exists || state.HasSeen(c.Position) => Unchanged(state),
            (_, Withdraw c) => Accept(state, new RemovalRequested(SourceUser) { At = now, Position = c.Position }),
            ({ Exists: false }, Remove) when state.Tenant is not null => Unchanged(state),
            ({ Exists: false }, _) => new([], Missing),
            (_, Remove c) => Accept(state, new RemovalRequested(c.By.User) { At = now }),
            (_, ChangeAccess c) when c.Readers.Equals(state.Readers) => Unchanged(state),
            (_, ChangeAccess c) => Accept(state, new AccessChanged(c.Readers, state.AccessRevision + 1, c.By.User) { At = now }),
            ({ Status: DocumentStatus.Failed }, Retry) => Accept(state, new DocumentRetried(state.Version) { At = now }),
            (_, Retry) => Unchanged(state),
            (_, ReadDocument) => new([], state.ToView()),
            (_, ReadText c) => new([], FindText(state, c.Version)),
            _ => throw new UnreachableException($"Undecided command {command.GetType().Name}."),
        };

    public static DocumentState Evolve(DocumentState state, DocumentEvent @event) =>
        Change(state, @event) with { ChangedAt = @event.At };

    private static DocumentState Change(DocumentState state, DocumentEvent @event) =>
        @event switch
        {
            DocumentReceived e => state with
            {
                Tenant = e.Tenant,
                Version = e.Version,
                Name = e.Name,
                Source = e.Source,
                MediaType = e.MediaType,
                Content = e.Content,
                Bytes = e.Bytes,
                Readers = e.Readers,
                AccessRevision = e.AccessRevision,

                // Where no chunk is in the index yet, there is none that the readers could be wrong on.
                AppliedAccessRevision = state.MayBeIndexed ? state.AppliedAccessRevision : e.AccessRevision,
                Metadata = e.Metadata.ToImmutableSortedDictionary(StringComparer.Ordinal),
                Position = e.Position ?? state.Position,
                ReceivedAt = e.At,
                Texts = state.Exists ? state.Texts : state.Texts.Clear(),
            }
            with { Status = DocumentStatus.Received, FailureCode = null, FailureDetail = null, Attempts = 0, RetryAt = null, Parsed = null, Chunked = null, Embedded = null },
            DocumentProgressed { Reached: Parsed p } e => state with
            {
                Status = DocumentStatus.Parsed,
                Parsed = p,
                Texts = state.Texts.SetItem(e.Version, new VersionText(p.Text, string.IsNullOrEmpty(p.Title) ? state.Name : p.Title, p.Pages)),
            },
            DocumentProgressed { Reached: Chunked c } => state with { Status = DocumentStatus.Chunked, Chunked = c, MayBeIndexed = true },
            DocumentProgressed { Reached: Embedded e } => state with { Status = DocumentStatus.Embedded, Embedded = e },
            DocumentProgressed { Reached: Indexed } => state with { Status = DocumentStatus.Indexed, Attempts = 0 },
            DocumentFailed e => state with
            {
                Status = DocumentStatus.Failed,
                FailureCode = e.Code,
                FailureDetail = e.Detail,
                Attempts = e.Attempt,
                RetryAt = e.RetryAt,
            },
            DocumentRetried => state with { Status = DocumentStatus.Received, FailureCode = null, FailureDetail = null, RetryAt = null },
            AccessChanged e => state with { Readers = e.Readers, AccessRevision = e.AccessRevision, Position = e.Position ?? state.Position },
            AccessApplied e => state with { AppliedAccessRevision = e.AccessRevision },
            RemovalRequested e => state with { Status = DocumentStatus.Removing, RetryAt = null, Position = e.Position ?? state.Position },
            DocumentRemoved => state with { Status = DocumentStatus.Removed, Texts = state.Texts.Clear(), MayBeIndexed = false },
            _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}: history is never skipped."),
        };

    private static Decision<DocumentEvent, DocumentReply> DecideIngest(DocumentState state, Ingest command, DateTimeOffset now)
    {
        if (state.Tenant is { } tenant && tenant != command.Tenant)
        {
            return new([], Missing);
        }

        if (state.HasSeen(command.Position))
        {
            return Unchanged(state);
        }

        var sameContent = state.Exists
            && state.Content == command.Content
            && state.Name == command.Name
            && state.Source == command.Source
            && state.Metadata.Count == command.Metadata.Count
            && command.Metadata.All(pair => state.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
        var sameReaders = state.Readers.Equals(command.Readers);

        if (sameContent && !sameReaders)
        {
            // Whoever sends the document again says who may read it; sources are not asked who they are.
            return Accept(state, new AccessChanged(command.Readers, state.AccessRevision + 1, SourceUser) { At = now, Position = command.Position });
        }

        if (sameContent && state.Status == DocumentStatus.Failed)
        {
            return Accept(state, new DocumentRetried(state.Version) { At = now });
        }

        if (sameContent)
        {
            return Unchanged(state);
        }

        var revision = sameReaders && state.AccessRevision > 0 ? state.AccessRevision : state.AccessRevision + 1;
        return new(
            [new DocumentReceived(command.Tenant, state.Version + 1, command.Name, command.Source, command.MediaType, command.Content, command.Bytes, command.Readers, revision, command.Metadata) { At = now, Position = command.Position }],
            new DocumentAccepted(state.Version + 1));
    }

    /// <summary>Who changed the readers when the source did.</summary>
    public static Messages.UserId SourceUser { get; } = new("source");

    /// <summary>After a crash, steps are done again; those that gave the same result are not news.</summary>
    private static Decision<DocumentEvent, DocumentReply> DecideReport(DocumentState state, Report command, DateTimeOffset now)
    {
        var events = new List<DocumentEvent>(command.Reached.Count);
        var news = false;
        foreach (var step in command.Reached)
        {
            news = news || !IsKnown(state, step);
            if (news)
            {
                events.Add(new DocumentProgressed(command.Version, step) { At = now });
            }
        }

        return events.Count == 0 ? Unchanged(state) : new(events, new DocumentAccepted(state.Version));
    }

    private static DocumentReply FindText(DocumentState state, int? version)
    {
        var wanted = version ?? (state.Texts.IsEmpty ? 0 : state.Texts.Keys.Last());
        return state.Texts.TryGetValue(wanted, out var text)
            ? new TextFound(wanted, text.Text, text.Title, text.Pages, state.Readers)
            : Missing;
    }

    private static bool IsKnown(DocumentState state, Progress step) => step switch
    {
        Parsed p => state.Parsed == p,
        Chunked c => state.Chunked == c,
        Embedded e => state.Embedded == e,
        Indexed => state.Status == DocumentStatus.Indexed,
        _ => throw new UnreachableException($"Unknown step {step.GetType().Name}."),
    };

    private static Decision<DocumentEvent, DocumentReply> Accept(DocumentState state, DocumentEvent @event) => new([@event], new DocumentAccepted(state.Version));

    private static Decision<DocumentEvent, DocumentReply> Unchanged(DocumentState state) => new([], new DocumentUnchanged(state.Version));
}
