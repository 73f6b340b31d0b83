using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.Transport.Links;

/// <summary>Who this node is to others and whom it believes, from files that may be replaced while it runs.</summary>
/// <remarks>Looks at the files at a handshake, at most once a second; what cannot be read leaves the last good state in force.</remarks>
internal sealed class TlsIdentity
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly TlsFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private Loaded _loaded;
    private long _lookedAt;
    private string? _failure;

    /// <exception cref="IOException">A file is missing, or does not hold what it should.</exception>
    public TlsIdentity(TlsFiles files, TimeProvider time, ILogger log)
    {
        (_files, _time, _log) = (files, time, log);
        _lookedAt = time.GetTimestamp();
        _loaded = Load(Stamps());
        if (_loaded.Certificate.NotAfter < time.GetUtcNow())
        {
            throw new IOException($"{files.Certificate}: the certificate expired on {_loaded.Certificate.NotAfter:yyyy-MM-dd}; no peer would take it.");
        }
    }

    private sealed record Loaded(string Stamps, X509Certificate2 Certificate, SslStreamCertificateContext Context, X509Certificate2Collection Authorities);

    public SslClientAuthenticationOptions ForOpening(string host, Action<string> problem)
    {
        var loaded = Current();
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateContext = loaded.Context,
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Believes(loaded, certificate as X509Certificate2, chain, "1.3.6.1.5.5.7.3.1", host, problem),
        };
    }

    /// <summary>The opener's name is known only after its hello: see <see cref="Names"/>.</summary>
    public SslServerAuthenticationOptions ForAccepting(Action<string> problem)
    {
        var loaded = Current();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = loaded.Context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            // A resumed session would not show its certificate again.
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Believes(loaded, certificate as X509Certificate2, chain, "1.3.6.1.5.5.7.3.2", null, problem),
        };
    }

    /// <summary>Whether the certificate is one for the host of an address.</summary>
    public static bool Names(X509Certificate? certificate, string host) =>
        certificate is X509Certificate2 known && known.MatchesHostname(host, allowWildcards: true, allowCommonName: false);

    private Loaded Current()
    {
        lock (_lock)
        {
            if (_time.GetElapsedTime(_lookedAt) < LookAgain)
            {
                return _loaded;
            }

            _lookedAt = _time.GetTimestamp();
            try
            {
                var stamps = Stamps();
                if (stamps != _loaded.Stamps)
                {
                    _loaded = Load(stamps);
                    TransportLog.CertificateReplaced(_log, _files.Certificate, _loaded.Certificate.NotAfter);
                }

                _failure = null;
            }
            catch (IOException e) when (e.Message == _failure)
            {
                // Said already.
            }
            catch (IOException e)
            {
                // The files are perhaps just being replaced; the next handshake looks again.
                _failure = e.Message;
                TransportLog.CertificateNotReplaced(_log, e.Message);
            }

            return _loaded;
        }
    }

    /// <summary>Of the contents, not of the times: Kubernetes replaces files by way of a link somewhere above them.</summary>
    private string Stamps() => $"{Stamp(_files.Certificate)} {Stamp(_files.Key)} {Stamp(_files.Authorities)}";

    private static string Stamp(string path)
    {
        try
        {
            return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private Loaded Load(string stamps)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(_files.Certificate, _files.Key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(_files.Certificate);
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(_files.Authorities);
            if (authorities.Count == 0)
            {
                throw new IOException($"{_files.Authorities} holds no certificate.");
            }

            return new Loaded(stamps, certificate, SslStreamCertificateContext.Create(certificate, chain, offline: true), authorities);
        }
        catch (Exception e) when (e is CryptographicException or UnauthorizedAccessException or ArgumentException)
        {
            throw new IOException($"The transport's certificate ({_files.Certificate}), key ({_files.Key}) or authorities ({_files.Authorities}) cannot be used: {e.Message}", e);
        }
    }

    private bool Believes(Loaded loaded, X509Certificate2? certificate, X509Chain? given, string purpose, string? host, Action<string> problem)
    {
        if (certificate is null)
        {
            problem("it shows no certificate");
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(loaded.Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(purpose));
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        if (given is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(given.ChainElements.Select(element => element.Certificate).ToArray());
        }

        if (!chain.Build(certificate))
        {
            problem($"its certificate ({certificate.Subject}, until {certificate.NotAfter:yyyy-MM-dd}) is not believed: {string.Join(' ', chain.ChainStatus.Select(status => status.StatusInformation.Trim()))}");
            return false;
        }

        if (host is not null && !Names(certificate, host))
        {
            problem($"its certificate ({certificate.Subject}) is not for {host}");
            return false;
        }

        return true;
    }
}
