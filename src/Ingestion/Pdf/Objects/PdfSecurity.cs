using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pdf.Objects;

/// <summary>
/// Decrypts files that open without a password: the standard security handler with an empty user password, revisions
/// 2 to 6 (ISO 32000-2, 7.6). A file that needs a password is refused as encrypted.
/// </summary>
[SuppressMessage("Security", "CA5351:Do Not Use Broken Cryptographic Algorithms", Justification = "The file format prescribes MD5 and RC4; they protect nothing of ours.")]
[SuppressMessage("Security", "CA5358:Review cipher mode usage", Justification = "The file format prescribes the modes.")]
internal sealed class PdfSecurity
{
    private static readonly byte[] Padding =
    [
        0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
        0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
    ];

    private readonly byte[] _key;
    private readonly Method _streams;
    private readonly Method _strings;
    private readonly int _ownNumber;

    private enum Method
    {
        None,
        Rc4,
        Aes128,
        Aes256,
    }

    private PdfSecurity(byte[] key, Method streams, Method strings, int ownNumber)
    {
        _key = key;
        _streams = streams;
        _strings = strings;
        _ownNumber = ownNumber;
    }

    /// <param name="ownNumber">The number of the encryption dictionary itself, whose strings are not encrypted.</param>
    /// <exception cref="ParseException">It needs a password, or is encrypted in another way.</exception>
    public static PdfSecurity Open(PdfDictionary encrypt, PdfDictionary trailer, int ownNumber)
    {
        var version = encrypt.Int("V");
        var revision = encrypt.Int("R");
        if (encrypt.Name("Filter") is { } filter and not "Standard" || version is not (1 or 2 or 4 or 5) || revision is < 2 or > 6)
        {
            throw new ParseException(FailureCodes.Encrypted, $"The PDF is encrypted in a way that is not read (version {version}, revision {revision}). Remove the protection and send it again.");
        }

        var streams = Of(encrypt, "StmF", version);
        var strings = Of(encrypt, "StrF", version);
        var key = version == 5 ? Key256(encrypt, revision) : Key128(encrypt, trailer, version, revision);
        return key is null
            ? throw new ParseException(FailureCodes.Encrypted, "The PDF is protected with a password. Remove the protection and send it again.")
            : new PdfSecurity(key, streams, strings, ownNumber);
    }

    public object? Decrypt(object? value, int number, int generation)
    {
        if (number == _ownNumber)
        {
            return value;
        }

        return value switch
        {
            byte[] text => Apply(_strings, text, number, generation),
            PdfStream stream when stream.Dictionary.Raw("Type") is PdfName { Value: "XRef" } => value,
            PdfStream stream => new PdfStream(Strings(stream.Dictionary, number, generation), Apply(_streams, stream.Raw.ToArray(), number, generation)),
            PdfDictionary dictionary => Strings(dictionary, number, generation),
            _ => value,
        };
    }

    // Strings directly in the dictionary; deeper ones carry no text that is extracted.
    private PdfDictionary Strings(PdfDictionary dictionary, int number, int generation)
    {
        foreach (var (key, value) in dictionary.Entries.ToArray())
        {
            if (value is byte[] text)
            {
                dictionary[key] = Apply(_strings, text, number, generation);
            }
        }

        return dictionary;
    }

    private byte[] Apply(Method method, byte[] data, int number, int generation) => method switch
    {
        Method.Rc4 => Rc4(ObjectKey(number, generation, aes: false), data),
        Method.Aes128 => AesCbc(ObjectKey(number, generation, aes: true), data),
        Method.Aes256 => AesCbc(_key, data),
        _ => data,
    };

    private byte[] ObjectKey(int number, int generation, bool aes)
    {
        byte[] salted = [.. _key, (byte)number, (byte)(number >> 8), (byte)(number >> 16), (byte)generation, (byte)(generation >> 8), .. aes ? "sAlT"u8 : default];
        return MD5.HashData(salted)[..Math.Min(16, _key.Length + 5)];
    }

    private static Method Of(PdfDictionary encrypt, string which, int version)
    {
        if (version < 4)
        {
            return Method.Rc4;
        }

        var name = encrypt.Name(which) ?? "Identity";
        return encrypt.Dictionary("CF")?.Dictionary(name)?.Name("CFM") switch
        {
            "V2" => Method.Rc4,
            "AESV2" => Method.Aes128,
            "AESV3" => Method.Aes256,
            _ => Method.None,
        };
    }

    // Algorithms 2, 4 and 5 with the empty password.
    private static byte[]? Key128(PdfDictionary encrypt, PdfDictionary trailer, int version, int revision)
    {
        if (encrypt["O"] is not byte[] { Length: >= 32 } owner || encrypt["U"] is not byte[] { Length: >= 16 } user)
        {
            return null;
        }

        var length = version == 1 ? 5 : Math.Clamp(encrypt.Int("Length", version == 4 ? 128 : 40) / 8, 5, 16);
        var permissions = (int)(long)encrypt.Number("P");
        var id = trailer.Array("ID") is { Count: > 0 } ids && trailer.Resolve(ids[0]) is byte[] first ? first : [];
        byte[] seed = [.. Padding, .. owner[..32], .. BitConverter.GetBytes(permissions), .. id];
        if (revision >= 4 && encrypt["EncryptMetadata"] is false)
        {
            seed = [.. seed, 0xff, 0xff, 0xff, 0xff];
        }

        var key = MD5.HashData(seed);
        for (var i = 0; revision >= 3 && i < 50; i++)
        {
            key = MD5.HashData(key.AsSpan(0, length));
        }

        key = key[..length];
        byte[] expected;
        if (revision == 2)
        {
            expected = Rc4(key, Padding);
        }
        else
        {
            expected = Rc4(key, MD5.HashData([.. Padding, .. id]));
            for (var i = 1; i <= 19; i++)
            {
                expected = Rc4([.. key.Select(b => (byte)(b ^ i))], expected);
            }
        }

        var compared = revision == 2 ? 32 : 16;
        return user.Length >= compared && user.AsSpan(0, compared).SequenceEqual(expected.AsSpan(0, compared)) ? key : null;
    }

    // Algorithm 2.A with the empty user password.
    private static byte[]? Key256(PdfDictionary encrypt, int revision)
    {
        if (encrypt["U"] is not byte[] { Length: >= 48 } user || encrypt["UE"] is not byte[] { Length: >= 32 } wrapped)
        {
            return null;
        }

        if (!Hash(user.AsSpan(32, 8), revision).AsSpan().SequenceEqual(user.AsSpan(0, 32)))
        {
            return null;
        }

        using var aes = Aes.Create();
        aes.Key = Hash(user.AsSpan(40, 8), revision);
        return aes.DecryptCbc(wrapped.AsSpan(0, 32), new byte[16], PaddingMode.None);
    }

    // Algorithm 2.B for an empty password: only the salt is hashed.
    private static byte[] Hash(ReadOnlySpan<byte> salt, int revision)
    {
        var k = SHA256.HashData(salt);
        if (revision < 6)
        {
            return k;
        }

        using var aes = Aes.Create();
        for (var round = 0; ; round++)
        {
            var block = new byte[64 * k.Length];
            for (var i = 0; i < 64; i++)
            {
                k.CopyTo(block, i * k.Length);
            }

            aes.Key = k[..16];
            var e = aes.EncryptCbc(block, k.AsSpan(16, 16), PaddingMode.None);
            var remainder = e.AsSpan(0, 16).ToArray().Sum(b => b) % 3;
            k = remainder switch { 0 => SHA256.HashData(e), 1 => SHA384.HashData(e), _ => SHA512.HashData(e) };
            if (round >= 63 && e[^1] <= round - 32)
            {
                return k[..32];
            }
        }
    }

    private static byte[] AesCbc(byte[] key, byte[] data)
    {
        if (data.Length < 32)
        {
            return [];
        }

        using var aes = Aes.Create();
        aes.Key = key;
        var length = (data.Length - 16) / 16 * 16;
        var plain = aes.DecryptCbc(data.AsSpan(16, length), data.AsSpan(0, 16), PaddingMode.None);
        var pad = plain[^1];
        return pad is >= 1 and <= 16 ? plain[..^pad] : plain;
    }

    private static byte[] Rc4(byte[] key, byte[] data)
    {
        Span<byte> s = stackalloc byte[256];
        for (var i = 0; i < 256; i++)
        {
            s[i] = (byte)i;
        }

        for (int i = 0, j = 0; i < 256; i++)
        {
            j = (j + s[i] + key[i % key.Length]) & 255;
            (s[i], s[j]) = (s[j], s[i]);
        }

        var output = new byte[data.Length];
        for (int n = 0, i = 0, j = 0; n < data.Length; n++)
        {
            i = (i + 1) & 255;
            j = (j + s[i]) & 255;
            (s[i], s[j]) = (s[j], s[i]);
            output[n] = (byte)(data[n] ^ s[(s[i] + s[j]) & 255]);
        }

        return output;
    }
}
