using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using RagCluster.Configuration.Options;

namespace RagCluster.Nodes.Management.Access;

/// <summary>
/// TLS of the management port. Client certificates are asked for and not demanded, for probes have none; one that is shown
/// must be good. Files are read again when they have changed, so that certificates are replaced without a restart.
/// </summary>
internal sealed class ManagementTls(ManagementTlsOptions options)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly Lock _gate = new();
    private (DateTime Written, X509Certificate2 Certificate)? _own;
    private (DateTime Written, X509Certificate2Collection Authorities)? _authorities;

    /// <exception cref="IOException">A file cannot be read, or is no certificate.</exception>
    public void Use(ListenOptions listen)
    {
        // A mistake stops the start and not the first visitor.
        _ = Own();
        _ = options.Authorities is null ? null : Authorities();
        listen.UseHttps(https =>
        {
            https.ServerCertificateSelector = (_, _) => Own();
            if (options.Authorities is not null)
            {
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = (certificate, _, _) => IsTrusted(certificate);
            }
        });
    }

    private bool IsTrusted(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid(ClientAuthentication));
        return chain.Build(certificate);
    }

    private X509Certificate2 Own()
    {
        var written = Newest(options.Certificate!, options.Key!);
        lock (_gate)
        {
            if (_own is not { } own || own.Written != written)
            {
                _own = own = (written, Load(options.Certificate!, () =>
                {
                    using var pem = X509Certificate2.CreateFromPemFile(options.Certificate!, options.Key!);

                    // A key that lives in memory only is of no use to TLS on Windows.
                    return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
                }));
            }

            return own.Certificate;
        }
    }

    private X509Certificate2Collection Authorities()
    {
        var written = Newest(options.Authorities!);
        lock (_gate)
        {
            if (_authorities is not { } known || known.Written != written)
            {
                _authorities = known = (written, Load(options.Authorities!, () =>
                {
                    var authorities = new X509Certificate2Collection();
                    authorities.ImportFromPemFile(options.Authorities!);
                    return authorities.Count > 0 ? authorities : throw new IOException($"{options.Authorities} holds no certificate.");
                }));
            }

            return known.Authorities;
        }
    }

    private static DateTime Newest(params string[] files) => files.Max(File.GetLastWriteTimeUtc);

    private static T Load<T>(string file, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (System.Security.Cryptography.CryptographicException e)
        {
            throw new IOException($"The certificate {file} of management cannot be used: {e.Message}", e);
        }
    }
}
