namespace RagCluster.EndToEnd.Scripted;

/// <summary>The documents that the scripted node starts with: every state once, and one that tries to break the page.</summary>
internal static class Library
{
    public static void Fill(ScriptedDocuments documents, TimeProvider time)
    {
        var now = time.GetUtcNow();
        DocumentRow Row(string id, string name, string title, string status, int hours) =>
            new(id, name, title, status) { ReceivedAt = now.AddHours(-hours), ChangedAt = now.AddHours(-hours), Bytes = 48_213 + (hours * 911), Chunks = 21 + hours };

        documents.Put(Row("term-life", "term-life-wording.pdf", "Harbour Term Life: policy wording", "indexed", 2) with { MediaType = "application/pdf", Pages = 18, Text = Wording() });
        documents.Put(Row("claims", "claims-faq.md", "Claims: questions and answers", "indexed", 5) with { MediaType = "text/markdown", Text = Faq() });
        documents.Put(Row("underwriting", "underwriting-guide.docx", "Underwriting guide 2026", "indexed", 26) with { Readers = ["underwriter"], Pages = 64, Text = Wording() });
        documents.Put(Row("hostile", "notes.html", "Notes <b>from</b> the branch", "indexed", 30) with { MediaType = "text/html", Text = $"Minutes of the meeting.\n\n{Script.Hostile}\n\nEnd of the minutes." });
        documents.Put(Row("fees", "fee-tables.csv", "Fee tables", "chunked", 0) with { MediaType = "text/csv", Chunks = 12 });
        documents.Put(Row("sealed", "board-minutes-encrypted.pdf", "board-minutes-encrypted.pdf", "failed", 49) with
        {
            MediaType = "application/pdf",
            Chunks = 0,
            FailureCode = "encrypted",
            FailureDetail = "The file is protected by a password. Remove the password and upload it again.",
        });
        documents.Put(Row("waiting", "regulations-annex.pdf", "regulations-annex.pdf", "failed", 1) with
        {
            MediaType = "application/pdf",
            Chunks = 0,
            FailureCode = "embedding-unavailable",
            FailureDetail = "The embedding model did not answer.",
            RetryAt = now.AddMinutes(4),
        });
    }

    private static string Wording() => string.Join("\n\n",
    [
        "Harbour Term Life",
        "Section 1. About this policy",
        "This policy pays the sum insured if the person insured dies before the end of the term. It has no cash value and does not share in profits.",
        .. Enumerable.Range(1, 40).Select(i => $"1.{i} The company answers written requests within ten working days and keeps the file for as long as the law asks. Clause {i} applies to policies issued after 1 January 2024."),
        "Section 7. Your right to change your mind",
        "You may return the policy within 30 days of receiving it and get back every premium paid. Write to us or use your online account; no reason is needed. If a claim has been paid within that time, the policy cannot be returned.",
        "The refund is made within fourteen days to the account from which the premium came.",
        .. Enumerable.Range(1, 40).Select(i => $"8.{i} Premiums are due on the first day of the month. Cover continues for 31 days after a premium was missed."),
    ]);

    private static string Faq() => string.Join("\n\n",
    [
        "Claims: questions and answers",
        "When does the free-look period start?",
        "The free-look period starts on the day on which the policy reaches you, by post or in your online account. Keep the envelope: the postmark counts.",
        "Who can make a claim?",
        "Any beneficiary named in the policy, or the estate where nobody is named.",
    ]);
}
