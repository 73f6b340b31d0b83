namespace RagCluster.Messages.Text;

/// <summary>
/// The original stemmer of M. F. Porter ("An algorithm for suffix stripping", 1980) as the Snowball project states it,
/// in place and without allocating. The embedded models use it; the index stems English text by its successor, Porter2.
/// Source: https://snowballstem.org/algorithms/porter/stemmer.html. Tested word by word against Snowball's vocabulary.
/// </summary>
public static class PorterStemmer
{
    /// <summary>Replaces the word, in lower case, with its stem and returns the stem's length, which is never greater.</summary>
    public static int Stem(Span<char> word)
    {
        var w = new Word(word);
        return w.Run();
    }

    private ref struct Word(Span<char> text)
    {
        private readonly Span<char> _text = text;
        private int _length = text.Length;
        private int _r1;
        private int _r2;

        private readonly Span<char> Text => _text[.._length];

        public int Run()
        {
            for (var i = 0; i < _length; i++)
            {
                if (_text[i] == 'y' && (i == 0 || IsVowel(_text[i - 1])))
                {
                    _text[i] = 'Y';
                }
            }

            _r1 = RegionAfter(0);
            _r2 = RegionAfter(_r1);
            Step1A();
            Step1B();
            if (_length > 0 && _text[_length - 1] is 'y' or 'Y' && HasVowel(_length - 1))
            {
                _text[_length - 1] = 'i';
            }

            Step2();
            Step3();
            Step4();
            Step5();
            Text.Replace('Y', 'y');
            return _length;
        }

        private void Step1A()
        {
            if (Text.EndsWith("sses") || Text.EndsWith("ies"))
            {
                _length -= 2;
            }
            else if (Text.EndsWith("s") && !Text.EndsWith("ss"))
            {
                _length--;
            }
        }

        private void Step1B()
        {
            if (Text.EndsWith("eed"))
            {
                _length -= _length - 3 >= _r1 ? 1 : 0;
                return;
            }

            var cut = Text.EndsWith("ing") ? 3 : Text.EndsWith("ed") ? 2 : 0;
            if (cut == 0 || !HasVowel(_length - cut))
            {
                return;
            }

            _length -= cut;
            if (Text.EndsWith("at") || Text.EndsWith("bl") || Text.EndsWith("iz"))
            {
                _text[_length++] = 'e';
            }
            else if (_length >= 2 && _text[_length - 1] == _text[_length - 2] && "bdfgmnprt".Contains(_text[_length - 1]))
            {
                _length--;
            }
            else if (_length == _r1 && EndsInShortSyllable(_length))
            {
                _text[_length++] = 'e';
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
                case [.., 'e', 'l', 'i']: Replace(3, "e"); break;
                case [.., 'i', 'v', 'i', 't', 'i']: Replace(5, "ive"); break;
                case [.., 'b', 'i', 'l', 'i', 't', 'i']: Replace(6, "ble"); break;
            }
        }

        private void Step3()
        {
            switch (Text)
            {
                case [.., 'a', 'l', 'i', 'z', 'e']: Replace(5, "al"); break;
                case [.., 'i', 'c', 'a', 't', 'e'] or [.., 'i', 'c', 'i', 't', 'i']: Replace(5, "ic"); break;
                case [.., 'i', 'c', 'a', 'l']: Replace(4, "ic"); break;
                case [.., 'a', 't', 'i', 'v', 'e']: Replace(5, ""); break;
                case [.., 'n', 'e', 's', 's']: Replace(4, ""); break;
                case [.., 'f', 'u', 'l']: Replace(3, ""); break;
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
                [.., 'a', 'l'] or [.., 'e', 'r'] or [.., 'i', 'c'] or [.., 'o', 'u'] => 2,
                _ => 0,
            };
            if (suffix > 0 && _length - suffix >= _r2)
            {
                _length -= suffix;
            }
        }

        private void Step5()
        {
            if (Text.EndsWith("e") && (_length - 1 >= _r2 || (_length - 1 >= _r1 && !EndsInShortSyllable(_length - 1))))
            {
                _length--;
            }

            if (Text.EndsWith("ll") && _length - 1 >= _r2)
            {
                _length--;
            }
        }

        private void Replace(int suffix, string ending)
        {
            if (_length - suffix >= _r1)
            {
                ending.CopyTo(_text[(_length - suffix)..]);
                _length += ending.Length - suffix;
            }
        }

        private readonly int RegionAfter(int from)
        {
            for (var i = from + 1; i < _length; i++)
            {
                if (!IsVowel(_text[i]) && IsVowel(_text[i - 1]))
                {
                    return i + 1;
                }
            }

            return _length;
        }

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

        /// <summary>Non-vowel, vowel, and a non-vowel other than w, x, Y.</summary>
        private readonly bool EndsInShortSyllable(int end) =>
            end >= 3 && !IsVowel(_text[end - 3]) && IsVowel(_text[end - 2]) && !IsVowel(_text[end - 1]) && _text[end - 1] is not ('w' or 'x' or 'Y');

        private static bool IsVowel(char c) => c is 'a' or 'e' or 'i' or 'o' or 'u' or 'y';
    }
}
