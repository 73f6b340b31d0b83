using RagCluster.Configuration.Hocon;
using static RagCluster.Configuration.Tests.Rendering;

namespace RagCluster.Configuration.Tests;

/// <summary>The specification's own examples, and what it leaves to the careful reader.</summary>
public class HoconParserTests
{
    [Theory]
    [InlineData("", "{}")]
    [InlineData("a=1,b=2\nc:3", """{"a":1,"b":2,"c":3}""")]
    [InlineData("a : [1,2,3,]", """{"a":[1,2,3]}""")]
    [InlineData("a = [ 1 2 3 4 ]", """{"a":["1 2 3 4"]}""")]
    [InlineData("a = [ [ 1, 2 ] [ 3, 4 ] ]", """{"a":[[1,2,3,4]]}""")]
    [InlineData("a = [ [ 1, 2 ]\n [ 3, 4 ] ]", """{"a":[[1,2],[3,4]]}""")]
    [InlineData("a : { b : 1 } { c : 2 }", """{"a":{"b":1,"c":2}}""")]
    [InlineData("foo:{a:42}, foo:null, foo:{b:43}", """{"foo":{"b":43}}""")]
    [InlineData("3.14 : 42, true : 1, a b c : 2", """{"3":{"14":42},"a b c":2,"true":1}""")]
    [InlineData("10.0foo : 1, foo\"10.0\" : 2", """{"10":{"0foo":1},"foo10.0":2}""")]
    [InlineData("foo include : 42, b : include, c : [ include ]", """{"b":"include","c":["include"],"foo include":42}""")]
    [InlineData("path : \"a:b\"\npath : ${path}\":d\"", """{"path":"a:b:d"}""")]
    [InlineData("a : [1]\na : ${a} [2]\na += 3", """{"a":[1,2,3]}""")]
    [InlineData("a += b", """{"a":["b"]}""")]
    [InlineData("x { y += 1\n y += 2 }\nx.y += 3", """{"x":{"y":[1,2,3]}}""")]
    [InlineData("l = [ { y += 1, y += 2 } ]", """{"l":[{"y":[1,2]}]}""")]
    [InlineData("a = ${?a}foo", """{"a":"foo"}""")]
    [InlineData("foo : ${?foo}", "{}")]
    [InlineData("foo : ${missing}\nfoo : 42", """{"foo":42}""")]
    [InlineData("foo : { a : { c : 1 } }\nfoo : ${foo.a}\nfoo : { a : 2 }", """{"foo":{"a":2,"c":1}}""")]
    [InlineData("bar : { foo : 42, baz : ${bar.foo} }\nbar : { foo : 43 }", """{"bar":{"baz":43,"foo":43}}""")]
    [InlineData("bar : { a : ${foo.d}, b : 1 }\nbar.b = 3\nfoo : { c : ${bar.b}, d : 2 }\nfoo.d = 4", """{"bar":{"a":4,"b":3},"foo":{"c":3,"d":4}}""")]
    [InlineData("a:1\nb:2\na:${b}\nb:${a}", """{"a":1,"b":1}""")]
    [InlineData("a = { \"1\" : x, \"0\" : y } [ z ]", """{"a":["y","x","z"]}""")]
    [InlineData("a = ${x} ${y}\nx = { p : 1 }\ny = { q : 2 }", """{"a":{"p":1,"q":2},"x":{"p":1},"y":{"q":2}}""")]
    [InlineData("a = ${?u} ${?v}\nb = [ ${?u}, 1 ]", """{"b":[1]}""")]
    [InlineData("a = 1 # x\n// y\nb = c // z", """{"a":1,"b":"c"}""")]
    [InlineData("a\u00a0=\u00a01e+5\r\nb = \uFEFF2\r\n", """{"a":100000,"b":2}""")]
    [InlineData("d = { n : 6 }\ne = ${d} { name : east }", """{"d":{"n":6},"e":{"n":6,"name":"east"}}""")]
    [InlineData("s = ${t}\ns { x.a = 5 }\nt { x.a { c = 1 } }\nu = ${?s.x.a.c}", """{"s":{"x":{"a":5}},"t":{"x":{"a":{"c":1}}}}""")]
    public void Reads_as_the_specification_says(string hocon, string json) => Resolve(hocon).ShouldBe(json);

    [Theory]
    [InlineData("a = [1,,2]", "1:8", "Remove one of the commas")]
    [InlineData("a = [,1]", "1:6", "a value")]
    [InlineData("{ a = 1", "1:8", "'}' for the '{'")]
    [InlineData("a = 1\n}", "2:1", "no '{' is open")]
    [InlineData("a = 1 }", "1:7", "a comma or a new line")]
    [InlineData("a = [1", "1:7", "']'")]
    [InlineData("a..b = 1", "1:3", "a key")]
    [InlineData("a. = 1", "1:4", "a key")]
    [InlineData(".a = 1", "1:1", "a key")]
    [InlineData("a = ", "1:5", "a value")]
    [InlineData("a = \"b\nc\"", "1:7", "closing")]
    [InlineData("a = \"\\q\"", "1:6", "escape")]
    [InlineData("a = \"\"\"b", "1:5", "\"\"\"")]
    [InlineData("a = $b", "1:6", "'{' after '$'")]
    [InlineData("a = ${b", "1:8", "'}'")]
    [InlineData("a = ${b${c}}", "1:8", "'}'")]
    [InlineData("${a} = 1", "1:1", "a key")]
    [InlineData("a = http://x", "1:9", "double quotes")]
    [InlineData("a", "1:2", "after the key a")]
    [InlineData("a = [1] { b = 2 }", "1:9", "all strings, all arrays or all objects")]
    [InlineData("a = ${b}", "1:5", "has no value")]
    [InlineData("a = ${a}", "1:5", "has no value")]
    [InlineData("a : { b : ${a} }", "1:11", "circle")]
    [InlineData("a : [${a}]", "1:6", "circle")]
    [InlineData("a = ${b}\nb = ${c}\nc = ${a}", ":", "has no value")]
    [InlineData("a = 1\na += 2", "2:6", "all arrays")]
    [InlineData("include foo", "1:9", "after include")]
    [InlineData("include url(\"http://x/y\")", "1:9", "Only files")]
    [InlineData("include classpath(\"y\")", "1:9", "Only files")]
    [InlineData("include \"http://x/y\"", "1:9", "Only files")]
    [InlineData("include \"relative.conf\"", "1:1", "absolute path")]
    public void Says_where_and_what_is_wrong(string hocon, string place, string problem)
    {
        var e = Should.Throw<HoconException>(() => new HoconBuilder().AddText(hocon, "x.conf").Resolve());
        e.Message.ShouldStartWith("x.conf:");
        e.Message.ShouldContain(place);
        e.Message.ShouldContain(problem);
    }

    [Fact]
    public void Every_value_knows_where_it_was_written()
    {
        var root = new HoconBuilder().AddText("a {\n  b = 1\n  c = [ 2,\n 3 ]\n}", "first").AddText("a.b = 4", "second").Resolve();
        root.Find("a", "b")!.Origin.ToString().ShouldBe("second:1:7");
        ((HoconArray)root.Find("a", "c")!).Items[1].Origin.ToString().ShouldBe("first:4:2");
    }

    [Fact]
    public void Null_hides_the_environment_and_an_undefined_variable_falls_back()
    {
        Resolve("HOME = null\nx = ${HOME}", _ => "/home").ShouldBe("""{"HOME":null,"x":null}""");
        Resolve("x = ${HOME}", _ => "/home").ShouldBe("""{"x":"/home"}""");
        Resolve("PATH = ${PATH}\":y\"", _ => "/bin").ShouldBe("""{"PATH":"/bin:y"}""");
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a:")]
    [InlineData("[{a=")]
    [InlineData("a.")]
    [InlineData("a{b.c=[")]
    [InlineData("[1] [")]
    public void Deep_nesting_is_refused_and_costs_no_stack(string unit)
    {
        var deep = (unit[0] is '[' or '{' ? "" : "x = 1\n") + string.Concat(Enumerable.Repeat(unit, 100_000));
        Should.Throw<HoconException>(() => new HoconBuilder().AddText(deep).ResolveValue());
    }

    [Fact]
    public void Multiplying_and_nesting_substitutions_are_refused()
    {
        var laughs = "a0 = [1,2,3,4,5,6,7,8,9,10]\n" + Lines(20, i => $"a{i + 1} = [${{a{i}}},${{a{i}}},${{a{i}}},${{a{i}}}]");
        Should.Throw<HoconException>(() => Resolve(laughs)).Message.ShouldContain("at most");
        var text = "a0 = 0123456789\n" + Lines(40, i => $"a{i + 1} = ${{a{i}}}${{a{i}}}");
        Should.Throw<HoconException>(() => Resolve(text)).Message.ShouldContain("at most");
        var chain = "a0 = 1\n" + Lines(10_000, i => $"b{i} = ${{b{i + 1}}}") + "b10000 = 1";
        Should.Throw<HoconException>(() => Resolve(chain)).Message.ShouldContain("at most");
        var nested = "a0 = 1\n" + Lines(10_000, i => $"a{i + 1} = {{ x = ${{a{i}}} }}");
        Should.Throw<HoconException>(() => Resolve(nested)).Message.ShouldContain("at most");
        var appended = Lines(5_000, _ => "a += 1");
        Should.Throw<HoconException>(() => Resolve(appended)).Message.ShouldContain("at most");

        static string Lines(int count, Func<int, string> line) => string.Concat(Enumerable.Range(0, count).Select(i => line(i) + "\n"));
    }

    [Fact]
    public void Files_that_are_too_large_not_text_or_in_a_circle_are_refused()
    {
        using var folder = new TemporaryFolder();
        var binary = folder.Write("binary.conf", [(byte)'a', (byte)'=', (byte)'\n', 0xFF, 0xFE]);
        Should.Throw<HoconException>(() => new HoconBuilder().AddFile(binary)).Message.ShouldContain($"{binary}:2:1: bytes that are not valid UTF-8");
        var large = folder.Write("large.conf", new byte[200]);
        Should.Throw<HoconException>(() => new HoconBuilder(limits: new HoconLimits { MaxBytes = 100 }).AddFile(large)).Message.ShouldContain("at most 100");
        folder.Write("one.conf", "include \"two\""u8);
        folder.Write("two.conf", "a { include required(file(\"one.conf\")) }"u8);
        Should.Throw<HoconException>(() => new HoconBuilder().AddFile(Path.Combine(folder.Path, "one.conf"))).Message.ShouldContain("two.conf");
        var list = folder.Write("list.json", "[1]"u8);
        Should.Throw<HoconException>(() => new HoconBuilder().AddText($"include \"{list}\"").Resolve()).Message.ShouldContain("an object");
        Should.Throw<HoconException>(() => new HoconBuilder().AddText($"include required(\"{folder.Path}/none.conf\")")).Message.ShouldContain("none.conf");
        Should.Throw<HoconException>(() => new HoconBuilder().AddFile(Path.Combine(folder.Path, "none.conf"))).Message.ShouldContain("does not exist");
        new HoconBuilder().AddFile(Path.Combine(folder.Path, "none.conf"), optional: true).Resolve().Keys.ShouldBeEmpty();
    }

    [Fact]
    public void Any_text_is_read_or_refused_with_a_place()
    {
        const string Alphabet = "ab1.-+=:,{}[]$?\"\\# /\n\t\u00a0é^!*e";
        var random = new Random(7);
        var read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                new HoconBuilder().AddText(text).ResolveValue();
                read++;
            }
            catch (HoconException e)
            {
                e.Origin.Line.ShouldBeGreaterThan(0, text);
            }
        }

        read.ShouldBeInRange(500, 19_500);
    }

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("1.5 hours", 5_400_000)]
    [InlineData("250", 250)]
    [InlineData("2 days", 172_800_000)]
    [InlineData("10 S", null)]
    [InlineData("ten s", null)]
    [InlineData("99999999999999d", null)]
    public void Durations(string text, int? milliseconds) => HoconUnits.ParseDuration(text).ShouldBe(milliseconds is { } ms ? TimeSpan.FromMilliseconds(ms) : null);

    [Theory]
    [InlineData("64K", 65_536L)]
    [InlineData("64kB", 64_000L)]
    [InlineData("1.5 MiB", 1_572_864L)]
    [InlineData("7", 7L)]
    [InlineData("-1", null)]
    [InlineData("1 Kb", null)]
    public void Sizes(string text, long? bytes) => ((long?)HoconUnits.ParseSize(text)).ShouldBe(bytes);
}
