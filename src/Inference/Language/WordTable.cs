using System.Collections.Frozen;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Language;

/// <summary>
/// What is known of English words before any document is seen. It stands in for the statistics of a corpus, which an
/// embedding that must be the same today and tomorrow cannot use: how much a word says about what a text is about, and
/// which words mean nearly the same.
/// </summary>
internal static class WordTable
{
    /// <summary>Words that hold sentences together and say nothing of their subject.</summary>
    private const string Function = """
        a an the this that these those and or but nor so yet if then else than as of at by for with without about against
        between among into through during before after above below to from up down in out on off over under again further
        i you he she it we they me him her us them my your his its our their mine yours hers ours theirs myself yourself
        himself herself itself ourselves themselves who whom whose which what when where why how is am are was were be been
        being do does did doing done have has had having will would shall should can could may might must ought not no
        cannot dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt cant havent hasnt hadnt im ive id
        youre youve theyre weve ill youll itll thats theres whats lets
        there here all any both each few more most other some such only own same too very just also because while until
        upon per via within onto toward towards although though whether either neither however therefore thus hence
        etc eg ie s t d ll re ve m o one ones
        """;

    /// <summary>Words of nearly every text; they tell texts apart a little.</summary>
    private const string Common = """
        people person time times way ways thing things year years day days make makes made making take takes taken took taking
        get gets getting got go goes going went gone come comes coming came know knows known think thinks thought see sees seen saw
        look looks looking want wants wanted need needs needed use uses used using find finds found give gives given gave giving
        tell tells told work works working call called try tries tried ask asks asked feel feels seem seems leave leaves left put puts keep keeps kept
        let begin began show shows shown hear play run move live believe hold bring happen happens write provide provides provided sit stand lose pay
        meet include includes included including continue set learn change changes lead understand watch follow stop create speak read
        allow allows allowed add spend grow open walk win offer offers remember consider considered appear buy wait serve die send expect
        good better best new first last long great little own old right big high different small large next early young important
        bad able well even still now never always often sometimes usually ever really already quite much many lot lots less least
        back every another several enough another something anything nothing everything someone anyone everyone where
        part parts place case cases point points group groups number numbers fact hand week month months problem problems question questions
        world life state area company home side kind kinds type types example examples form forms order level end
        two three four five six seven eight nine ten hundred thousand second third half
        like likely sure yes please thank thanks help helps available certain possible general generally common various similar
        based depending depend depends related according due main major particular specific particularly especially
        give rather since around across along away together however perhaps maybe instead almost yet soon later
        want interested interest information article articles paper papers describe describes described discuss discussed deal deals
        concerning regarding exist exists existing present presented approach approaches method methods result results
        mean means meant say says said talk does doing would man men woman women
        """;

    /// <summary>Words of one meaning, near enough for finding; the first of a line names it.</summary>
    private const string Synonyms = """
        car auto automobile vehicle
        buy purchase acquire
        purchaser buyer
        cost price expense fee charge rate premium expensive
        cheap inexpensive affordable low-cost
        begin start commence initiate
        end finish terminate conclude expire cease
        cancel revoke rescind annul withdraw
        surrender relinquish
        doctor physician medic clinician
        medicine drug medication pharmaceutical prescription
        illness disease sickness ailment disorder
        hospital clinic infirmary
        die death dead deceased decease mortality pass
        kill murder homicide
        suicide self-inflicted
        smoke smoker tobacco cigarette nicotine vaping
        old elderly senior aged
        retire retirement pension superannuation
        job employment occupation work profession career
        worker employee staff
        boss employer
        house home dwelling residence
        tenant renter lessee
        rent lease rental
        child kid minor dependent
        baby infant newborn
        spouse wife husband partner
        marriage marry wedding matrimony
        divorce separation
        parent mother father
        sibling brother sister
        heir beneficiary inheritor
        estate inheritance legacy bequest
        money cash fund funds
        loan borrow lend credit mortgage
        debt owe liability
        pay payment payout remit disburse
        refund reimburse repay reimbursement return
        income earnings salary wage
        tax taxable taxation
        profit gain earn
        loss lose
        save saving savings
        invest investment
        insure insurance assurance coverage cover
        policy contract
        policyholder policyowner owner
        insurer carrier insurance-company underwriter
        claim claimant
        agent broker adviser advisor
        quote estimate quotation
        deny refuse reject decline denial
        accept approve approval acceptance
        allow permit let authorize
        forbid prohibit ban
        need require requirement necessary mandatory compulsory obligatory
        choose select choice selection option pick
        increase raise grow rise
        decrease reduce lower decline drop
        big large huge
        small little tiny
        fast quick rapid speed
        help aid assist assistance support
        show display present
        get obtain receive
        keep retain hold maintain
        give grant supply
        change modify alter amend adjust
        convert conversion exchange switch
        fix repair mend
        build construct make
        examine inspect test exam examination
        check verify validate verification validation
        find locate search look retrieve retrieval
        answer reply response respond
        question query inquiry
        error mistake fault bug
        wrong incorrect
        right correct accurate accuracy
        document file paper text
        book volume
        library librarian
        computer machine processor
        program software code
        programming coding
        algorithm procedure method technique
        language dialect
        compiler translator translation
        memory storage store
        network net
        picture image photo graphic
        student pupil learner
        teacher instructor tutor educator
        school college university
        teach instruct educate education training
        research study investigation
        author writer
        publish publication
        journal periodical magazine
        index indexing catalog
        classify classification categorize category
        information data
        user customer client
        government state federal
        law legal statute legislation
        lawyer attorney solicitor
        court tribunal
        crime criminal felony
        police officer
        war conflict battle
        army military troops
        fight combat
        city town
        country nation
        street road
        river stream
        ship boat vessel
        plane aircraft airplane aeroplane
        flood flooding
        fire blaze
        storm hurricane tornado
        accident crash collision
        injury wound hurt harm
        damage destroy destruction
        disabled disability handicap
        pregnant pregnancy maternity
        tooth dental dentist teeth
        eye vision optical
        cancer tumor tumour
        heart cardiac
        fat obese overweight obesity
        drink alcohol
        rich wealthy affluent
        poor poverty
        date day
        annual yearly year
        monthly month
        weekly week
        maximum max limit ceiling highest
        minimum min lowest
        average mean
        amount sum
        deadline due
        delay late postpone
        period term duration
        renew renewal
        lapse lapsed
        grace free-look cooling-off
        apply application applicant
        qualify eligible eligibility
        complain complaint grievance
        notify notice notification inform
        phone telephone
        mail letter
        """;

    private static readonly FrozenDictionary<ulong, float> Weights = ReadWeights();
    private static readonly FrozenDictionary<ulong, ulong> Meanings = ReadMeanings();

    /// <summary>The hash under which a word's stem is known.</summary>
    public static ulong StemHash(ReadOnlySpan<char> stem) => WordHash.Of(stem, 'w');

    /// <summary>How much a word says about a text's subject: 0 nothing, 1 a word that is not known here.</summary>
    public static float Weight(ReadOnlySpan<char> word) => Weight(WordHash.Of(word, 'f'), word.Length);

    public static bool IsFunctionWord(ReadOnlySpan<char> word) => IsFunctionWeight(Weight(word));

    public static bool IsFunctionWeight(float weight) => weight <= FunctionWeight;

    /// <summary>The hash of what the stem means if it has near-synonyms, otherwise 0.</summary>
    public static ulong Meaning(ulong stemHash) => Meanings.TryGetValue(stemHash, out var meaning) ? meaning : 0;

    private const float FunctionWeight = 0.05f;
    private const float CommonWeight = 0.45f;

    private static float Weight(ulong hash, int length) =>
        Weights.TryGetValue(hash, out var weight)
            ? weight
            : length switch
            {
                1 => 0.3f,
                2 => 0.7f,
                3 => 0.85f,
                4 => 0.9f,
                <= 6 => 1f,
                _ => 1.1f,
            };

    private static FrozenDictionary<ulong, float> ReadWeights()
    {
        var weights = new Dictionary<ulong, float>();
        foreach (var word in Words(Common))
        {
            weights[WordHash.Of(word, 'f')] = CommonWeight;
        }

        foreach (var word in Words(Function))
        {
            weights[WordHash.Of(word, 'f')] = FunctionWeight;
        }

        return weights.ToFrozenDictionary();
    }

    private static FrozenDictionary<ulong, ulong> ReadMeanings()
    {
        var meanings = new Dictionary<ulong, ulong>();
        Span<char> stem = stackalloc char[WordReader.MaxWordLength];
        foreach (var line in Synonyms.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var meaning = WordHash.Of(line.AsSpan(0, line.IndexOf(' ')), 'm');
            foreach (var word in Words(line))
            {
                word.CopyTo(stem);
                var length = PorterStemmer.Stem(stem[..word.Length]);
                meanings.TryAdd(StemHash(stem[..length]), meaning);
            }
        }

        return meanings.ToFrozenDictionary();
    }

    private static string[] Words(string text) =>
        text.Split((char[])[' ', '\n', '\r', '-'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
