using RagCluster.Ingestion.Sources.S3;

namespace RagCluster.Ingestion.Tests.Sources.S3;

/// <summary>The vectors that AWS has published: its Signature Version 4 test suite, and the examples in S3's documentation.</summary>
public class AwsSignatureTests
{
    [Theory]
    [InlineData("https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")] // get-vanilla
    [InlineData("https://example.amazonaws.com/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")] // get-vanilla-query-order-key-case
    public void The_test_suite(string url, string signature)
    {
        var signer = new AwsSignature(new AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "us-east-1", "service");
        var headers = signer.Sign(new Uri(url), new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        headers.ShouldContain(("x-amz-date", "20150830T123600Z"));
        headers.Single(h => h.Name == "Authorization").Value.ShouldBe(
            $"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}");
    }

    [Theory]
    [InlineData("https://examplebucket.s3.amazonaws.com/?lifecycle", null, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")]
    [InlineData("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", null, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    [InlineData("https://examplebucket.s3.amazonaws.com/test.txt", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")]
    public void The_examples_of_S3(string url, string? range, string signature)
    {
        var signer = new AwsSignature(new AwsCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "us-east-1", "s3");
        var headers = signer.Sign(new Uri(url), new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero), range is null ? [] : [("Range", range)]);
        headers.Single(h => h.Name == "Authorization").Value.ShouldEndWith($"Signature={signature}");
        headers.ShouldContain(("x-amz-content-sha256", AwsSignature.EmptyHash));
    }

    [Fact]
    public void Temporary_credentials_sign_their_token()
    {
        var signer = new AwsSignature(new AwsCredentials("A", "B", "the token"), "us-east-1", "s3");
        var headers = signer.Sign(new Uri("http://s3.example:9000/b"), DateTimeOffset.UnixEpoch);
        headers.ShouldContain(("x-amz-security-token", "the token"));
        headers.Single(h => h.Name == "Authorization").Value.ShouldContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
    }

    [Theory]
    [InlineData("a b/ü+~.txt", "a%20b%2F%C3%BC%2B~.txt", "a%20b/%C3%BC%2B~.txt")]
    public void Keys_are_encoded_as_AWS_wants_it(string text, string encoded, string withSlashes)
    {
        AwsSignature.Encode(text).ShouldBe(encoded);
        AwsSignature.Encode(text, keepSlashes: true).ShouldBe(withSlashes);
    }
}
