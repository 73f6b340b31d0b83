using System.Text;
using System.Text.Json;
using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration.Tests;

/// <summary>
/// The file-based tests that the HOCON specification's own implementation is held to, and the JSON parsing test suite.
/// A configuration that other tools read in one way must not mean something else here.
/// </summary>
public class HoconVectorTests
{
    private static string Vector(string name) => Path.Combine(SharedData.Folder("vectors/hocon"), name);

    private static HoconObject Load(string name, Func<string, string?>? environment = null) =>
        new HoconBuilder(environment).AddFile(Vector(name)).Resolve();

    private static string? Text(HoconObject root, params string[] path) => (root.Find(path) as HoconScalar)?.Text;

    [Fact]
    public void Equivalent_files_give_the_same_values()
    {
        var compared = 0;
        foreach (var folder in Directory.EnumerateDirectories(Vector(""), "equiv*"))
        {
            using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "original.json")));
            foreach (var file in Directory.EnumerateFiles(folder))
            {
                Rendering.Json(new HoconBuilder().AddFile(file).Resolve()).ShouldBe(Rendering.Json(expected.RootElement), file);
                compared++;
            }
        }

        compared.ShouldBeGreaterThan(15);
    }

    [Fact]
    public void Every_file_resolves_except_those_that_need_another_or_are_wrong()
    {
        var refused = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Vector(""), "*.conf", SearchOption.AllDirectories))
        {
            try
            {
                new HoconBuilder().AddFile(file).Resolve();
            }
            catch (HoconException)
            {
                refused.Add(Path.GetFileName(file));
            }
        }

        refused.Order().ShouldBe(["cycle.conf", "test03-included.conf", "test13-reference-bad-substitutions.conf"]);
    }

    [Fact]
    public void Test01_reads_every_kind_of_value()
    {
        var root = Load("test01.conf", name => name == "HOME" ? "/home/x" : null);
        Text(root, "ints", "fortyTwoAgain").ShouldBe("42");
        Text(root, "floats", "pointThirtyThreeAgain").ShouldBe(".33");
        Text(root, "strings", "abcdAgain").ShouldBe("abcd");
        Text(root, "strings", "concatenated").ShouldBe("null bar 42 baz true 3.14 hi");
        Rendering.Json(root.Find("arrays", "ofArray")!).ShouldBe("""[["a","b","c"],["a","b","c"],["a","b","c"]]""");
        ((HoconArray)root.Find("arrays", "ofObject")!).Items.Count.ShouldBe(3);
        Rendering.Json(root.Find("nulls")!).ShouldBe("""{"null":null,"nullAgain":null}""");
        Text(root, "system", "home").ShouldBe("/home/x");
        root.Find("system", "not_here").ShouldBeNull();
        Text(root, "system", "concatenated").ShouldBe("Your Java version is  and your user.home is ");
        HoconUnits.ParseDuration(Text(root, "durations", "halfSecond")!).ShouldBe(TimeSpan.FromMilliseconds(500));
        HoconUnits.ParseDuration(Text(root, "durations", "secondAsNumber")!).ShouldBe(TimeSpan.FromSeconds(1));
        HoconUnits.ParseDuration(Text(root, "durations", "millis")!).ShouldBe(TimeSpan.FromMilliseconds(1));
        HoconUnits.ParseDuration(Text(root, "durations", "micros")!).ShouldBe(TimeSpan.FromMilliseconds(2));
        HoconUnits.ParseDuration(Text(root, "durations", "largeNanos")!).ShouldBe(new TimeSpan(48789553554352722));
        HoconUnits.ParseDuration(Text(root, "durations", "plusLargeNanos")!).ShouldBe(new TimeSpan(48789553554352722));
        HoconUnits.ParseDuration(Text(root, "durations", "minusLargeNanos")!).ShouldBe(new TimeSpan(-48789553554352722));
        ((HoconArray)root.Find("durations", "secondsList")!).Items.Select(item => HoconUnits.ParseDuration(((HoconScalar)item).Text)!.Value.TotalSeconds).ShouldBe([1, 2, 3, 4]);
        HoconUnits.ParseSize(Text(root, "memsizes", "meg")!)!.Value.ShouldBe(1_048_576);
        HoconUnits.ParseSize(Text(root, "memsizes", "halfMeg")!)!.Value.ShouldBe(524_288);
        HoconUnits.ParseSize(Text(root, "memsizes", "yottabyte")!)!.Value.ShouldBe(System.Numerics.BigInteger.Pow(10, 24));
    }

    [Fact]
    public void Test02_reads_odd_paths()
    {
        var root = Load("test02.conf");
        Rendering.Json(root).ShouldBe(
            """{"":{"":{"":42}},"-":261,"103_a":103,"42_a":42,"42_b":42,"57_a":57,"57_b":57,"a":{"b":{"c":57}},"a-c":259,"a.b.c":103,"a_c":260}""");
    }

    [Fact]
    public void Test03_includes_by_base_name_and_looks_in_the_included_file_first()
    {
        var root = Load("test03.conf");
        Text(root, "test01", "ints", "fortyTwo").ShouldBe("42");
        Text(root, "test01", "ints", "fortyTwoAgain").ShouldBe("42");
        Text(root, "test01", "booleans").ShouldBe("42");
        Text(root, "test01", "fromJson1").ShouldBe("1");
        Text(root, "test01", "fromProps", "specialChars").ShouldBe("hello^^");
        Text(root, "test02", "57_a").ShouldBe("57");
        Text(root, "equiv01", "ints", "fortyTwo").ShouldBe("42");
        ((HoconObject)root["nonexistent"]!).Keys.ShouldBeEmpty();
        foreach (var included in new[] { root, (HoconObject)root["subtree"]! })
        {
            Text(included, "a").ShouldBe("This is in the included file");
            Text(included, "b").ShouldBe("This is in the including file");
        }
    }

    [Fact]
    public void Test04_to_test06_read_real_files_and_merge_late()
    {
        Text(Load("test04.conf"), "akka", "version").ShouldBe("2.0-SNAPSHOT");
        Text(Load("test05.conf"), "module", "crud").ShouldBe("/modules/crud");
        Text(Load("test05.conf"), "%prod", "application", "mode").ShouldBe("prod");
        var root = Load("test06.conf");
        Text(root, "x").ShouldBe("2");
        Rendering.Json(root["y"]!).ShouldBe("""{"foo":10,"hello":"world"}""");
    }

    [Fact]
    public void Test09_and_test10_merge_substituted_objects_at_any_place()
    {
        var expected = """{"a":{"c":3,"q":10},"b":5,"c":{"d":600,"e":{"c":3,"q":10},"f":5,"q":10},"x":{"q":10},"y":5}""";
        Rendering.Json(Load("test09.conf")).ShouldBe(expected);
        var root = Load("test10.conf");
        Rendering.Json(root["foo"]!).ShouldBe(expected);
        Rendering.Json(root.Find("bar", "nested")!).ShouldBe(expected);
    }

    [Fact]
    public void Test11_to_test13_keep_keys_and_override_substitutions()
    {
        Rendering.Json(Load("test11.conf")).ShouldBe("""{"---":"------","-10":"-42","10":"42","a-":"b-","foo-bar":"bar-baz"}""");
        Load("test12.conf").Keys.Count.ShouldBe(File.ReadLines(Vector("test12.conf")).Count(line => line.Contains('=', StringComparison.Ordinal)));
        var root = new HoconBuilder()
            .AddFile(Vector("test13-reference-with-substitutions.conf"))
            .AddFile(Vector("test13-application-override-substitutions.conf"))
            .Resolve();
        Rendering.Json(root).ShouldBe("""{"a":"overridden","b":"overridden"}""");
        Should.Throw<HoconException>(() => Load("test13-reference-bad-substitutions.conf")).Message.ShouldContain("${b} has no value");
    }

    [Fact]
    public void Environment_variables_stand_in_where_the_configuration_is_silent()
    {
        Rendering.Json(Load("env-variables.conf")).ShouldBe("""{"secret":"a","secrets":[]}""");
        Rendering.Json(Load("env-variables.conf", name => name.StartsWith("SECRET_", StringComparison.Ordinal) ? name[7..] : null))
            .ShouldBe("""{"secret":"A","secrets":["B","C"]}""");
    }

    [Fact]
    public void Includes_are_found_beside_the_including_file()
    {
        Rendering.Json(Load("file-include.conf")).ShouldBe("""{"bar":43,"bar-file":44,"base":41,"baz":45,"foo":42}""");
        var list = (HoconArray)Load("include-from-list.conf")["a"]!;
        ((HoconScalar)((HoconObject)list.Items[0]).Find("ints", "fortyTwoAgain")!).Text.ShouldBe("42");
        Text(Load("bom.conf"), "foo").ShouldBe("bar");
        Should.Throw<HoconException>(() => Load("cycle.conf")).Message.ShouldContain("circle");
        var bean = Load("beanconfig/beanconfig01.conf");
        Text(bean, "strings", "abcd-again").ShouldBe("abcd");
    }

    [Fact]
    public void Valid_json_is_valid_hocon_with_the_same_values()
    {
        var count = 0;
        foreach (var file in Directory.EnumerateFiles(SharedData.Folder("vectors/json"), "y_*.json"))
        {
            using var expected = JsonDocument.Parse(File.ReadAllBytes(file));
            var json = Rendering.Json(expected.RootElement);
            Rendering.Json(new HoconBuilder().AddFile(file).ResolveValue()).ShouldBe(json, file);
            if (expected.RootElement.ValueKind is JsonValueKind.Array or JsonValueKind.Object)
            {
                Rendering.Json(new HoconBuilder().AddText(File.ReadAllText(file, Encoding.UTF8)).ResolveValue()).ShouldBe(json, file);
            }
            else
            {
                // HOCON has no lonely scalars at the root, but every one is a HOCON value.
                var root = new HoconBuilder().SetHocon(["value"], File.ReadAllText(file, Encoding.UTF8), HoconOrigin.Of("test")).Resolve();
                Rendering.Json(root["value"]!).ShouldBe(json, file);
            }

            count++;
        }

        count.ShouldBeGreaterThan(90);
    }

    [Fact]
    public void Invalid_json_is_refused_with_a_place()
    {
        var count = 0;
        foreach (var file in Directory.EnumerateFiles(SharedData.Folder("vectors/json"), "n_*.json"))
        {
            var name = Path.GetFileName(file);
            Should.Throw<HoconException>(() => new HoconBuilder().AddFile(file).ResolveValue(), name).Message.ShouldContain(name);
            try
            {
                // As HOCON it may be valid; it must be read or refused, in bounded time and stack.
                new HoconBuilder().AddText(Encoding.UTF8.GetString(File.ReadAllBytes(file))).ResolveValue();
            }
            catch (HoconException e)
            {
                e.Origin.Line.ShouldBeGreaterThan(0, name);
            }

            count++;
        }

        count.ShouldBeGreaterThan(180);
    }
}
