using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace RagCluster.Pbm.Connection;

/// <summary>Talks to a node's management port, and tells failures as people need them.</summary>
internal sealed class ManagementClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly string? _node;

    /// <param name="node">Every request is for this node, by way of the one that is reached; null: for that one.</param>
    /// <param name="timeout">For one answer; streams have none.</param>
    /// <exception cref="PbmException">The address or a secret is no good.</exception>
    public ManagementClient(Context context, string? node, TimeSpan timeout)
    {
        _url = Uri.TryCreate(context.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new PbmException($"\"{context.Url}\" is no address of a management port; it looks like {Contexts.DefaultUrl}.", ExitCodes.Usage);
        _node = node;
        _http = new HttpClient(Handler(context, timeout)) { Timeout = Timeout.InfiniteTimeSpan };
        Patience = timeout;
        if (context.TokenFile is { } place)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token(place));
        }
    }

    private TimeSpan Patience { get; }

    public Task<JsonDocument> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <param name="arguments">Sent as a form; nulls are left out.</param>
    public Task<JsonDocument> PutAsync(string path, CancellationToken cancellationToken, params (string Name, string? Value)[] arguments) =>
        SendAsync(HttpMethod.Put, path, Form(arguments), cancellationToken);

    public Task<JsonDocument> PostAsync(string path, CancellationToken cancellationToken, params (string Name, string? Value)[] arguments) =>
        SendAsync(HttpMethod.Post, path, Form(arguments), cancellationToken);

    public Task<JsonDocument> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, cancellationToken);

    /// <summary>As <see cref="GetAsync"/>, for what says with its status that something is not well: its body comes all the same.</summary>
    public async Task<(JsonDocument Body, bool Well)> GetHealthAsync(CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        using var response = await SendAsync(HttpMethod.Get, "/health", null, HttpCompletionOption.ResponseContentRead, limit.Token, cancellationToken);
        return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable && response.Content.Headers.ContentType?.MediaType == "application/json"
            ? (await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), default, cancellationToken), response.IsSuccessStatusCode)
            : throw await RefusalAsync(response, cancellationToken);
    }

    /// <summary>The JSON of each event, until the stream ends.</summary>
    public IAsyncEnumerable<JsonElement> EventsAsync(string path, CancellationToken cancellationToken) =>
        LinesAsync(HttpMethod.Get, path, line => line.StartsWith("data:", StringComparison.Ordinal) ? line[5..] : null, cancellationToken);

    /// <summary>Each line of an answer that comes bit by bit.</summary>
    public IAsyncEnumerable<JsonElement> PostLinesAsync(string path, CancellationToken cancellationToken) =>
        LinesAsync(HttpMethod.Post, path, line => line.Length > 0 ? line : null, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async IAsyncEnumerable<JsonElement> LinesAsync(HttpMethod method, string path, Func<string, string?> json, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, null, HttpCompletionOption.ResponseHeadersRead, cancellationToken, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await RefusalAsync(response, cancellationToken);
        }

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        while (await ReadAsync(reader, cancellationToken) is { } line)
        {
            if (json(line) is { } text)
            {
                using var document = JsonDocument.Parse(text);
                yield return document.RootElement.Clone();
            }
        }
    }

    private async Task<string?> ReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new PbmException($"The connection to {_url} was lost: {e.Message}", ExitCodes.Unreachable);
        }
    }

    private async Task<JsonDocument> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        using var response = await SendAsync(method, path, content, HttpCompletionOption.ResponseContentRead, limit.Token, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await RefusalAsync(response, cancellationToken);
        }

        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            return JsonDocument.Parse(body.Length == 0 ? "{}"u8.ToArray() : body);
        }
        catch (JsonException)
        {
            throw new PbmException($"What answers at {_url} is no management port of a RagCluster.", ExitCodes.Unreachable);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, HttpCompletionOption until, CancellationToken limit, CancellationToken cancellationToken)
    {
        var target = _node is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}node={Uri.EscapeDataString(_node)}";
        using var request = new HttpRequestMessage(method, new Uri(_url, target)) { Content = content };
        try
        {
            return await _http.SendAsync(request, until, limit);
        }
        catch (HttpRequestException e)
        {
            throw new PbmException($"No node answers at {_url}: {Reason(e)} Is it running, and is that its management port (8558 unless configured)? Say where with --url, PBM_URL or a context.", ExitCodes.Unreachable);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PbmException(string.Create(CultureInfo.InvariantCulture, $"{_url} did not answer within {Patience.TotalSeconds:0.#} s (--timeout)."), ExitCodes.Unreachable);
        }
    }

    private static string Reason(HttpRequestException e) => (e.InnerException?.Message ?? e.Message).TrimEnd('.') + ".";

    private CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }

    private static async Task<PbmException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var exitCode = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? ExitCodes.NotAllowed : ExitCodes.Refused;
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            using var problem = JsonDocument.Parse(text);
            if (problem.RootElement.TryGetProperty("detail", out var detail))
            {
                return new PbmException(detail.GetString() ?? "", exitCode);
            }
        }
        catch (JsonException)
        {
            // Something between us and the node has answered.
        }

        return new PbmException($"The answer was {(int)response.StatusCode} {response.ReasonPhrase}, and not from a management port.", exitCode);
    }

    private static FormUrlEncodedContent Form((string Name, string? Value)[] arguments) =>
        new(arguments.Where(argument => argument.Value is not null).Select(argument => KeyValuePair.Create(argument.Name, argument.Value!)));

    private static string Token(string place)
    {
        const string Environment = "env:";
        try
        {
            var token = place.StartsWith(Environment, StringComparison.Ordinal)
                ? System.Environment.GetEnvironmentVariable(place[Environment.Length..])
                : File.ReadLines(place).FirstOrDefault();
            return token?.Trim() is { Length: > 0 } text
                ? text
                : throw new PbmException($"There is no token in {place}.", ExitCodes.Usage);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PbmException($"The token cannot be read: {e.Message}", ExitCodes.Usage);
        }
    }

    private static SocketsHttpHandler Handler(Context context, TimeSpan timeout)
    {
        // Neither proxies nor cookies: each would be looked up before the first request.
        var handler = new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = timeout, ActivityHeadersPropagator = null };
        if (!context.Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
        {
            return handler;
        }

        try
        {
            var tls = new SslClientAuthenticationOptions();
            if (context.Certificate is { } certificate)
            {
                using var pem = X509Certificate2.CreateFromPemFile(certificate, context.Key ?? certificate);
                tls.ClientCertificates = [X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null)];
            }

            if (context.Authorities is { } authorities)
            {
                var trusted = new X509Certificate2Collection();
                trusted.ImportFromPemFile(authorities);
                tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                tls.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
            }

            handler.SslOptions = tls;
            return handler;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new PbmException($"A certificate cannot be read: {e.Message}", ExitCodes.Usage);
        }
    }
}
