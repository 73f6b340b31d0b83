using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RagCluster.Ingestion.Sources.S3;

/// <summary>Who signs. For temporary credentials there is a session token.</summary>
public sealed record AwsCredentials(string AccessKey, string SecretKey, string? SessionToken = null);

/// <summary>
/// AWS Signature Version 4 for requests without a body, in the Authorization header
/// (docs.aws.amazon.com, "Create a signed AWS API request"). S3 differs from the other services in two points: a path is
/// encoded once, not twice, and the hash of the body is a header of its own.
/// </summary>
public sealed class AwsSignature(AwsCredentials credentials, string region, string service)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>SHA-256 of nothing: what a GET carries.</summary>
    public const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private bool IsS3 => service == "s3";

    /// <summary>The headers to add to a GET: x-amz-date, Authorization, and for S3 x-amz-content-sha256; with temporary credentials x-amz-security-token.</summary>
    /// <param name="url">As it will be requested; its query is encoded as <see cref="Encode"/> does.</param>
    /// <param name="further">Further headers to sign, such as range.</param>
    public IReadOnlyList<(string Name, string Value)> Sign(Uri url, DateTimeOffset now, params IReadOnlyList<(string Name, string Value)> further)
    {
        ArgumentNullException.ThrowIfNull(url);
        var stamp = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = url.IsDefaultPort ? url.Host : $"{url.Host}:{url.Port}", ["x-amz-date"] = stamp };
        if (IsS3)
        {
            headers["x-amz-content-sha256"] = EmptyHash;
        }

        if (credentials.SessionToken is { } token)
        {
            headers["x-amz-security-token"] = token;
        }

        foreach (var (name, value) in further)
        {
            headers[name.ToLowerInvariant()] = string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }

        var signed = string.Join(';', headers.Keys);
        var canonical = $"GET\n{Path(url)}\n{Query(url)}\n{string.Concat(headers.Select(h => $"{h.Key}:{h.Value}\n"))}\n{signed}\n{EmptyHash}";
        var scope = $"{stamp[..8]}/{region}/{service}/aws4_request";
        var toSign = $"{Algorithm}\n{stamp}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signature = Convert.ToHexStringLower(Hmac(Key(stamp[..8]), toSign));
        var authorization = $"{Algorithm} Credential={credentials.AccessKey}/{scope}, SignedHeaders={signed}, Signature={signature}";
        return [.. headers.Where(h => h.Key != "host").Select(h => (h.Key, h.Value)), ("Authorization", authorization)];
    }

    /// <summary>RFC 3986 in AWS's reading: all but letters, digits and "-._~" encoded, with upper-case digits.</summary>
    public static string Encode(string text, bool keepSlashes = false)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~' || (keepSlashes && b == '/'))
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
        }

        return encoded.ToString();
    }

    private string Path(Uri url)
    {
        var path = url.AbsolutePath.Length == 0 ? "/" : url.AbsolutePath;
        var once = Encode(Uri.UnescapeDataString(path), keepSlashes: true);
        return IsS3 ? once : Encode(once, keepSlashes: true);
    }

    private static string Query(Uri url)
    {
        var pairs = url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part =>
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = at < 0 ? (part, "") : (part[..at], part[(at + 1)..]);
            return (Name: Encode(Uri.UnescapeDataString(name)), Value: Encode(Uri.UnescapeDataString(value)));
        });
        return string.Join('&', pairs.OrderBy(p => p.Name, StringComparer.Ordinal).ThenBy(p => p.Value, StringComparer.Ordinal).Select(p => $"{p.Name}={p.Value}"));
    }

    private byte[] Key(string day)
    {
        var key = Hmac(Encoding.UTF8.GetBytes("AWS4" + credentials.SecretKey), day);
        key = Hmac(key, region);
        key = Hmac(key, service);
        return Hmac(key, "aws4_request");
    }

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));
}
