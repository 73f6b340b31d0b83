using System.Collections.Frozen;

namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// The most frequent words of each language that carry no subject: articles, pronouns, prepositions, conjunctions,
/// auxiliaries. By them a language is known, and in its texts they are not indexed. Folded as terms are: in lower case
/// and without diacritics.
/// </summary>
internal static class FunctionWords
{
    /// <summary>Those of English are <see cref="StopWords.English"/>.</summary>
    private static readonly (Language Language, string Words)[] Lists =
    [
        (Language.German, """
            der die das den dem des ein eine einer eines einem einen und oder aber als auch auf aus bei bis da damit dann dass dazu
            denn dessen dich dir doch du durch er es euch euer fur gegen hat hatte hatten haben habe hier ich ihm ihn ihnen ihr ihre
            ihrem ihren ihrer ihres im in ins ist ja jede jedem jeden jeder jedes jene kann kein keine keinem keinen keiner konnen
            konnte man manche mein meine meinem meinen meiner mich mir mit muss mussen nach nicht nichts noch nun nur ob ohne sehr
            sein seine seinem seinen seiner seines seit sich sie sind so solche soll sollen sollte sondern sonst uber um uns unser
            unsere unter vom von vor wahrend wann war waren warum was wegen weil welche welchem welchen welcher welches wenn wer
            werde werden wie wieder will wir wird wo wurde wurden zu zum zur zwar zwischen wurden diese diesem diesen dieser dieses an
            am alle allem allen aller alles andere anderen anderer ander bin bist sowie bzw beim ihnen jedoch falls sofern
            """),
        (Language.French, """
            le la les un une des du de et ou mais donc car ni que qui quoi dont ce cet cette ces se sa son ses leur leurs notre
            nos votre vos mon ma mes ton ta tes je tu il elle on nous vous ils elles lui eux y en au aux avec dans par pour sans sous
            sur vers chez entre est sont etait etaient ete etre suis es sommes etes sera seront serait a ai as avons avez ont avait
            avaient avoir fait ne pas plus si comme quand lorsque puis aussi meme tout toute tous toutes quel quelle quels quelles
            depuis pendant apres avant tres cela ceci peut doit afin ainsi
            """),
        (Language.Spanish, """
            el la los las un una unos unas y e o u pero sino de del al a en con sin por para sobre entre desde hasta segun que quien
            quienes cual cuales cuyo cuando donde como se su sus lo le les me te nos mi mis tu tus nuestro nuestra nuestros yo el ella
            ellos ellas usted ustedes es son era eran fue fueron ser sido esta estan estaba estar ha han habia haber hay tiene tienen
            no ni si ya mas muy tambien porque este esta estos estas ese esa esos esas aquel todo toda todos todas otro otra otros
            puede pueden sera debe durante tras ante contra cada
            """),
        (Language.Italian, """
            il lo la i gli le un uno una e ed o ma di del dello della dei degli delle a al allo alla ai agli alle da dal dalla dai
            dalle in nel nello nella nei negli nelle con su sul sulla sui sulle per tra fra che chi cui quale quali quando dove come
            non piu anche se si ci vi ne mi ti lui lei loro noi voi io suo sua suoi sue mio mia nostro nostra questo questa questi
            queste quello quella quelli e sono era erano essere stato stata stati state ha hanno aveva avere ho abbiamo puo possono
            deve devono sara ogni tutto tutti tutte molto perche dopo prima senza
            """),
        (Language.Portuguese, """
            o a os as um uma uns umas e ou mas de do da dos das em no na nos nas por pelo pela pelos pelas para com sem sobre entre
            ate desde que quem qual quais cujo quando onde como se seu sua seus suas lhe lhes me te nos meu minha nosso nossa eu tu
            ele ela eles elas voce voces e sao era eram foi foram ser sido esta estao estava estar ha tem tem tinha ter nao nem ja
            mais muito tambem porque este esta estes estas esse essa esses essas isto isso aquele todo toda todos todas outro outra
            pode podem deve sera ao aos durante apos cada foi
            """),
        (Language.Dutch, """
            de het een en of maar want dus van voor door met zonder naar in op aan bij uit over onder tot tegen tussen na om te dat
            die dit deze wie wat welke waar wanneer hoe waarom er hier daar ik jij je u hij zij ze wij we jullie hem haar hen hun mij
            mijn jouw uw zijn onze ons is was waren ben bent wordt worden werd werden heeft hebben had hadden heb kan kunnen kon moet
            moeten mag zal zullen zou zouden niet geen ook nog al wel dan als toen zo meer veel alle andere ander deze daarom omdat
            zich tijdens indien
            """),
        (Language.Swedish, """
            och att det som en ett den de i pa av for med till fran om vid under over efter utan mot mellan eller men sa inte jag du
            han hon vi ni dem honom henne min mitt mina din ditt dina sin sitt sina hans hennes deras var vart vara ar blir blev
            bli har hade ha kan kunde ska skulle maste vill nar vad vem vilken vilket vilka dar har detta denna dessa alla allt andra
            sig oss ej an aven bara mycket nagon nagot nagra ingen inget efter sedan
            """),
        (Language.Danish, """
            og at det som en et den de i pa af for med til fra om ved under over efter uden mod mellem eller men sa ikke jeg du han
            hun vi dem ham hende min mit mine din dit dine sin sit sine hans hendes deres var er blev bliver blive har havde have kan
            kunne skal skulle ma vil ville nar hvad hvem hvilken hvilket hvilke der her dette denne disse alle alt andre anden sig os
            ogsa kun meget nogen noget nogle ingen intet efter siden hvor hvordan hvorfor vaere vaeret fordi
            """),
        (Language.Norwegian, """
            og a det som en et ei den de i pa av for med til fra om ved under over etter uten mot mellom eller men sa ikke jeg du han
            hun vi dere dem ham henne min mitt mine din ditt dine sin sitt sine hans hennes deres var er ble blir bli har hadde ha kan
            kunne skal skulle ma vil ville nar hva hvem hvilken hvilket hvilke der her dette denne disse alle alt andre annen seg oss
            ogsa bare mye noen noe ingen etter siden hvor hvordan hvorfor vaere vaert fordi
            """),
        (Language.Finnish, """
            ja tai mutta vaan etta jos kun koska kuin niin myos ei en et emme ette eivat on ovat oli olivat olla ollut ole olen olet
            olemme se ne han he me te mina sina tama nama tuo nuo joka jotka mika mitka kuka missa mista mihin milloin miten miksi
            sen sita niiden niita hanen heidan minun sinun meidan teidan taman tassa tata siita siina sille ovat olisi voi voivat
            pitaa kanssa ilman ennen jalkeen alla paalla yli kaikki kaikkien muut muu itse viela vain jo nyt hyvin
            """),
        (Language.Polish, """
            i a oraz lub albo ale lecz wiec ze zeby aby jesli jezeli gdy kiedy poniewaz jak jako niz w we z ze na do od dla po przez
            przed za pod nad przy o u bez miedzy nie tak tez takze to ten ta te tego tej tym tych temu ktory ktora ktore ktorego
            ktorej ktorych ktorym co kto gdzie dlaczego jest sa byl byla bylo byly byc bedzie beda ma maja mial moze moga mozna on
            ona ono oni one jego jej ich im mu go sie siebie swoj swoje swoich ja ty my wy moj nasz wasz juz jeszcze tylko bardzo
            wszystkie wszystko kazdy inne innych
            """),
    ];

    private static readonly Dictionary<Language, FrozenSet<string>> Sets = Lists.ToDictionary(
        list => list.Language, list => list.Words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal));

    /// <summary>By word a bit for each language that has it, at the language's number.</summary>
    public static FrozenDictionary<string, int> Languages { get; } = Sets.Append(KeyValuePair.Create(Language.English, StopWords.English))
        .SelectMany(set => set.Value.Select(word => (Word: word, Bit: 1 << (int)set.Key)))
        .GroupBy(pair => pair.Word, StringComparer.Ordinal)
        .ToFrozenDictionary(word => word.Key, word => word.Aggregate(0, (bits, pair) => bits | pair.Bit), StringComparer.Ordinal);

    public static FrozenSet<string> Of(Language language) => language == Language.English ? StopWords.English : Sets[language];
}
