namespace RagCluster.Messages.Documents;

/// <summary>
/// Where an item stood in an ordered stream that may be read again, such as a queue's partition. A document that has seen
/// a position takes no effect from the same or an earlier one of that stream, so that redelivery after a crash neither
/// makes a version again nor brings an old one back.
/// </summary>
/// <param name="Stream">Names the stream so that it is never mistaken for another, as in "kafka:topic/3".</param>
/// <param name="Offset">Grows along the stream.</param>
public sealed record SourcePosition(string Stream, long Offset);
