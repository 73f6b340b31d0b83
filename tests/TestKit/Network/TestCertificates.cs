using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RagCluster.Kernel.Transport;

namespace RagCluster.TestKit;

/// <summary>An authority and the certificates that it signs, as files.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ragcluster-tls-").FullName;
    private readonly X509Certificate2 _authority;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(5));
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
    }

    public string AuthorityFile => Path.Combine(_folder, "ca.pem");

    /// <summary>Writes a certificate for 127.0.0.1 (or another name), over one of the same name if there is one.</summary>
    /// <param name="purposes">"server" and "client", or one of them.</param>
    public TlsFiles Issue(string name, string? dns = null, TimeSpan? validFor = null, string purposes = "server client", TestCertificates? signedBy = null)
    {
        var signer = (signedBy ?? this)._authority;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (dns is null)
        {
            names.AddIpAddress(IPAddress.Loopback);
        }
        else
        {
            names.AddDnsName(dns);
        }

        request.CertificateExtensions.Add(names.Build());
        var uses = new OidCollection();
        if (purposes.Contains("server", StringComparison.Ordinal))
        {
            uses.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        }

        if (purposes.Contains("client", StringComparison.Ordinal))
        {
            uses.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, false));
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7F;
        using var certificate = request.Create(signer, DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow + (validFor ?? TimeSpan.FromDays(30)), serial);
        var files = new TlsFiles(Path.Combine(_folder, $"{name}.pem"), Path.Combine(_folder, $"{name}.key"), AuthorityFile);
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
