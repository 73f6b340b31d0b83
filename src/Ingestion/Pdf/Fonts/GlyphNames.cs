using System.Globalization;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>
/// From glyph names to text: the names of the Adobe Glyph List that Latin, Greek and Cyrillic documents use, and the
/// rules of the AGL specification ("uni0041", "u1F600", "f_i", "a.sc").
/// </summary>
internal static class GlyphNames
{
    private static readonly Dictionary<string, string> Names = Build();

    /// <summary>The text that a glyph of this name shows; null where the name says nothing ("g12", "cid34").</summary>
    public static string? Text(string name)
    {
        if (Names.TryGetValue(name, out var known))
        {
            return known;
        }

        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0)
        {
            return Text(name[..dot]);
        }

        if (name.Contains('_', StringComparison.Ordinal) && name.Length > 2)
        {
            var parts = name.Split('_', StringSplitOptions.RemoveEmptyEntries);
            return parts.Length is > 1 and < 8 && parts.All(p => p.Length < name.Length) && parts.Select(Text).ToArray() is var texts && texts.All(t => t is not null) ? string.Concat(texts) : null;
        }

        return name.Length switch
        {
            1 => name,
            >= 7 when name.StartsWith("uni", StringComparison.Ordinal) => Hex(name[3..], 4),
            >= 5 and <= 7 when name[0] == 'u' => Hex(name[1..], name.Length - 1),
            9 when name.StartsWith("afii", StringComparison.Ordinal) => Cyrillic(name),
            _ => null,
        };
    }

    private static string? Hex(string digits, int group)
    {
        var text = "";
        for (var i = 0; i + group <= digits.Length; i += group)
        {
            if (!int.TryParse(digits.AsSpan(i, group), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || !System.Text.Rune.IsValid(code))
            {
                return null;
            }

            text += char.ConvertFromUtf32(code);
        }

        return text.Length > 0 ? text : null;
    }

    private static string? Cyrillic(string name) =>
        !int.TryParse(name.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? null : n switch
        {
            >= 10017 and <= 10022 => ((char)(0x410 + n - 10017)).ToString(),
            10023 => "\u0401",
            >= 10024 and <= 10049 => ((char)(0x416 + n - 10024)).ToString(),
            >= 10065 and <= 10070 => ((char)(0x430 + n - 10065)).ToString(),
            10071 => "\u0451",
            >= 10072 and <= 10097 => ((char)(0x436 + n - 10072)).ToString(),
            _ => null,
        };

    private static Dictionary<string, string> Build()
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var pairs = (
            "space exclam ! quotedbl \" numbersign # dollar $ percent % ampersand & quotesingle ' parenleft ( parenright ) asterisk * plus + comma , hyphen - period . slash / "
            + "zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 colon : semicolon ; less < equal = greater > question ? at @ bracketleft [ backslash \\ bracketright ] "
            + "asciicircum ^ underscore _ grave ` braceleft { bar | braceright } asciitilde ~ exclamdown ¡ cent ¢ sterling £ currency ¤ yen ¥ brokenbar ¦ section § dieresis ¨ copyright © "
            + "ordfeminine ª guillemotleft « logicalnot ¬ registered ® macron ¯ degree ° plusminus ± twosuperior ² threesuperior ³ acute ´ mu µ paragraph ¶ periodcentered · cedilla ¸ "
            + "onesuperior ¹ ordmasculine º guillemotright » onequarter ¼ onehalf ½ threequarters ¾ questiondown ¿ AE Æ Eth Ð multiply × Oslash Ø Thorn Þ germandbls ß ae æ eth ð divide ÷ oslash ø thorn þ "
            + "dotlessi ı lslash ł Lslash Ł OE Œ oe œ florin ƒ circumflex ˆ caron ˇ breve ˘ dotaccent ˙ ring ˚ ogonek ˛ tilde ˜ hungarumlaut ˝ dcroat đ Dcroat Đ hbar ħ Hbar Ħ eng ŋ Eng Ŋ kgreenlandic ĸ "
            + "quoteleft ‘ quoteright ’ quotesinglbase ‚ quotedblleft “ quotedblright ” quotedblbase „ dagger † daggerdbl ‡ bullet • ellipsis … perthousand ‰ guilsinglleft ‹ guilsinglright › "
            + "endash – emdash — fraction ⁄ Euro € trademark ™ minus − fi fi fl fl ff ff ffi ffi ffl ffl IJ Ĳ ij ĳ "
            + "Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ Omicron Ο Pi Π Rho Ρ Sigma Σ Tau Τ Upsilon Υ Phi Φ Chi Χ Psi Ψ Omega Ω "
            + "alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ nu ν xi ξ omicron ο pi π rho ρ sigma σ sigma1 ς tau τ upsilon υ phi φ chi χ psi ψ omega ω "
            + "theta1 ϑ phi1 ϕ omega1 ϖ partialdiff ∂ infinity ∞ integral ∫ summation ∑ product ∏ radical √ approxequal ≈ notequal ≠ lessequal ≤ greaterequal ≥ element ∈ notelement ∉ emptyset ∅ "
            + "arrowleft ← arrowup ↑ arrowright → arrowdown ↓ arrowboth ↔ arrowdblright ⇒ arrowdblleft ⇐ arrowdblboth ⇔ universal ∀ existential ∃ gradient ∇ similar ∼ congruent ≅ equivalence ≡ "
            + "proportional ∝ angle ∠ logicaland ∧ logicalor ∨ intersection ∩ union ∪ propersubset ⊂ propersuperset ⊃ reflexsubset ⊆ reflexsuperset ⊇ therefore ∴ perpendicular ⊥ suchthat ∋ "
            + "asteriskmath ∗ dotmath ⋅ circlemultiply ⊗ circleplus ⊕ lozenge ◊ spade ♠ club ♣ heart ♥ diamond ♦ weierstrass ℘ aleph ℵ Ifraktur ℑ Rfraktur ℜ prime ′ minute ′ second ″ "
            + "checkmark ✓ a20 ✔ a19 ✓ a71 ● a73 ■ H18533 ■ H22073 □ square □ circle ○ triangleright ▷ openbullet ◦ estimated ℮ numero № bardbl ‖ "
            + "parenleftbig ( parenrightbig ) nbspace softhyphen - sfthyphen - middot · commaaccent , overscore ¯ Zcaron Ž zcaron ž").Split(' ');
        names["space"] = " ";
        for (var i = 1; i + 1 < pairs.Length; i += 2)
        {
            // A no-break space has no sign of its own to write in the list.
            if (pairs[i] == "nbspace")
            {
                names["nbspace"] = " ";
                i--;
                continue;
            }

            names[pairs[i]] = pairs[i + 1];
        }

        foreach (var (accent, letters) in (ReadOnlySpan<(string, string)>)
        [
            ("acute", "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzź"),
            ("grave", "AÀEÈIÌOÒUÙaàeèiìoòuù"),
            ("circumflex", "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷ"),
            ("dieresis", "AÄEËIÏOÖUÜYŸaäeëiïoöuüyÿ"),
            ("tilde", "AÃNÑOÕaãnñoõIĨiĩUŨuũ"),
            ("ring", "AÅaåUŮuů"),
            ("cedilla", "CÇcçSŞsşTŢtţ"),
            ("caron", "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzž"),
            ("ogonek", "AĄaąEĘeęIĮiįUŲuų"),
            ("macron", "AĀaāEĒeēIĪiīOŌoōUŪuū"),
            ("breve", "AĂaăGĞgğUŬuŭ"),
            ("dotaccent", "CĊcċEĖeėGĠgġIİZŻzż"),
            ("hungarumlaut", "OŐoőUŰuű"),
            ("commaaccent", "GĢgģKĶkķLĻlļNŅnņRŖrŗSȘsșTȚtț"),
        ])
        {
            for (var i = 0; i < letters.Length; i += 2)
            {
                names[letters[i] + accent] = letters[i + 1].ToString();
            }
        }

        foreach (var (number, word) in ((int, string)[])[(0, "zero"), (1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six"), (7, "seven"), (8, "eight"), (9, "nine")])
        {
            var digit = number.ToString(CultureInfo.InvariantCulture);
            foreach (var style in (string[])["oldstyle", "inferior", "lining", "tab"])
            {
                names.TryAdd(word + style, digit);
            }

            names.TryAdd(word + "superior", digit);
        }

        return names;
    }
}
