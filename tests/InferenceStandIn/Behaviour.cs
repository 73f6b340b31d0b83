using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.InferenceStandIn;

/// <summary>How a request goes wrong.</summary>
public enum Fault
{
    None,

    /// <summary>Takes the request and says nothing, until the client goes.</summary>
    Hang,

    /// <summary>Says the first piece, and then nothing.</summary>
    HangInside,

    Status500,
    Status429,
    Status401,

    /// <summary>404, in the words of the protocol.</summary>
    ModelMissing,

    /// <summary>Closes the connection in the middle.</summary>
    Cut,

    /// <summary>Ends in order, but before the end of the answer.</summary>
    Short,

    /// <summary>Ends in order without a word.</summary>
    Empty,

    /// <summary>What comes is of no protocol.</summary>
    Garbage,

    InvalidUtf8,

    /// <summary>Does not stop.</summary>
    Endless,

    /// <summary>Vectors have one dimension more.</summary>
    WrongDimension,
}

/// <summary>
/// How long things take, as on one GPU. Embedding: one batch after the other, each a fixed time and a time per token.
/// Chat: continuous batching in steps (Orca, 2022): a step takes a fixed time, a time for each answer that gets a token, and a
/// time for each prompt token that is read in it. All zero, nothing is waited for.
/// </summary>
public sealed record ServiceTimes
{
    public double EmbedFixedMs { get; set; }

    public double EmbedPerTokenMs { get; set; }

    /// <summary>A batch costs what its longest text costs, times its texts.</summary>
    public bool EmbedPads { get; set; }

    public double StepMs { get; set; }

    public double StepPerAnswerMs { get; set; }

    public double PrefillPerTokenMs { get; set; }

    /// <summary>Prompt tokens that are read in one step, at most.</summary>
    public int PrefillPerStep { get; set; } = 2048;

    /// <summary>Answers at a time; more wait.</summary>
    public int MaxAnswers { get; set; } = 64;

    /// <summary>Requests that wait; more are refused with 429.</summary>
    public int MaxWaiting { get; set; } = 100_000;

    /// <summary>A prompt that begins as an earlier one did is not read again as far as they are the same, by blocks of this many characters; 0 is no cache.</summary>
    public int PrefixBlock { get; set; }
}

/// <summary>
/// What the stand-in does. Replaced as a whole. Its properties can be set, because the JSON reader gives those that can only
/// be initialised no default where the text leaves them out.
/// </summary>
public sealed record Behaviour
{
    public IReadOnlyList<string> Models { get; set; } = ["stand-in"];

    public int Dimensions { get; set; } = 64;

    /// <summary>Tokens of an answer, unless the request allows fewer.</summary>
    public int AnswerTokens { get; set; } = 32;

    /// <summary>What requests must carry; null takes all.</summary>
    public string? ApiKey { get; set; }

    public ServiceTimes Times { get; set; } = new();

    public Fault Fault { get; set; }

    /// <summary>Which share of the requests has the fault, evenly: 0.25 is every fourth.</summary>
    public double FaultShare { get; set; } = 1;

    /// <summary>Texts that hold this word are refused with 400, as one that is too long would be.</summary>
    public string? RefusedWord { get; set; }

    public static Behaviour Read(string json) => JsonSerializer.Deserialize(json, BehaviourJson.Default.Behaviour) ?? new Behaviour();

    public string Write() => JsonSerializer.Serialize(this, BehaviourJson.Default.Behaviour);
}

/// <summary>What it has done so far.</summary>
/// <param name="Aborted">Requests whose client went before the end.</param>
/// <param name="PromptTokens">Read, without what the prefix cache knew.</param>
/// <param name="BusyMs">How long the device of embeddings has worked.</param>
public sealed record Counts(long Requests, long Aborted, long Texts, long Batches, long PromptTokens, long AnswerTokens, double BusyMs, int Running, int Waiting, int MostRunning);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(Behaviour))]
[JsonSerializable(typeof(Counts))]
internal sealed partial class BehaviourJson : JsonSerializerContext;
