using System.Collections;
using RagCluster.Configuration.Binding;
using RagCluster.Configuration.Hocon;
using RagCluster.Configuration.Options;

namespace RagCluster.Configuration.Tests;

/// <summary>
/// hocon/reference.conf is the documentation of every setting. A key without an option would be read and ignored, an
/// option without a key could not be found, and a default that differs would depend on how the program was started.
/// </summary>
public class ReferenceConfigurationTests
{
    private static readonly HoconObject Reference = (HoconObject)new HoconBuilder().AddText(RagClusterConfiguration.BuiltIn("reference.conf"), "reference.conf").Resolve()["ragcluster"]!;

    private static readonly OptionKey[] Keys = OptionsSchema.Walk(typeof(RagClusterOptions), "").ToArray();

    [Fact]
    public void Every_key_binds_to_an_option()
    {
        var binder = new OptionsBinder([]);
        binder.Bind(typeof(RagClusterOptions), Reference, "");
        binder.Errors.ShouldBeEmpty();
    }

    [Fact]
    public void Every_option_is_a_key_of_the_reference()
    {
        Keys.Length.ShouldBeGreaterThan(80);
        Keys.Where(key => Reference.Find(key.Path.Split('.')) is null).Select(key => key.Path).ShouldBeEmpty();
    }

    [Fact]
    public void The_defaults_of_the_records_are_those_of_the_reference()
    {
        var bound = new OptionsBinder([]).Bind(typeof(RagClusterOptions), Reference, "");
        Flatten(bound, "").ShouldBe(Flatten(new RagClusterOptions(), ""));
    }

    [Fact]
    public void On_one_machine_the_same_defaults_hold() =>
        Flatten(RagClusterConfiguration.Load(environment: new Dictionary<string, string>()).Options, "").ShouldBe(Flatten(new RagClusterOptions(), ""));

    [Fact]
    public void Every_number_duration_and_size_is_bounded()
    {
        var unbounded = Keys.Where(key => !key.IsGroup && key.Within is null && !key.IsNullable && key.Type != typeof(bool) && !key.Type.IsEnum);
        unbounded.Select(key => key.Path).ShouldBeEmpty();
    }

    [Fact]
    public void Every_key_has_a_variable_of_its_own() =>
        Keys.Select(key => RagClusterConfiguration.VariableName(key.Path)).ShouldBeUnique();

    private static List<string> Flatten(object? value, string path)
    {
        if (value is IEnumerable list and not string)
        {
            return [path, .. list.Cast<object>().SelectMany((item, i) => Flatten(item, $"{path}.{i}"))];
        }

        return value is not null && OptionsSchema.IsGroup(value.GetType())
            ? [.. OptionsSchema.Keys(value.GetType(), path).SelectMany(key => Flatten(key.Property.GetValue(value), key.Path))]
            : [$"{path} = {OptionValue.Render(value)}"];
    }
}
