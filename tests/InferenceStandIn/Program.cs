using RagCluster.InferenceStandIn;

// inference-stand-in [--port N] [--behaviour JSON] [--with-parent]
//   --port         0, the default, takes any free one; the address is told on the first line of the output
//   --behaviour    what differs from Behaviour's defaults; can be changed later by PUT /stand-in
//   --with-parent  ends when the standard input ends, so that it does not outlive whoever started it
var port = Value("--port") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : 0;
await using var server = await StandInServer.StartAsync(Value("--behaviour") is { } json ? Behaviour.Read(json) : new Behaviour(), port);
Console.WriteLine($"ready {server.Url}");
if (args.Contains("--with-parent"))
{
    while (await Console.In.ReadLineAsync() is not null)
    {
    }
}
else
{
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    Console.CancelKeyPress += (_, e) =>
    {
        e.Cancel = true;
        stop.TrySetResult();
    };
    await stop.Task;
}

string? Value(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
