namespace RagCluster.Inference.Language;

/// <summary>
/// M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with the two departures of its author's own
/// program (step 2: -bli for -abli, and -logi). Works in place on lower-case ASCII words and allocates nothing.
/// </summary>
internal static class PorterStemmer
{
    /// <summary>Stems <paramref name="word"/> in place and returns its new length, never greater than the old.</summary>
    public static int Stem(Span<char> word)
    {
        if (word.Length <= 2)
        {
            return word.Length;
        }

        foreach (var c in word)
        {
            if (c is < 'a' or > 'z')
            {
                return word.Length;
            }
        }

        var stemming = new Stemming(word);
        stemming.Step1Ab();
        if (stemming.Length > 1)
        {
            stemming.Step1C();
            stemming.Step2();
            stemming.Step3();
            stemming.Step4();
            stemming.Step5();
        }

        return stemming.Length;
    }

    private ref struct Stemming(Span<char> word)
    {
        private readonly Span<char> _word = word;
        private int _stem;

        public int Length { get; private set; } = word.Length;

        /// <summary>Plurals, -ed and -ing: caresses, ponies, feed, plastered, motoring.</summary>
        public void Step1Ab()
        {
            if (_word[Length - 1] == 's')
            {
                if (Ends("sses") || Ends("ies"))
                {
                    Length -= 2;
                }
                else if (_word[Length - 2] != 's')
                {
                    Length--;
                }
            }

            if (Ends("eed"))
            {
                if (Measure() > 0)
                {
                    Length--;
                }
            }
            else if ((Ends("ed") || Ends("ing")) && HasVowel(_stem))
            {
                Length = _stem;
                if (Ends("at") || Ends("bl") || Ends("iz"))
                {
                    _word[Length++] = 'e';
                }
                else if (DoubleConsonant())
                {
                    if (_word[Length - 1] is not ('l' or 's' or 'z'))
                    {
                        Length--;
                    }
                }
                else
                {
                    _stem = Length;
                    if (Measure() == 1 && ShortEnd(Length))
                    {
                        _word[Length++] = 'e';
                    }
                }
            }
        }

        public readonly void Step1C()
        {
            if (_word[Length - 1] == 'y' && HasVowel(Length - 1))
            {
                _word[Length - 1] = 'i';
            }
        }

        public void Step2()
        {
            _ = Replace("ational", "ate") || Replace("tional", "tion") || Replace("enci", "ence") || Replace("anci", "ance")
                || Replace("izer", "ize") || Replace("bli", "ble") || Replace("alli", "al") || Replace("entli", "ent")
                || Replace("eli", "e") || Replace("ousli", "ous") || Replace("ization", "ize") || Replace("ation", "ate")
                || Replace("ator", "ate") || Replace("alism", "al") || Replace("iveness", "ive") || Replace("fulness", "ful")
                || Replace("ousness", "ous") || Replace("aliti", "al") || Replace("iviti", "ive") || Replace("biliti", "ble")
                || Replace("logi", "log");
        }

        public void Step3()
        {
            _ = Replace("icate", "ic") || Replace("ative", "") || Replace("alize", "al") || Replace("iciti", "ic")
                || Replace("ical", "ic") || Replace("ful", "") || Replace("ness", "");
        }

        public void Step4()
        {
            var found = Ends("al") || Ends("ance") || Ends("ence") || Ends("er") || Ends("ic") || Ends("able") || Ends("ible")
                || Ends("ant") || Ends("ement") || Ends("ment") || Ends("ent")
                || (Ends("ion") && _stem > 0 && _word[_stem - 1] is 's' or 't')
                || Ends("ou") || Ends("ism") || Ends("ate") || Ends("iti") || Ends("ous") || Ends("ive") || Ends("ize");
            if (found && Measure() > 1)
            {
                Length = _stem;
            }
        }

        public void Step5()
        {
            _stem = Length;
            if (_word[Length - 1] == 'e')
            {
                _stem = Length - 1;
                var measure = Measure();
                if (measure > 1 || (measure == 1 && !ShortEnd(Length - 1)))
                {
                    Length--;
                }
            }

            _stem = Length;
            if (Length > 1 && _word[Length - 1] == 'l' && DoubleConsonant() && Measure() > 1)
            {
                Length--;
            }
        }

        private readonly bool Consonant(int i) => _word[i] switch
        {
            'a' or 'e' or 'i' or 'o' or 'u' => false,
            'y' => i == 0 || !Consonant(i - 1),
            _ => true,
        };

        /// <summary>The number of vowel-consonant sequences before the suffix found last.</summary>
        private readonly int Measure()
        {
            var measure = 0;
            var vowel = false;
            for (var i = 0; i < _stem; i++)
            {
                if (!Consonant(i))
                {
                    vowel = true;
                }
                else if (vowel)
                {
                    measure++;
                    vowel = false;
                }
            }

            return measure;
        }

        private readonly bool HasVowel(int end)
        {
            for (var i = 0; i < end; i++)
            {
                if (!Consonant(i))
                {
                    return true;
                }
            }

            return false;
        }

        private readonly bool DoubleConsonant() =>
            Length > 1 && _word[Length - 1] == _word[Length - 2] && Consonant(Length - 1);

        /// <summary>Consonant, vowel, consonant at the end, the last not w, x or y: hop, fil.</summary>
        private readonly bool ShortEnd(int end) =>
            end > 2 && Consonant(end - 1) && !Consonant(end - 2) && Consonant(end - 3) && _word[end - 1] is not ('w' or 'x' or 'y');

        private bool Ends(string suffix)
        {
            if (!_word[..Length].EndsWith(suffix))
            {
                return false;
            }

            _stem = Length - suffix.Length;
            return true;
        }

        /// <summary>Whether the suffix is there; it is replaced only behind a stem with a measure.</summary>
        private bool Replace(string suffix, string replacement)
        {
            if (!Ends(suffix))
            {
                return false;
            }

            if (Measure() > 0)
            {
                replacement.CopyTo(_word[_stem..]);
                Length = _stem + replacement.Length;
            }

            return true;
        }
    }
}
