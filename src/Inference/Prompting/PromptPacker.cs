using RagCluster.Inference.Answering;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Prompting;

/// <summary>
/// Packs passages and history into a prompt of a bounded number of tokens. Where all fits, all is taken.
/// </summary>
/// <remarks>
/// Otherwise this is the knapsack problem with values that depend on each other: a passage is worth its score, less
/// what the chosen ones already say (the share of its words that they hold). Two greedy selections are made, by value
/// and by value for each token, and the one that is worth more is taken, as in the classical approximation. The best
/// passage is in either, cut behind a sentence if it must be. What is chosen stays in the order of the ranking.
/// </remarks>
public sealed class PromptPacker(PromptBudget budget, PromptTemplates templates)
{
    /// <summary>A passage is not cut to less than this: it would quote the beginning of something.</summary>
    private const int LeastCut = 24;

    /// <summary>Of a passage's first and last line beside title and headings.</summary>
    private const int FenceTokens = 14;

    /// <param name="found">Best first; each may be longer than a chunk.</param>
    /// <param name="history">Oldest first.</param>
    public PackedPrompt Pack(string question, IReadOnlyList<ScoredPassage> found, IReadOnlyList<PastTurn> history)
    {
        var template = templates.Answer;
        var bare = new GroundedPrompt(question, []) { Template = template }.ToMessages();
        var room = Math.Max(0, budget.MaxTokens - bare.Sum(m => TokenCounter.Count(m.Text)));
        var turns = Trim(history, Math.Min(budget.HistoryTokens, room / 2));
        room -= turns.Sum(Count);
        var sources = Choose(found, room);
        var prompt = new GroundedPrompt(question, [.. sources.Select(s => s.Passage)]) { History = turns, Template = template };
        return new PackedPrompt(prompt, sources, found.Count - sources.Count);
    }

    /// <summary>The tokens that a passage takes in a prompt.</summary>
    internal static int Count(Passage passage) =>
        TokenCounter.Count(passage.Text) + TokenCounter.Count(passage.Title) + passage.Headings.Sum(h => TokenCounter.Count(h) + 1) + FenceTokens;

    /// <summary>The newest turns, whole but for the oldest one taken, of whose answer only the beginning may be left.</summary>
    private static List<PastTurn> Trim(IReadOnlyList<PastTurn> history, int room)
    {
        var kept = new List<PastTurn>();
        for (var i = history.Count - 1; i >= 0; i--)
        {
            var turn = history[i];
            if (Count(turn) <= room)
            {
                kept.Insert(0, turn);
                room -= Count(turn);
                continue;
            }

            var left = room - TokenCounter.Count(turn.Question);
            if (left >= LeastCut && Beginning(turn.Answer, left) is { Length: > 0 } beginning)
            {
                kept.Insert(0, turn with { Answer = beginning });
            }

            break;
        }

        return kept;
    }

    private static int Count(PastTurn turn) => TokenCounter.Count(turn.Question) + TokenCounter.Count(turn.Answer);

    private static IReadOnlyList<ScoredPassage> Choose(IReadOnlyList<ScoredPassage> found, int room)
    {
        var tokens = found.Select(f => Count(f.Passage)).ToArray();
        if (tokens.Sum() <= room || found.Count == 0)
        {
            return found;
        }

        if (tokens[0] > room)
        {
            var first = found[0].Passage;
            var text = Beginning(first.Text, room - (tokens[0] - TokenCounter.Count(first.Text)));
            return text.Length == 0 ? [] : [found[0] with { Passage = first with { Text = text, End = first.Start + text.Length } }];
        }

        var words = found.Select(f => Terms.Of(f.Passage.Text).Select(t => t.Stem).ToHashSet()).ToArray();
        var best = found.Max(f => f.Score);
        var worths = found.Select((f, rank) => best > 0 ? Math.Max(0, f.Score) / best : 1.0 / (rank + 1)).ToArray();
        var byValue = Greedy(worths, words, tokens, room, (worth, _) => worth);
        var byDensity = Greedy(worths, words, tokens, room, (worth, size) => worth / size);
        var (_, chosen) = byDensity.Worth > byValue.Worth ? byDensity : byValue;
        return [.. chosen.Order().Select(i => found[i])];
    }

    private static (double Worth, List<int> Chosen) Greedy(double[] worths, HashSet<ulong>[] words, int[] tokens, int room, Func<double, int, double> rank)
    {
        var chosen = new List<int> { 0 };
        var said = new HashSet<ulong>(words[0]);
        var total = worths[0];
        room -= tokens[0];
        while (true)
        {
            var (next, worth, priority) = (-1, 0.0, 0.0);
            for (var i = 1; i < worths.Length; i++)
            {
                if (tokens[i] > room || chosen.Contains(i))
                {
                    continue;
                }

                var own = worths[i] * (words[i].Count == 0 ? 0 : 1 - ((double)words[i].Count(said.Contains) / words[i].Count));
                if (rank(own, tokens[i]) > priority)
                {
                    (next, worth, priority) = (i, own, rank(own, tokens[i]));
                }
            }

            if (next < 0)
            {
                return (total, chosen);
            }

            chosen.Add(next);
            said.UnionWith(words[next]);
            total += worth;
            room -= tokens[next];
        }
    }

    /// <summary>As many whole sentences from the beginning as fit; of a first one that does not, as many words.</summary>
    private static string Beginning(string text, int room)
    {
        var end = 0;
        foreach (var sentence in SentenceSplitter.Split(text))
        {
            if (TokenCounter.Count(text.AsSpan(0, sentence.End)) > room)
            {
                break;
            }

            end = sentence.End;
        }

        if (end == 0 && room >= LeastCut)
        {
            // Tokens have at most seven letters by the counter; white space does not count.
            for (var at = text.IndexOf(' ', StringComparison.Ordinal); at >= 0 && TokenCounter.Count(text.AsSpan(0, at)) <= room; at = text.IndexOf(' ', at + 1))
            {
                end = at;
                if (at > room * 16)
                {
                    break;
                }
            }
        }

        return text[..end];
    }
}
