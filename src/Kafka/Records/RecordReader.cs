using System.Globalization;
using System.Text;
using System.Text.Json;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Kafka.Records;

/// <summary>
/// From a record to what a source yields. Whatever bytes come: the result is a document, a removal, or a problem that
/// says what is wrong and what to do; it never throws. The key is the document's identity within its topic; a record
/// without one is a document of its own, which nothing can replace. Headers: tenant, roles (separated by commas),
/// content-type, name, traceparent, and meta.* for metadata; in an envelope, its own properties come before headers.
/// </summary>
public sealed class RecordReader(RecordReaderOptions options)
{
    public const string EnvelopeMediaType = "application/vnd.ragcluster.document+json";

    private const int MaxHeaders = 128;
    private const int MaxHeaderBytes = 64 << 10;
    private const int MaxKeyBytes = 1024;
    private const string MetadataPrefix = "meta.";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a record; see the type.</summary>
    public SourceItem Read(KafkaRecord record)
    {
        var uri = UriOf(record);
        var position = new SourcePosition($"kafka:{record.Topic}/{record.Partition}", record.Offset);
        TenantId? tenant = null;
        string? trace = null;
        SourceItem item;
        try
        {
            var headers = Headers(record);
            trace = headers.GetValueOrDefault("traceparent");
            item = Read(record, uri, headers, out tenant);
        }
        catch (Refused e)
        {
            item = new SourceProblem(uri, NameOf(record), e.Code, e.Message);
        }

        return item with { Position = position, Tenant = tenant, TraceParent = trace };
    }

    /// <summary>What a record's document is called within all sources: the topic and the key, or the record's own place.</summary>
    internal static string UriOf(KafkaRecord record) => record.Key is { Length: > 0 } key
        ? $"kafka:{record.Topic}/key/{(key.Length <= MaxKeyBytes && TryText(key, out var text) ? Uri.EscapeDataString(text) : "hex-" + Convert.ToHexStringLower(key.AsSpan(0, Math.Min(key.Length, MaxKeyBytes))))}"
        : $"kafka:{record.Topic}/{record.Partition}/{record.Offset}";

    private SourceItem Read(KafkaRecord record, string uri, Dictionary<string, string> headers, out TenantId? tenant)
    {
        tenant = null;
        if (record.Key?.Length > MaxKeyBytes)
        {
            throw new Refused(FailureCodes.MalformedMessage, $"The record's key has {record.Key.Length:N0} bytes; at most {MaxKeyBytes:N0} are taken.");
        }

        var type = headers.GetValueOrDefault("content-type");
        var isEnvelope = options.Format == RecordFormat.Envelope
            || options.Format == RecordFormat.Auto && string.Equals(MediaTypeOf(type), EnvelopeMediaType, StringComparison.OrdinalIgnoreCase);
        var envelope = isEnvelope && record.Value is { } value ? ReadEnvelope(value) : null;
        tenant = TenantOf(envelope?.Tenant ?? headers.GetValueOrDefault("tenant"));
        var name = envelope?.Name ?? headers.GetValueOrDefault("name") ?? NameOf(record);
        if (record.Value is null)
        {
            return record.Key is { Length: > 0 }
                ? new SourceRemoved(uri, name)
                : throw new Refused(FailureCodes.MalformedMessage, "The record has neither key nor value: a removal must name the document's key.");
        }

        var readers = RoleSet.Of(envelope?.Roles ?? headers.GetValueOrDefault("roles")?.Split(',') ?? []);
        var metadata = Metadata(envelope, headers);
        if (envelope?.Reference is { } reference)
        {
            return Referred(uri, name, reference, envelope, readers, metadata);
        }

        var content = envelope is null ? record.Value : envelope.Content ?? Encoding.UTF8.GetBytes(envelope.Text!);
        if (content.Length == 0)
        {
            throw new Refused(FailureCodes.Empty, "The record has an empty value. To remove a document, send its key with a null value (kcat -Z).");
        }

        CheckSize(content.Length);
        return new SourceDocument(
            uri, name, envelope is null ? MediaTypeOf(type) : envelope.MediaType ?? (envelope.Text is null ? null : "text/plain"), content.Length, readers, metadata,
            _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)));
    }

    private SourceDocument Referred(string uri, string name, string reference, Envelope envelope, RoleSet readers, IReadOnlyDictionary<string, string> metadata)
    {
        if (!Uri.TryCreate(reference, UriKind.Absolute, out var target))
        {
            throw new Refused(FailureCodes.MalformedMessage, $"The reference \"{Short(reference)}\" is no absolute URI.");
        }

        CheckSize(envelope.Bytes ?? 0);
        if (options.References.TryGetValue(target.Scheme, out var open))
        {
            return new SourceDocument(uri, name, envelope.MediaType, envelope.Bytes ?? 0, readers, metadata, token => open(target, token));
        }

        if (!target.IsFile || options.ReferenceFolder is not { } folder)
        {
            throw new Refused(FailureCodes.ReferenceRefused, $"References of the kind \"{target.Scheme}:\" are not taken here (ragcluster.kafka.consume.reference-folder).");
        }

        var root = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar;
        var path = Path.GetFullPath(target.LocalPath);
        if (!target.IsLoopback || target.IsUnc || !path.StartsWith(root, StringComparison.Ordinal))
        {
            throw new Refused(FailureCodes.ReferenceRefused, "The reference leads outside of the folder that is allowed (ragcluster.kafka.consume.reference-folder).");
        }

        return new SourceDocument(uri, name, envelope.MediaType, envelope.Bytes ?? 0, readers, metadata, _ => ValueTask.FromResult<Stream>(OpenBelow(root, path)));
    }

    /// <summary>Links are followed first: one below the folder may lead out of it.</summary>
    private static FileStream OpenBelow(string root, string path)
    {
        for (var part = new FileInfo(path) as FileSystemInfo; part is not null && part.FullName.Length >= root.Length; part = Directory.GetParent(part.FullName))
        {
            if (part.LinkTarget is not null)
            {
                throw new UnauthorizedAccessException("The reference is a link, or leads through one; links are not followed.");
            }
        }

        return new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
    }

    private static Envelope ReadEnvelope(byte[] value)
    {
        Envelope envelope;
        try
        {
            envelope = JsonSerializer.Deserialize(value, EnvelopeJson.Default.Envelope)
                ?? throw new Refused(FailureCodes.MalformedMessage, "The envelope is the JSON value null. To remove a document, send its key with a null value (kcat -Z).");
        }
        catch (JsonException e)
        {
            throw new Refused(FailureCodes.MalformedMessage, $"The value is no envelope: {Short(e.Message)} docs/kafka.md shows one.");
        }

        var bodies = (envelope.Text is null ? 0 : 1) + (envelope.Content is null ? 0 : 1) + (envelope.Reference is null ? 0 : 1);
        return bodies == 1 ? envelope : throw new Refused(FailureCodes.MalformedMessage, $"The envelope has {bodies} of text, content and reference; exactly one is needed.");
    }

    private TenantId TenantOf(string? named)
    {
        var tenant = string.IsNullOrWhiteSpace(named) ? options.Tenant : named.Trim();
        if (tenant is null)
        {
            throw new Refused(FailureCodes.UnknownTenant, "The record names no tenant, and ragcluster.kafka.consume.tenant is not set. Send the header \"tenant\".");
        }

        if (tenant != options.Tenant && !options.Tenants.Contains(tenant))
        {
            throw new Refused(FailureCodes.UnknownTenant, $"There is no tenant \"{Short(tenant)}\" here (ragcluster.kafka.consume.tenants).");
        }

        return TenantId.Of(tenant);
    }

    private static SortedDictionary<string, string> Metadata(Envelope? envelope, Dictionary<string, string> headers)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in headers)
        {
            if (key.Length > MetadataPrefix.Length && key.StartsWith(MetadataPrefix, StringComparison.Ordinal))
            {
                metadata[key[MetadataPrefix.Length..]] = value;
            }
        }

        foreach (var (key, value) in envelope?.Metadata ?? new Dictionary<string, string>())
        {
            metadata[key] = value;
        }

        return metadata;
    }

    private static Dictionary<string, string> Headers(KafkaRecord record)
    {
        if (record.Headers.Count > MaxHeaders || record.Headers.Sum(h => h.Key.Length + (long)h.Value.Length) > MaxHeaderBytes)
        {
            throw new Refused(FailureCodes.MalformedMessage, $"The record has more than {MaxHeaders} headers, or more than {MaxHeaderBytes:N0} bytes of them.");
        }

        // Of several headers of one name the last one counts, as Kafka's own lastHeader has it.
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in record.Headers)
        {
            var name = key.StartsWith(MetadataPrefix, StringComparison.OrdinalIgnoreCase) ? MetadataPrefix + key[MetadataPrefix.Length..] : key.ToLowerInvariant();
            if (name is not ("tenant" or "roles" or "content-type" or "name" or "traceparent") && !name.StartsWith(MetadataPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            headers[name] = TryText(value, out var text) ? text : throw new Refused(FailureCodes.MalformedMessage, $"The header \"{Short(key)}\" is not UTF-8.");
        }

        return headers;
    }

    private void CheckSize(long bytes)
    {
        if (bytes > options.MaxBytes)
        {
            throw new Refused(FailureCodes.TooLarge, $"The document has {bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes; at most {options.MaxBytes.ToString("N0", CultureInfo.InvariantCulture)} are taken (ragcluster.documents.max-bytes). Split it, raise the limit, or send a reference.");
        }
    }

    private static string NameOf(KafkaRecord record) => record.Key is { Length: > 0 and <= 200 } key && TryText(key, out var text) ? text : $"{record.Topic}/{record.Partition}/{record.Offset}";

    private static string? MediaTypeOf(string? contentType) => contentType?.Split(';')[0].Trim() is { Length: > 0 } type ? type : null;

    private static string Short(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static bool TryText(byte[] bytes, out string text)
    {
        try
        {
            text = Strict.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            text = "";
            return false;
        }
    }

    private sealed class Refused(string code, string detail) : Exception(detail)
    {
        public string Code => code;
    }
}
