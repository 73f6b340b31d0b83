namespace RagCluster.Inference.Answering;

/// <summary>What kind of thing a question asks for, and what kinds a sentence holds.</summary>
[Flags]
internal enum AnswerKinds
{
    None = 0,
    Number = 1,
    Duration = 2,
    Amount = 4,
    Date = 8,
    Name = 16,
    Place = 32,
    Reason = 64,
    Definition = 128,
    Verdict = 256,
    List = 512,
    Manner = 1024,
}
