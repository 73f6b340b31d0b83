using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace RagCluster.Inference.Endpoints;

/// <summary>
/// HTTP to one inference endpoint: posts JSON, reads JSON or lines, under timeouts and size limits, and turns every
/// failure into an <see cref="InferenceException"/>. A cancelled request is aborted, so that the endpoint stops working
/// for it.
/// </summary>
internal sealed class EndpointHttp : IDisposable
{
    private const int MaxErrorBytes = 4096;
    private const int MaxLineBytes = 1 << 20;

    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly HttpClient _http;
    private readonly EndpointOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _base;

    public EndpointHttp(EndpointOptions options, TimeProvider time, ILogger logger, HttpMessageHandler? handler)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _base = options.Url.TrimEnd('/');
        _http = handler is null
            ? new HttpClient(new SocketsHttpHandler
            {
                ConnectTimeout = options.ConnectTimeout,
                AllowAutoRedirect = false,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            })
            : new HttpClient(handler, disposeHandler: false);
        _http.Timeout = System.Threading.Timeout.InfiniteTimeSpan;
    }

    public string Url => _base;

    /// <summary>Posts and reads one JSON document.</summary>
    public async Task<TResponse> PostAsync<TRequest, TResponse>(
        string path,
        TRequest body,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TResponse> responseType,
        CancellationToken cancellation)
    {
        using var deadline = new Deadline(_time, _options.Timeout, cancellation);
        try
        {
            using var response = await SendAsync(path, body, requestType, deadline.Token);
            await using var stream = await response.Content.ReadAsStreamAsync(deadline.Token);
            var bytes = await ReadAllAsync(stream, deadline.Token);
            return JsonSerializer.Deserialize(bytes, responseType)
                ?? throw Bad("the response is null");
        }
        catch (Exception e) when (Translate(e, deadline, cancellation) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Gets one JSON document, or null where there is none of that address (404, 405).</summary>
    /// <param name="limit">At most this long, whatever the options say: a look at an endpoint is to be quick.</param>
    public async Task<TResponse?> TryGetAsync<TResponse>(string url, JsonTypeInfo<TResponse> type, TimeSpan limit, CancellationToken cancellation)
        where TResponse : class =>
        await TryGetBytesAsync(url, limit, cancellation) is { } bytes ? Read(bytes, type) : null;

    /// <summary>Gets a text, or null where there is none of that address (404, 405).</summary>
    public async Task<string?> TryGetTextAsync(string url, TimeSpan limit, CancellationToken cancellation) =>
        await TryGetBytesAsync(url, limit, cancellation) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private async Task<byte[]?> TryGetBytesAsync(string url, TimeSpan limit, CancellationToken cancellation)
    {
        using var deadline = new Deadline(_time, limit, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            Authorise(request);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode)
            {
                throw await RefusedAsync(response, deadline.Token);
            }

            await using var stream = await response.Content.ReadAsStreamAsync(deadline.Token);
            return await ReadAllAsync(stream, deadline.Token);
        }
        catch (Exception e) when (Translate(e, deadline, cancellation, quietly: true) is { } translated)
        {
            throw translated;
        }
    }

    private TResponse Read<TResponse>(byte[] bytes, JsonTypeInfo<TResponse> type)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw Bad("the response is null");
        }
        catch (JsonException e)
        {
            throw Bad($"it is not the JSON that was expected ({e.Message})", e);
        }
    }

    /// <summary>Posts and reads the response line by line, blank lines left out, to its end.</summary>
    public async IAsyncEnumerable<string> StreamLinesAsync<TRequest>(
        string path,
        TRequest body,
        JsonTypeInfo<TRequest> requestType,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var deadline = new Deadline(_time, _options.Timeout, cancellation);
        using var lines = new LineReader(MaxLineBytes);
        HttpResponseMessage? response = null;
        try
        {
            Stream stream;
            try
            {
                response = await SendAsync(path, body, requestType, deadline.Token);
                stream = await response.Content.ReadAsStreamAsync(deadline.Token);
            }
            catch (Exception e) when (Translate(e, deadline, cancellation) is { } translated)
            {
                throw translated;
            }

            long total = 0;
            while (true)
            {
                int read;
                using var idle = new Deadline(_time, _options.IdleTimeout, deadline.Token);
                try
                {
                    read = await stream.ReadAsync(lines.Free(), idle.Token);
                }
                catch (Exception e) when (Translate(e, deadline.IsPast ? deadline : idle, cancellation) is { } translated)
                {
                    throw translated;
                }

                total += read;
                if (total > _options.MaxResponseBytes)
                {
                    throw Fail(Bad($"the response is larger than {_options.MaxResponseBytes} bytes"));
                }

                lines.Filled(read);
                while (lines.TryRead(atEnd: read == 0, out var line))
                {
                    string text;
                    try
                    {
                        text = s_strictUtf8.GetString(line).Trim();
                    }
                    catch (DecoderFallbackException e)
                    {
                        throw Fail(Bad("the stream is not valid UTF-8", e));
                    }

                    if (text.Length > 0)
                    {
                        yield return text;
                    }
                }

                if (read == 0)
                {
                    yield break;
                }

                if (lines.IsTooLong)
                {
                    throw Fail(Bad($"a line of the stream is longer than {MaxLineBytes} bytes"));
                }
            }
        }
        finally
        {
            // Disposing of a response that is not read to its end aborts the request.
            response?.Dispose();
        }
    }

    public InferenceException Bad(string what, Exception? inner = null) =>
        new(InferenceErrorCode.BadResponse, $"The inference endpoint {_base} gave no valid answer: {what}. Check that it speaks the configured protocol.", inner);

    public InferenceException Cut() =>
        Fail(new InferenceException(InferenceErrorCode.CutStream, $"The inference endpoint {_base} broke its answer off. Ask again; if it happens often, look at the endpoint's own log."));

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync<TRequest>(string path, TRequest body, JsonTypeInfo<TRequest> type, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _base + path);
        request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        Authorise(request);
        var began = _time.GetTimestamp();
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        _logger.EndpointAnswered(_base, path, (long)_time.GetElapsedTime(began).TotalMilliseconds);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await RefusedAsync(response, cancellation);
        }
    }

    private void Authorise(HttpRequestMessage request)
    {
        if (_options.ReadApiKey() is { } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    private async Task<InferenceException> RefusedAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var detail = await ReadErrorAsync(response, cancellation);
        var status = (int)response.StatusCode;
        var said = $"The inference endpoint {_base} answered {status}{(detail.Length > 0 ? $" ({detail})" : "")}";
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                new(InferenceErrorCode.Unauthorized, $"{said}: check its API key."),
            HttpStatusCode.NotFound =>
                new(InferenceErrorCode.ModelMissing, $"{said}: check that it has the model \"{_options.Model}\", and its address."),
            HttpStatusCode.TooManyRequests =>
                new(InferenceErrorCode.RateLimited, $"{said}: it is asked too often.") { RetryAfter = RetryAfter(response) },
            HttpStatusCode.RequestTimeout or HttpStatusCode.GatewayTimeout =>
                new(InferenceErrorCode.Timeout, $"{said}: it is too slow, or a proxy's limit too low."),
            HttpStatusCode.BadRequest when detail.Contains("model", StringComparison.OrdinalIgnoreCase) && detail.Contains("not", StringComparison.OrdinalIgnoreCase)
                && (detail.Contains("found", StringComparison.OrdinalIgnoreCase) || detail.Contains("exist", StringComparison.OrdinalIgnoreCase)) =>
                new(InferenceErrorCode.ModelMissing, $"{said}: check that it has the model \"{_options.Model}\"."),
            _ when status >= 500 => new(InferenceErrorCode.EndpointFailed, $"{said}: look at the endpoint's own log.") { RetryAfter = RetryAfter(response) },
            _ when status is >= 300 and < 400 => new(InferenceErrorCode.BadResponse, $"{said}: it redirects; configure its final address."),
            _ => new(InferenceErrorCode.Rejected, $"{said}: it does not take this request."),
        };
    }

    /// <summary>The beginning of an error's text on one line, printable.</summary>
    private static async Task<string> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var buffer = new byte[MaxErrorBytes];
        var length = 0;
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // The status says what is wrong; the text would only have explained it.
            return e.Message;
        }

        var text = Encoding.UTF8.GetString(buffer, 0, length);
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return new string([.. line.Where(c => !char.IsControl(c)).Take(300)]);
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };

    private async Task<byte[]> ReadAllAsync(Stream stream, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16384];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            if (all.Length + read > _options.MaxResponseBytes)
            {
                throw Bad($"the response is larger than {_options.MaxResponseBytes} bytes");
            }

            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    /// <summary>What a failure means to who asked; null leaves it as it is.</summary>
    /// <param name="quietly">Whoever looks again and again writes into the log by itself.</param>
    private Exception? Translate(Exception e, Deadline deadline, CancellationToken cancellation, bool quietly = false)
    {
        if (e is OperationCanceledException cancelled && cancelled.CancellationToken == cancellation)
        {
            return null;
        }

        if (cancellation.IsCancellationRequested)
        {
            return new OperationCanceledException("The request was cancelled.", e, cancellation);
        }

        var translated = e as InferenceException ?? EndpointFailures.Of(e, _base, _options, deadline.IsPast ? deadline.Length : null);
        return translated is null || quietly ? translated : Fail(translated);
    }

    private InferenceException Fail(InferenceException e)
    {
        _logger.EndpointFailed(_base, e.Code, e.Message);
        return e;
    }

    /// <summary>Cancels its token when the time is over or the outer token is cancelled.</summary>
    private sealed class Deadline : IDisposable
    {
        private readonly CancellationTokenSource _timer;
        private readonly CancellationTokenSource _linked;

        public Deadline(TimeProvider time, TimeSpan length, CancellationToken outer)
        {
            Length = length;
            _timer = new CancellationTokenSource(length, time);
            _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, outer);
        }

        public TimeSpan Length { get; }

        public bool IsPast => _timer.IsCancellationRequested;

        public CancellationToken Token => _linked.Token;

        public void Dispose()
        {
            _linked.Dispose();
            _timer.Dispose();
        }
    }
}
