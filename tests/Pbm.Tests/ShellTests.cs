using System.Text.Json;
using RagCluster.Pbm.Output;
using RagCluster.Pbm.Shell;
using RagCluster.Pbm.Verbs;

namespace RagCluster.Pbm.Tests;

/// <summary>The line that is typed, what completes it, and what is drawn.</summary>
public sealed class ShellTests
{
    private readonly LineBuffer _line = new();

    [Fact]
    public void A_line_is_typed_changed_and_called_back()
    {
        Type("cluster shwo");
        Press(ConsoleKey.Backspace);
        Press(ConsoleKey.Backspace);
        Type("ow");
        _line.Text.ShouldBe("cluster show");
        Press(ConsoleKey.W, control: true);
        _line.Text.ShouldBe("cluster ");
        Press(ConsoleKey.Home);
        Type("x");
        Press(ConsoleKey.LeftArrow);
        Press(ConsoleKey.Delete);
        (_line.Text, _line.Cursor).ShouldBe(("cluster ", 0));
        Press(ConsoleKey.End);
        Type("tail");
        _line.Enter().ShouldBe("cluster tail");
        Type("flag list");
        _line.Enter();
        Type("half");
        Press(ConsoleKey.UpArrow);
        Press(ConsoleKey.UpArrow);
        Press(ConsoleKey.UpArrow);
        _line.Text.ShouldBe("cluster tail");
        Press(ConsoleKey.DownArrow);
        _line.Text.ShouldBe("flag list");
        Press(ConsoleKey.DownArrow);
        Press(ConsoleKey.DownArrow);
        _line.Text.ShouldBe("half", "what was typed and not entered is still there");
        Press(ConsoleKey.U, control: true);
        _line.Text.ShouldBe("");
        _line.Press(new ConsoleKeyInfo('\0', ConsoleKey.F5, false, false, false)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("clu", "cluster", "cluster-sharding")]
    [InlineData("cluster ", "down", "down-unreachable", "drain", "join", "leave", "rebalance", "show", "shutdown", "tail", "undrain")]
    [InlineData("cluster sh", "show", "shutdown")]
    [InlineData("cluster-sharding move --t", "--timeout", "--to", "--token-file", "--type")]
    [InlineData("cluster-sharding region-stats -r d", "document")]
    [InlineData("flag set vectors o", "off", "on")]
    [InlineData("log level ", "critical", "debug", "default", "error", "information", "none", "trace", "warning")]
    [InlineData("nonsense x")]
    public void Tab_offers_what_could_come(string line, params string[] offered)
    {
        var root = Cli.Create(new Terminal(TextReader.Null, TextWriter.Null, TextWriter.Null, false)).Root;
        Completion.At(root, line, line.Length).ShouldBe(offered);
    }

    [Fact]
    public void The_common_beginning_is_put_in()
    {
        Completion.CommonBeginning(["show", "shutdown"]).ShouldBe("sh");
        Completion.CommonBeginning([]).ShouldBe("");
        Completion.CommonBeginning(["one"]).ShouldBe("one");
    }

    [Theory]
    [InlineData("show", "show", 0)]
    [InlineData("shwo", "show", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("tial", "tail", 1)]
    [InlineData("rebalnce", "rebalance", 1)]
    public void Words_have_a_distance(string a, string b, int distance) => NearestVerb.Distance(a, b).ShouldBe(distance);

    [Fact]
    public void A_list_of_any_objects_is_a_table_and_commands_no_terminal()
    {
        using var json = JsonDocument.Parse("""{"endpoints":[{"name":"a","busy":1},{"name":"b\u001b[2J","url":"http://x","tags":["p","q"]}]}""");
        var output = new StringWriter();
        PlainTable.Write(output, [TableData.Of(json.RootElement, "endpoints"), TableData.Of(json.RootElement, "nothing")]);
        output.ToString().ReplaceLineEndings("\n").ShouldBe("""
            name   busy  url       tags
            a      1
            b�[2J        http://x  ["p","q"]
            There is none.

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void A_row_that_does_not_fit_is_a_mistake() => Should.Throw<ArgumentException>(() => new TableData(["a"]).Add("1", "2"));

    private void Type(string text)
    {
        foreach (var c in text)
        {
            _line.Press(new ConsoleKeyInfo(c, ConsoleKey.None, false, false, false)).ShouldBeTrue();
        }
    }

    private void Press(ConsoleKey key, bool control = false) => _line.Press(new ConsoleKeyInfo('\0', key, false, false, control));
}
