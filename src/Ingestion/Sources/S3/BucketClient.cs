using System.Globalization;
using System.Net;
using System.Xml;
using System.Xml.Linq;

namespace RagCluster.Ingestion.Sources.S3;

/// <param name="ETag">Changes with the content; quotes taken off.</param>
public sealed record BucketObject(string Key, long Bytes, string ETag, DateTimeOffset LastModified);

/// <param name="Next">Where the next page begins; null behind the last.</param>
public sealed record BucketPage(IReadOnlyList<BucketObject> Objects, string? Next);

/// <summary>The storage refused, or cannot be reached; the message says what to do.</summary>
public sealed class BucketException(string code, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The storage's own code, such as "NoSuchBucket", or "unreachable".</summary>
    public string Code { get; } = code;
}

/// <summary>Where a bucket is and who asks.</summary>
public sealed record BucketOptions
{
    /// <summary>Of the service, such as "https://s3.eu-central-1.amazonaws.com" or "http://minio:9000"; the bucket goes into the path.</summary>
    public required Uri Endpoint { get; init; }

    public required string Bucket { get; init; }

    public string Region { get; init; } = "us-east-1";

    /// <summary>Null asks without a signature: a public bucket.</summary>
    public AwsCredentials? Credentials { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// Lists and reads a bucket of anything that speaks S3's protocol (ListObjectsV2, GetObject). Redirects are not followed:
/// a signature is for one address.
/// </summary>
public sealed class BucketClient : IDisposable
{
    private const int MaxListingBytes = 16 << 20;

    private readonly BucketOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly AwsSignature? _signature;

    public BucketClient(BucketOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _signature = options.Credentials is { } credentials ? new AwsSignature(credentials, options.Region, "s3") : null;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = options.Timeout, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public void Dispose() => _http.Dispose();

    /// <param name="after">What the page before said, or null for the first one.</param>
    /// <exception cref="BucketException">It is refused or cannot be reached.</exception>
    public async Task<BucketPage> ListAsync(string prefix, string? after, CancellationToken cancellation)
    {
        var query = new List<string> { "list-type=2", "encoding-type=url", "max-keys=1000" };
        if (prefix.Length > 0)
        {
            query.Add("prefix=" + AwsSignature.Encode(prefix));
        }

        if (after is not null)
        {
            query.Add("continuation-token=" + AwsSignature.Encode(after));
        }

        using var response = await SendAsync(UrlOf("", string.Join('&', query)), [], cancellation);
        try
        {
            using var limit = Limit(cancellation);
            await using var stream = await response.Content.ReadAsStreamAsync(limit.Token);
            var settings = new XmlReaderSettings { Async = true, DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxListingBytes };
            using var reader = XmlReader.Create(stream, settings);
            var list = (await XDocument.LoadAsync(reader, LoadOptions.None, limit.Token)).Root!;
            if (list.Name.LocalName != "ListBucketResult")
            {
                throw new BucketException("malformed", $"{_options.Endpoint} answered a listing with <{list.Name.LocalName}>: is it an S3 service?");
            }

            var encoded = Text(list, "EncodingType") == "url";
            var objects = list.Elements().Where(e => e.Name.LocalName == "Contents").Select(e => ObjectOf(e, encoded)).ToList();
            var next = Text(list, "IsTruncated") == "true" ? Text(list, "NextContinuationToken") : null;
            return next == after && next is not null
                ? throw new BucketException("malformed", $"{_options.Endpoint} lists the same page again and again.")
                : new BucketPage(objects, next);
        }
        catch (Exception e) when (e is XmlException or FormatException or HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new BucketException("malformed", $"The listing of {_options.Endpoint} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Opens an object as it was listed; whoever calls disposes the stream.</summary>
    /// <exception cref="BucketException">It is refused, gone, or another one by now.</exception>
    public async Task<Stream> OpenAsync(BucketObject listed, CancellationToken cancellation)
    {
        var response = await SendAsync(UrlOf(listed.Key, ""), listed.ETag.Length > 0 ? [("If-Match", $"\"{listed.ETag}\"")] : [], cancellation);
        try
        {
            return new ResponseStream(await response.Content.ReadAsStreamAsync(cancellation), response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private Uri UrlOf(string key, string query)
    {
        var root = _options.Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/');
        var path = $"{root}/{AwsSignature.Encode(_options.Bucket)}" + (key.Length > 0 ? "/" + AwsSignature.Encode(key, keepSlashes: true) : "");

        // Keys may hold "." and ".." as parts, which are no folders there: they must reach the service as they are.
        return new Uri(path + (query.Length > 0 ? "?" + query : ""), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }

    private async Task<HttpResponseMessage> SendAsync(Uri url, IReadOnlyList<(string Name, string Value)> headers, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        foreach (var (name, value) in headers.Concat(_signature?.Sign(url, _time.GetUtcNow()) ?? []))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var limit = Limit(cancellation);
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return response;
            }

            using (response)
            {
                throw await RefusalAsync(response, limit.Token);
            }
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new BucketException("unreachable", $"{_options.Endpoint} does not answer: {e.Message}", e);
        }
    }

    private async Task<BucketException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var buffer = new byte[8 << 10];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        var (code, message) = ($"http-{(int)response.StatusCode}", response.ReasonPhrase ?? "");
        try
        {
            var error = XDocument.Parse(System.Text.Encoding.UTF8.GetString(buffer.AsSpan(0, read))).Root!;
            (code, message) = (Text(error, "Code") ?? code, Text(error, "Message") ?? message);
        }
        catch (XmlException)
        {
            // Not every service explains itself.
        }

        var hint = response.StatusCode switch
        {
            HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => " Look at the access key, its rights, the region, and this machine's clock.",
            HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect => " The bucket is in another region: name its endpoint and region.",
            _ => "",
        };
        return new BucketException(code, $"{_options.Endpoint} refused bucket '{_options.Bucket}': {code}, {message}{hint}");
    }

    private CancellationTokenSource Limit(CancellationToken cancellation)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.Timeout);
        return limit;
    }

    private static BucketObject ObjectOf(XElement contents, bool encoded)
    {
        var key = Text(contents, "Key") ?? throw new FormatException("an object has no key");
        return new BucketObject(
            encoded ? Uri.UnescapeDataString(key.Replace('+', ' ')) : key,
            long.Parse(Text(contents, "Size") ?? "0", NumberStyles.None, CultureInfo.InvariantCulture),
            (Text(contents, "ETag") ?? "").Trim('"'),
            DateTimeOffset.TryParse(Text(contents, "LastModified"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : default);
    }

    private static string? Text(XElement parent, string name) => parent.Elements().FirstOrDefault(e => e.Name.LocalName == name)?.Value;

    /// <summary>Gives the connection back with the stream.</summary>
    private sealed class ResponseStream(Stream inner, HttpResponseMessage response) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
                response.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
