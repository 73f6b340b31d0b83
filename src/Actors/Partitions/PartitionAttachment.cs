using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Actors.Partitions;

/// <summary>
/// What a partition's snapshot keeps beside its state: the manifest of the index that is searched, with its model, and in
/// it the manifest of the second index, where there is one. Older snapshots are the first manifest alone.
/// </summary>
internal static class PartitionAttachment
{
    private const string ModelProperty = "model";
    private const string NextProperty = "next";

    public static ReadOnlyMemory<byte> Join(byte[] active, EmbeddingModel? model, byte[]? next, EmbeddingModel? nextModel)
    {
        var json = JsonNode.Parse(active)!.AsObject();
        Put(json, model);
        if (next is not null)
        {
            var second = JsonNode.Parse(next)!.AsObject();
            Put(second, nextModel);
            json[NextProperty] = second;
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    /// <exception cref="SegmentCorruptException">It is none.</exception>
    public static (EmbeddingModel? Model, byte[]? Next, EmbeddingModel? NextModel) Split(ReadOnlyMemory<byte> attachment)
    {
        try
        {
            var json = JsonNode.Parse(attachment.Span)?.AsObject() ?? throw new JsonException("The manifest is null.");
            return json[NextProperty] is JsonObject next
                ? (Get(json), Encoding.UTF8.GetBytes(next.ToJsonString()), Get(next))
                : (Get(json), null, null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new SegmentCorruptException("manifest", "manifest", e.Message);
        }
    }

    private static void Put(JsonObject json, EmbeddingModel? model)
    {
        if (model is not null)
        {
            json[ModelProperty] = JsonSerializer.SerializeToNode(model, AttachmentJson.Default.EmbeddingModel);
        }
    }

    private static EmbeddingModel? Get(JsonObject json) => json[ModelProperty]?.Deserialize(AttachmentJson.Default.EmbeddingModel);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EmbeddingModel))]
internal sealed partial class AttachmentJson : JsonSerializerContext;
