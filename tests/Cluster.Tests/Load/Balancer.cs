using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Running;

namespace RagCluster.Cluster.Tests.Load;

internal enum Fate
{
    Answered,

    /// <summary>Refused for good: it was wrong.</summary>
    Refused,

    /// <summary>It certainly had no effect.</summary>
    NoEffect,

    Unknown,
}

/// <param name="IsCut">The connection broke before an answer came.</param>
/// <param name="WasUnsure">An earlier attempt may have taken effect.</param>
internal readonly record struct Answer(Fate Fate, JsonNode? Body, string? Error, bool IsCut = false, bool WasUnsure = false);

/// <summary>
/// Sends each request to some node that is ready, and on to another one where it certainly had no effect, as a load balancer
/// does that may repeat what was not taken.
/// </summary>
internal sealed class Balancer(RealCluster cluster) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), PooledConnectionLifetime = TimeSpan.FromSeconds(30) }) { Timeout = TimeSpan.FromSeconds(20) };
    private const int MaxAnswersKept = 12;

    private readonly Dictionary<string, Queue<string>> _answers = new(StringComparer.Ordinal);
    private int _next;
    private long _sent;
    private long _failed;
    private long _repeated;

    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Requests that got no answer, whatever was tried; those whose outcome is not known count.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Requests that were sent again, because their connection broke before an answer came.</summary>
    public long Repeated => Volatile.Read(ref _repeated);

    public string? LastFailure { get; private set; }

    public HttpClient Http => _http;

    /// <summary>What a user was answered, attempt by attempt: the last of it, for whoever looks into a violation.</summary>
    public IReadOnlyList<string> AnswersTo(string user)
    {
        lock (_answers)
        {
            return [.. _answers.GetValueOrDefault(user) ?? []];
        }
    }

    /// <param name="but">Rather another one than this.</param>
    public RealNode? Pick(RealNode? but = null)
    {
        var ready = cluster.Nodes.Where(node => node.Url is not null).ToList();
        if (ready.Count > 1 && but is not null)
        {
            ready.Remove(but);
        }

        return ready.Count == 0 ? null : ready[(int)((uint)Interlocked.Increment(ref _next) % (uint)ready.Count)];
    }

    public async Task<Answer> SendAsync(string user, HttpMethod method, string path, Func<HttpContent?>? content = null, string? key = null)
    {
        Interlocked.Increment(ref _sent);
        var answer = new Answer(Fate.NoEffect, null, "No node is ready.");
        var (unsure, cuts) = (false, 0);
        for (var attempt = 0; attempt < 25; attempt++)
        {
            if (Pick() is { Url: { } url })
            {
                answer = await SendOnceAsync(user, method, new Uri(url, path), content?.Invoke(), key);
                Tell(user, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{cluster.Now.TotalSeconds:0.000} {method} {url.Port}: {answer.Fate} {answer.Error}"));

                unsure |= answer.IsCut;

                // All of these may be sent again (RFC 9110, 9.2.2; or they carry an id): a kept connection may just have been closed.
                if (answer.Fate == Fate.Unknown && answer.IsCut && cuts++ == 0)
                {
                    Interlocked.Increment(ref _repeated);
                    continue;
                }

                if (answer.Fate != Fate.NoEffect)
                {
                    break;
                }
            }

            await Task.Delay(40 * (attempt + 1));
        }

        if (answer.Fate is Fate.NoEffect or Fate.Unknown)
        {
            Interlocked.Increment(ref _failed);
            LastFailure = $"{method} {path}: {answer.Fate}, {answer.Error}";
        }

        if (answer.Error is { } error)
        {
            lock (cluster.Record)
            {
                cluster.Record.Shown.Add(new Shown(user.Contains("t0", StringComparison.Ordinal) ? "t0" : "t1", $"the error of {method} {path} for {user}", error));
            }
        }

        return answer with { WasUnsure = unsure };
    }

    /// <summary>Whether a node knows the way to everything now: to each conversation that there is, and to all of the index.</summary>
    public async Task<bool> AnswersForAllAsync(Uri node)
    {
        foreach (var tenant in new[] { "t0", "t1" })
        {
            var person = $"person-{tenant}-0";
            var talks = Enumerable.Range(0, 2).Select(n => SendOnceAsync($"person-{tenant}-{n}", HttpMethod.Get, new Uri(node, $"/api/v1/conversations/talk-person-{tenant}-{n}"), null, null));
            if ((await Task.WhenAll(talks)).Any(answer => answer.Fate is Fate.NoEffect or Fate.Unknown))
            {
                return false;
            }

            var found = await SendOnceAsync(person, HttpMethod.Get, new Uri(node, "/api/v1/search?mode=lexical&k=1&q=grace"), null, null);
            if (found.Body is not { } body || (bool?)body["partial"] == true)
            {
                return false;
            }
        }

        return true;
    }

    public static HttpRequestMessage Request(string user, HttpMethod method, Uri uri)
    {
        var request = new HttpRequestMessage(method, uri);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", RealCluster.TokenOf(user));
        return request;
    }

    private void Tell(string user, string what)
    {
        lock (_answers)
        {
            if (!_answers.TryGetValue(user, out var answers))
            {
                _answers.Add(user, answers = new Queue<string>());
            }

            answers.Enqueue(what);
            if (answers.Count > MaxAnswersKept)
            {
                answers.Dequeue();
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendOnceAsync(string user, HttpMethod method, Uri uri, HttpContent? content, string? key)
    {
        using var request = Request(user, method, uri);
        request.Content = content;
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        try
        {
            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode)
            {
                return new Answer(Fate.Answered, text.Length > 0 ? JsonNode.Parse(text) : null, null);
            }

            var fate = response.StatusCode switch
            {
                HttpStatusCode.ServiceUnavailable => Fate.NoEffect,
                >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout => Fate.Unknown,
                _ => Fate.Refused,
            };
            return new Answer(fate, null, $"{(int)response.StatusCode} {text}");
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            // The client itself sends a request without a body again when a kept connection ends under it: the refused attempt
            // may be the second, and the first may have taken effect.
            return new Answer(Fate.NoEffect, null, e.Message, IsCut: content is null);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or System.Text.Json.JsonException)
        {
            return new Answer(Fate.Unknown, null, $"{e.Message} {e.InnerException?.Message}", IsCut: e is HttpRequestException);
        }
    }
}
