namespace RagCluster.Inference;

/// <summary>Why an inference endpoint did not give what it was asked for.</summary>
public enum InferenceErrorCode
{
    /// <summary>No connection: wrong address, refused, name not found, TLS failure.</summary>
    Unreachable,

    /// <summary>401 or 403: the key is missing, wrong or not allowed to do this.</summary>
    Unauthorized,

    /// <summary>The endpoint does not have the model.</summary>
    ModelMissing,

    /// <summary>429: see <see cref="InferenceException.RetryAfter"/>.</summary>
    RateLimited,

    /// <summary>The endpoint refuses this request (another 4xx); sending it again will not help.</summary>
    Rejected,

    /// <summary>The endpoint failed (5xx).</summary>
    EndpointFailed,

    /// <summary>What came back is no answer in the endpoint's protocol, or too large, or has the wrong dimensions.</summary>
    BadResponse,

    /// <summary>Nothing, or nothing more, came in time.</summary>
    Timeout,

    /// <summary>The stream ended without its terminal marker: what came is no complete answer.</summary>
    CutStream,
}

/// <summary>An inference endpoint did not give what it was asked for. The message says what happened and what to do.</summary>
public sealed class InferenceException : Exception
{
    public InferenceException(InferenceErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    public InferenceErrorCode Code { get; }

    /// <summary>How long the endpoint asks to wait; null if it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Nothing was asked of any endpoint: the request was not let in.</summary>
    public bool IsRefusal { get; init; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient => Code is InferenceErrorCode.Unreachable or InferenceErrorCode.RateLimited or InferenceErrorCode.EndpointFailed
        or InferenceErrorCode.Timeout or InferenceErrorCode.CutStream;
}
