using System.Net.Http;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;

namespace RagCluster.Inference.Endpoints;

/// <summary>Says what the network's and the reader's exceptions mean to someone who configured an endpoint.</summary>
internal static class EndpointFailures
{
    /// <param name="url">The endpoint's address as configured.</param>
    /// <param name="exceeded">The time limit that is over; null if none is.</param>
    /// <returns>Null for an exception that is none of the endpoint's.</returns>
    public static InferenceException? Of(Exception e, string url, EndpointOptions options, TimeSpan? exceeded) => e switch
    {
        OperationCanceledException when exceeded is { } limit =>
            new(InferenceErrorCode.Timeout, $"The inference endpoint {url} gave nothing within {limit.TotalSeconds:0.###} s. Raise its timeout, or give it less to do.", e),
        OperationCanceledException =>
            new(InferenceErrorCode.Unreachable, $"The inference endpoint {url} did not take a connection within {options.ConnectTimeout.TotalSeconds:0.###} s. Check its address.", e),
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse } =>
            new(InferenceErrorCode.CutStream, $"The inference endpoint {url} broke its answer off: {e.Message}", e),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            new(InferenceErrorCode.Unreachable, $"The inference endpoint {url} cannot be found: {e.Message}. Check the name in its address, and the name server.", e),
        HttpRequestException when Tls(e) is { } reason =>
            new(InferenceErrorCode.Unreachable, $"The inference endpoint {url} cannot be trusted: {reason} Check that its certificate names this host and is signed by an authority that this machine trusts, and that the address should begin with https.", e),
        HttpRequestException =>
            new(InferenceErrorCode.Unreachable, $"The inference endpoint {url} cannot be reached: {e.Message}. Check its address, and that it runs.", e),
        HttpIOException or IOException =>
            new(InferenceErrorCode.CutStream, $"The inference endpoint {url} broke its answer off: {e.Message}", e),
        JsonException or DecoderFallbackException =>
            new(InferenceErrorCode.BadResponse, $"The inference endpoint {url} gave no valid answer: it is not the JSON that was expected ({e.Message}). Check that it speaks the configured protocol.", e),
        _ => null,
    };

    private static string? Tls(Exception e)
    {
        for (var inner = e; inner is not null; inner = inner.InnerException)
        {
            if (inner is AuthenticationException)
            {
                return inner.Message;
            }
        }

        return e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } ? e.Message : null;
    }
}
