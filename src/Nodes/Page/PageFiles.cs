using System.Collections.Frozen;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace RagCluster.Nodes.Page;

/// <summary>
/// Serves the chat page. Its files are in the assembly, so that the node shows the same page from whatever folder it
/// is started, and nothing but these files can be asked for.
/// </summary>
internal static class PageFiles
{
    /// <summary>
    /// What the page may do: load its own files and talk to its own node, nothing else. No inline script or style, and
    /// no turning of strings into markup (Trusted Types): what a document says can only ever be shown as text.
    /// </summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private const string Folder = "wwwroot/";

    private static readonly FrozenDictionary<string, string> MediaTypes = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    }.ToFrozenDictionary();

    /// <summary>Maps the page to "/" and its files below it.</summary>
    public static void MapPage(this IEndpointRouteBuilder endpoints)
    {
        foreach (var (path, file) in Load())
        {
            endpoints.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], context => ServeAsync(context, file)).ExcludeFromDescription();
            if (path == "/index.html")
            {
                endpoints.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], context => ServeAsync(context, file)).ExcludeFromDescription();
            }
        }
    }

    /// <summary>Sets the headers that every answer of the page carries.</summary>
    public static void AddSecurityHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
    }

    private static async Task ServeAsync(HttpContext context, PageFile file)
    {
        var (request, response) = (context.Request, context.Response);
        AddSecurityHeaders(response.Headers);
        response.Headers.ETag = file.Tag;
        response.Headers.Vary = HeaderNames.AcceptEncoding;

        // The browser asks each time and mostly hears "not modified": a new version of the node shows its new page at once.
        response.Headers.CacheControl = "no-cache";
        if (request.Headers.IfNoneMatch == file.Tag)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var packed = request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        var body = packed ? file.Packed.Value : file.Content;
        if (packed)
        {
            response.Headers.ContentEncoding = "gzip";
        }

        response.ContentType = file.MediaType;
        response.ContentLength = body.Length;
        if (HttpMethods.IsGet(request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static IEnumerable<(string Path, PageFile File)> Load()
    {
        var assembly = typeof(PageFiles).Assembly;
        foreach (var name in assembly.GetManifestResourceNames())
        {
            var path = name.Replace('\\', '/');
            if (path.StartsWith(Folder, StringComparison.Ordinal) && MediaTypes.TryGetValue(Path.GetExtension(path), out var mediaType))
            {
                yield return ("/" + path[Folder.Length..], new PageFile(Read(assembly, name), mediaType));
            }
        }
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using var resource = assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"The page's file {name} is not in the assembly.");
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }

    private sealed record PageFile(byte[] Content, string MediaType)
    {
        public string Tag { get; } = $"\"{Convert.ToHexStringLower(SHA256.HashData(Content).AsSpan(0, 12))}\"";

        public Lazy<byte[]> Packed { get; } = new(() => Pack(Content));

        private static byte[] Pack(byte[] content)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            {
                gzip.Write(content);
            }

            return packed.ToArray();
        }
    }
}
