namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// The English (Porter2) stemmer of the Snowball project, in place and without allocating.
/// Source: https://snowballstem.org/algorithms/english/stemmer.html. Tested word by word against Snowball's vocabulary.
/// </summary>
/// <remarks>
/// R1 is the region after the first non-vowel that follows a vowel, R2 the same within R1. A 'y' that acts as a
/// consonant is written 'Y' while the steps run.
/// </remarks>
public static class Porter2Stemmer
{
    private static readonly string[] R1Prefixes = ["gener", "commun", "arsen", "past", "univers", "later", "emerg", "organ", "inter"];

    /// <summary>Replaces the word, in lower case, with its stem and returns the stem's length, which is never greater.</summary>
    public static int Stem(Span<char> word)
    {
        var w = new Word(word);
        return w.Length <= 2 ? w.Length : w.Run();
    }

    private ref struct Word(Span<char> text)
    {
        private readonly Span<char> _text = text;
        private int _r1;
        private int _r2;

        public int Length { get; private set; } = text.Length;

        private readonly Span<char> Text => _text[..Length];

        public int Run()
        {
            if (Exceptional(out var stem))
            {
                stem.CopyTo(_text);
                return stem.Length;
            }

            Prelude();
            MarkRegions();
            Step0();
            Step1A();
            if (!Text.SequenceEqual("inning") && !Text.SequenceEqual("outing") && !Text.SequenceEqual("canning")
                && !Text.SequenceEqual("herring") && !Text.SequenceEqual("earring") && !Text.SequenceEqual("evening")
                && !Text.SequenceEqual("proceed") && !Text.SequenceEqual("exceed") && !Text.SequenceEqual("succeed"))
            {
                Step1B();
                Step1C();
                Step2();
                Step3();
                Step4();
                Step5();
            }

            return Finish();
        }

        private readonly int Finish()
        {
            Text.Replace('Y', 'y');
            return Length;
        }

        private readonly bool Exceptional(out string stem)
        {
            stem = Text switch
            {
                "skis" => "ski",
                "skies" => "sky",
                "idly" => "idl",
                "gently" => "gentl",
                "ugly" => "ugli",
                "early" => "earli",
                "only" => "onli",
                "singly" => "singl",
                "sky" => "sky",
                "news" => "news",
                "howe" => "howe",
                "atlas" => "atlas",
                "cosmos" => "cosmos",
                "bias" => "bias",
                "andes" => "andes",
                _ => "",
            };
            return stem.Length > 0;
        }

        private void Prelude()
        {
            if (_text[0] == '\'')
            {
                _text[1..Length].CopyTo(_text);
                Length--;
            }

            var text = Text;
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] == 'y' && (i == 0 || IsVowel(text[i - 1])))
                {
                    text[i] = 'Y';
                }
            }
        }

        private void MarkRegions()
        {
            _r1 = -1;
            foreach (var prefix in R1Prefixes)
            {
                if (Text.StartsWith(prefix))
                {
                    _r1 = prefix.Length;
                    break;
                }
            }

            if (_r1 < 0)
            {
                _r1 = RegionAfter(0);
            }

            _r2 = RegionAfter(_r1);
        }

        private readonly int RegionAfter(int from)
        {
            for (var i = from + 1; i < Length; i++)
            {
                if (!IsVowel(_text[i]) && IsVowel(_text[i - 1]))
                {
                    return i + 1;
                }
            }

            return Length;
        }

        private void Step0()
        {
            if (Ends("'s'"))
            {
                Length -= 3;
            }
            else if (Ends("'s"))
            {
                Length -= 2;
            }
            else if (Ends("'"))
            {
                Length--;
            }
        }

        private void Step1A()
        {
            if (Ends("sses"))
            {
                Length -= 2;
            }
            else if (Ends("ied") || Ends("ies"))
            {
                Length -= Length > 4 ? 2 : 1;
            }
            else if (Ends("us") || Ends("ss"))
            {
                return;
            }
            else if (Ends("s") && HasVowel(Length - 2))
            {
                Length--;
            }
        }

        private void Step1B()
        {
            if (Ends("eedly") || Ends("eed"))
            {
                var suffix = Ends("eed") ? 3 : 5;
                if (Length - suffix >= _r1)
                {
                    Length -= suffix - 2;
                }

                return;
            }

            var cut = Ends("ingly") ? 5 : Ends("edly") ? 4 : Ends("ing") ? 3 : Ends("ed") ? 2 : 0;
            if (cut == 0 || !HasVowel(Length - cut))
            {
                return;
            }

            Length -= cut;
            if (cut == 3 && Length == 2 && _text[1] == 'y' && !IsVowel(_text[0]))
            {
                // "dying", "lying", "vying".
                _text[1] = 'i';
                _text[Length++] = 'e';
            }
            else if (Ends("at") || Ends("bl") || Ends("iz"))
            {
                _text[Length++] = 'e';
            }
            else if (EndsInDouble())
            {
                Length--;
            }
            else if (_r1 >= Length && EndsInShortSyllable(Length))
            {
                _text[Length++] = 'e';
            }
        }

        private readonly void Step1C()
        {
            if (Length > 2 && _text[Length - 1] is 'y' or 'Y' && !IsVowel(_text[Length - 2]))
            {
                _text[Length - 1] = 'i';
            }
        }

        private void Step2()
        {
            switch (Text)
            {
                case [.., 'a', 't', 'i', 'o', 'n', 'a', 'l']: Replace(7, "ate"); break;
                case [.., 't', 'i', 'o', 'n', 'a', 'l']: Replace(6, "tion"); break;
                case [.., 'i', 'z', 'a', 't', 'i', 'o', 'n']: Replace(7, "ize"); break;
                case [.., 'a', 't', 'i', 'o', 'n']: Replace(5, "ate"); break;
                case [.., 'f', 'u', 'l', 'n', 'e', 's', 's']: Replace(7, "ful"); break;
                case [.., 'o', 'u', 's', 'n', 'e', 's', 's']: Replace(7, "ous"); break;
                case [.., 'i', 'v', 'e', 'n', 'e', 's', 's']: Replace(7, "ive"); break;
                case [.., 'e', 'n', 'c', 'i']: Replace(4, "ence"); break;
                case [.., 'a', 'n', 'c', 'i']: Replace(4, "ance"); break;
                case [.., 'a', 'b', 'l', 'i']: Replace(4, "able"); break;
                case [.., 'e', 'n', 't', 'l', 'i']: Replace(5, "ent"); break;
                case [.., 'i', 'z', 'e', 'r']: Replace(4, "ize"); break;
                case [.., 'a', 't', 'o', 'r']: Replace(4, "ate"); break;
                case [.., 'a', 'l', 'i', 's', 'm']: Replace(5, "al"); break;
                case [.., 'a', 'l', 'i', 't', 'i']: Replace(5, "al"); break;
                case [.., 'a', 'l', 'l', 'i']: Replace(4, "al"); break;
                case [.., 'o', 'u', 's', 'l', 'i']: Replace(5, "ous"); break;
                case [.., 'i', 'v', 'i', 't', 'i']: Replace(5, "ive"); break;
                case [.., 'b', 'i', 'l', 'i', 't', 'i']: Replace(6, "ble"); break;
                case [.., 'b', 'l', 'i']: Replace(3, "ble"); break;
                case [.., 'o', 'g', 'i', 's', 't']: Replace(5, "og"); break;
                case [.., 'f', 'u', 'l', 'l', 'i']: Replace(5, "ful"); break;
                case [.., 'l', 'e', 's', 's', 'l', 'i']: Replace(6, "less"); break;
                case [.., 'l', 'o', 'g', 'i']: Replace(3, "og"); break;
                case [.., var before, 'l', 'i'] when before is 'c' or 'd' or 'e' or 'g' or 'h' or 'k' or 'm' or 'n' or 'r' or 't': Replace(2, ""); break;
            }
        }

        private void Step3()
        {
            switch (Text)
            {
                case [.., 'a', 't', 'i', 'o', 'n', 'a', 'l']: Replace(7, "ate"); break;
                case [.., 't', 'i', 'o', 'n', 'a', 'l']: Replace(6, "tion"); break;
                case [.., 'a', 'l', 'i', 'z', 'e']: Replace(5, "al"); break;
                case [.., 'i', 'c', 'a', 't', 'e']: Replace(5, "ic"); break;
                case [.., 'i', 'c', 'i', 't', 'i']: Replace(5, "ic"); break;
                case [.., 'i', 'c', 'a', 'l']: Replace(4, "ic"); break;
                case [.., 'f', 'u', 'l']: Replace(3, ""); break;
                case [.., 'n', 'e', 's', 's']: Replace(4, ""); break;
                case [.., 'a', 't', 'i', 'v', 'e']:
                    if (Length - 5 >= _r2)
                    {
                        Replace(5, "");
                    }

                    break;
            }
        }

        private void Step4()
        {
            var suffix = Text switch
            {
                [.., 'e', 'm', 'e', 'n', 't'] => 5,
                [.., 'm', 'e', 'n', 't'] or [.., 'a', 'n', 'c', 'e'] or [.., 'e', 'n', 'c', 'e'] or [.., 'a', 'b', 'l', 'e'] or [.., 'i', 'b', 'l', 'e'] => 4,
                [.., 'a', 'n', 't'] or [.., 'e', 'n', 't'] or [.., 'i', 's', 'm'] or [.., 'a', 't', 'e'] or [.., 'i', 't', 'i']
                    or [.., 'o', 'u', 's'] or [.., 'i', 'v', 'e'] or [.., 'i', 'z', 'e'] or [.., 's' or 't', 'i', 'o', 'n'] => 3,
                [.., 'a', 'l'] or [.., 'e', 'r'] or [.., 'i', 'c'] => 2,
                _ => 0,
            };
            if (suffix > 0 && Length - suffix >= _r2)
            {
                Length -= suffix;
            }
        }

        private void Step5()
        {
            if (Ends("e"))
            {
                if (Length - 1 >= _r2 || (Length - 1 >= _r1 && !EndsInShortSyllable(Length - 1)))
                {
                    Length--;
                }
            }
            else if (Ends("ll") && Length - 1 >= _r2)
            {
                Length--;
            }
        }

        /// <summary>Puts <paramref name="ending"/> in place of the last characters, if they lie in R1.</summary>
        private void Replace(int suffix, string ending)
        {
            if (Length - suffix >= _r1)
            {
                ending.CopyTo(_text[(Length - suffix)..]);
                Length += ending.Length - suffix;
            }
        }

        private readonly bool Ends(ReadOnlySpan<char> suffix) => Text.EndsWith(suffix);

        private readonly bool HasVowel(int before)
        {
            for (var i = 0; i < before; i++)
            {
                if (IsVowel(_text[i]))
                {
                    return true;
                }
            }

            return false;
        }

        private readonly bool EndsInDouble()
        {
            if (Length < 2 || _text[Length - 1] != _text[Length - 2] || !"bdfgmnprt".Contains(_text[Length - 1]))
            {
                return false;
            }

            // "add", "egg", "off": the double stays where only a, e or o stands before it.
            return Length != 3 || _text[0] is not ('a' or 'e' or 'o');
        }

        /// <summary>Whether the first <paramref name="end"/> characters end in a vowel and a non-vowel other than w, x, Y after a non-vowel, or are a vowel and a non-vowel.</summary>
        private readonly bool EndsInShortSyllable(int end)
        {
            if (end == 2)
            {
                return IsVowel(_text[0]) && !IsVowel(_text[1]);
            }

            if (end >= 4 && _text[..end].EndsWith("past"))
            {
                return true;
            }

            return end >= 3 && !IsVowel(_text[end - 3]) && IsVowel(_text[end - 2])
                && !IsVowel(_text[end - 1]) && _text[end - 1] is not ('w' or 'x' or 'Y');
        }

        private static bool IsVowel(char c) => c is 'a' or 'e' or 'i' or 'o' or 'u' or 'y';
    }
}
