using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Highlighting;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Tests.Analysis;

/// <summary>A text that is taken for another language loses its words; a query must find them however they were read.</summary>
public class LanguageTests
{
    private const string German =
        "Die Kündigung muss schriftlich erfolgen. Wenn Sie Ihre Versicherungen vor Ablauf des Vertrages kündigen, wird der Rückkaufswert nach den Bedingungen ausgezahlt.";

    private const string English =
        "The notice must be given in writing. If you surrender your policies before the end of the term, the surrender value is paid as the conditions say.";

    [Theory]
    [InlineData(Language.German, German)]
    [InlineData(Language.English, English)]
    [InlineData(Language.English, "How do I change the beneficiary of my life insurance?")]
    [InlineData(Language.English, "Life insurance pays when the insured dies. Die Hard is a film.")]
    [InlineData(Language.German, "Was kostet es, wenn ich den Vertrag nicht mehr bezahlen kann?")]
    [InlineData(Language.French, "Le contrat prend fin lorsque l'assuré ne paie pas la prime dans les trente jours qui suivent l'échéance.")]
    [InlineData(Language.Spanish, "El seguro paga la suma cuando el asegurado muere, si las primas se han pagado hasta ese día y no hay exclusiones.")]
    [InlineData(Language.Italian, "Il contratto termina quando l'assicurato non paga il premio entro i trenta giorni che seguono la scadenza della rata.")]
    [InlineData(Language.Portuguese, "O seguro paga a quantia quando o segurado morre, se os prémios foram pagos até esse dia e não há exclusões.")]
    [InlineData(Language.Dutch, "De verzekering keert het bedrag uit als de verzekerde overlijdt en de premies tot die dag zijn betaald, maar niet bij fraude.")]
    [InlineData(Language.Swedish, "Försäkringen betalar beloppet när den försäkrade dör, om premierna har betalats till den dagen och det inte är fråga om bedrägeri.")]
    [InlineData(Language.Danish, "Forsikringen udbetaler beløbet, når den forsikrede dør, hvis præmierne er blevet betalt indtil den dag, og der ikke er tale om svig af nogen art.")]
    [InlineData(Language.Norwegian, "Forsikringen utbetaler beløpet når den forsikrede dør, hvis premiene har blitt betalt til den dagen, og det ikke er noe svik fra noen etter avtalen.")]
    [InlineData(Language.Finnish, "Vakuutus maksaa summan, kun vakuutettu kuolee, jos maksut on maksettu siihen päivään asti eikä kyse ole petoksesta, mutta ei muuten.")]
    [InlineData(Language.Polish, "Ubezpieczenie wypłaca sumę, gdy ubezpieczony umrze, jeżeli składki są opłacone do tego dnia i nie ma wyłączeń, które się do tego odnoszą.")]
    [InlineData(Language.Other, "Страхование выплачивает сумму, если застрахованный умер и взносы уплачены.")]
    [InlineData(Language.Unknown, "")]
    [InlineData(Language.Unknown, "LF-2041-B  1,250.50  Müller GmbH  Hamburg")]
    [InlineData(Language.Unknown, "Glossary")]
    [InlineData(Language.Unknown, "Algol 60 procedure matrix inversion Gauss elimination")]
    public void The_language_of_running_text_is_known(Language expected, string text) => LanguageDetector.Detect(text).ShouldBe(expected);

    /// <summary>As the Snowball project's own program stems them.</summary>
    [Fact]
    public void German_stems_are_those_of_Snowball()
    {
        const string Pairs = """
            versicherungen:versicher kundigung:kundig gekundigt:gekundigt hauser:haus freundlichkeit:freundlich aufeinander:aufeinand
            schlussel:schlussel massigkeit:massig beitragsruckerstattung:beitragsruckerstatt leistungen:leistung vertrage:vertrag
            vertrages:vertrag vertragen:vertrag pramie:prami pramien:prami ereignisse:ereignis ereignis:ereignis kenntnisse:kenntnis
            verstandnisses:verstandnis arbeitslosigkeit:arbeitslos arbeiten:arbeit gearbeitet:gearbeitet schonsten:schon schonste:schon
            schoner:schon lieblichkeit:lieblich lieblich:lieblich heiterkeit:heiter verheiratet:verheiratet krankheiten:krankheit
            freiheit:freiheit richtigkeit:richtig bedeutend:bedeut bedeutung:bedeut reinigung:reinig einigung:einig steinig:steinig
            kritik:kritik logik:logik politische:polit politisch:polit kindisch:kindisch englischen:englisch feuer:feu treue:treu bauern:bau
            bayern:bay teuer:teu eule:eul freuen:freu zahlst:zahl zahltest:zahlt gehst:gehst ist:ist ernst:ernst herbst:herb lampe:lamp
            boot:boot boots:boot hofs:hof tags:tag kinder:kind kindern:kind jahrliche:jahrlich jahrlichen:jahrlich monatlich:monat
            monatliche:monat ubertragbarkeit:ubertragbar risiken:risik gefahrdung:gefahrd notig:notig zustandig:zustand zustandigkeit:zustand
            begunstigten:begunstigt begunstigter:begunstigt bezugsberechtigten:bezugsberechtigt auszahlung:auszahl
            ruckkaufswert:ruckkaufswert ruckkaufswerte:ruckkaufswert uberschussbeteiligung:uberschussbeteil y:y ja:ja ei:ei am:am
            steuererklarung:steuererklar
            """;
        foreach (var pair in Pairs.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split(':')))
        {
            var word = pair[0].ToCharArray();
            new string(word, 0, GermanStemmer.Stem(word)).ShouldBe(pair[1], pair[0]);
        }
    }

    [Theory]
    [InlineData("Kündigung der Versicherung", "de")]
    [InlineData("gekündigte Verträge Versicherung", "de")]
    [InlineData("Wann wird die Versicherung ausgezahlt?", "de")]
    [InlineData("surrendering a policy", "en")]
    [InlineData("When will a policy die?", "en")]
    [InlineData("assuré contrat", "fr")]
    [InlineData("LF-2041-B", "de fr en")]
    public void A_query_finds_its_words_in_texts_of_its_language(string query, string expected)
    {
        var found = Find(Index(), query);
        found.ShouldBe(expected.Split(' '), ignoreOrder: true);
    }

    [Theory]
    [InlineData("+Versicherung", "de")]
    [InlineData("\"Ablauf des Vertrages\"", "de")]
    [InlineData("\"Ablauf eines Vertrags\"", "de")]
    [InlineData("+policies -surrender", "")]
    [InlineData("versich*", "de")]
    [InlineData("+versichr~", "de")]
    [InlineData("+assuré -surrender", "fr")]
    public void Operators_do_so_too(string query, string expected) =>
        Find(Index(), query, QuerySyntax.Operators).ShouldBe(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), ignoreOrder: true);

    [Fact]
    public void Where_there_are_english_texts_alone_scores_are_those_of_the_english_analyzer()
    {
        var (auto, english) = (new PartitionIndex(new IndexOptions { Analyzer = Analyzer.Auto }), new PartitionIndex());
        foreach (var index in new[] { auto, english })
        {
            index.Apply(Samples.Indexed("a", 1, "Times", English));
            index.Apply(Samples.Indexed("b", 1, "Tim", "Tim reads the times of the policies and says nothing of the others."));
        }

        foreach (var query in new[] { "times of the policies", "what does Tim say", "die", "surrender value" })
        {
            Scores(auto, query).ShouldBe(Scores(english, query), query);
        }
    }

    [Fact]
    public void Fields_have_analyzers_of_their_own_and_the_index_says_which()
    {
        var analyzer = Analyzer.PerField(Analyzer.Auto, Analyzer.Simple, Analyzer.English);
        analyzer.Id.ShouldBe($"body={Analyzer.Auto.Id};title=simple-1;headings=english-1");
        Analyzer.PerField(Analyzer.English, Analyzer.English, Analyzer.English).ShouldBeSameAs(Analyzer.English);
        var index = new PartitionIndex(new IndexOptions { Analyzer = analyzer });
        index.Apply(Samples.Indexed("x", 1, "Policies Now", "Nothing here is about the matter of the title, and that is as it is."));
        Find(index, "policies").ShouldBe(["x"]);
        Find(index, "policy").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Versicherung kündigen", QuerySyntax.Plain, German, "Kündigung|Versicherungen|kündigen")]
    [InlineData("policy", QuerySyntax.Plain, English, "policies")]
    [InlineData("surr* conditon~2", QuerySyntax.Operators, English, "surrender|surrender|conditions")]
    [InlineData("+polic* -value", QuerySyntax.Operators, English, "policies")]
    [InlineData("versich*", QuerySyntax.Operators, German, "Versicherungen")]
    public void What_was_found_is_shown(string query, QuerySyntax syntax, string text, string expected) =>
        string.Join('|', new Highlighter(query, syntax).Matches(text).Select(m => text[m.Start..m.End])).ShouldBe(expected);

    private static PartitionIndex Index()
    {
        var index = new PartitionIndex(new IndexOptions { Analyzer = Analyzer.Auto });
        index.Apply(Samples.Indexed("de", 1, "Bedingungen", German + " Siehe LF-2041-B."));
        index.Apply(Samples.Indexed("en", 1, "Conditions", English + " See LF-2041-B."));
        index.Apply(Samples.Indexed("fr", 1, "Conditions", "Le contrat prend fin lorsque l'assuré ne paie pas la prime dans les trente jours. Voir LF-2041-B."));
        return index;
    }

    private static IEnumerable<string> Find(PartitionIndex index, string query, QuerySyntax syntax = QuerySyntax.Plain)
    {
        var terms = index.Reader.Statistics(new CountTerms(query) { Syntax = syntax });
        return index.Reader.Find(new FindPassages(query, null, terms, RoleSet.Empty, SearchFilter.None, 10) { Syntax = syntax }).Lexical.Select(p => p.Passage.Document.Value);
    }

    private static IReadOnlyList<(string, double)> Scores(PartitionIndex index, string query) =>
        [.. index.Reader.Find(query, null, index.Reader.Statistics(query), RoleSet.Empty, SearchFilter.None, 10).Lexical.Select(p => (p.Passage.Document.Value, p.Score))];
}
