using System.Globalization;
using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Load;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit;

namespace RagCluster.Cluster.Tests;

/// <summary>So many kills, pauses and rolling restarts of real processes in one run, and the reckoning at its end.</summary>
internal static class Soak
{
    /// <summary>
    /// Arguments: --kills N, --pauses N, --rolls N, --restarts N (of the database), --cuts N (of the network; needs root),
    /// --nodes N, --lease SECONDS, --minutes M (at most).
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var (kills, pauses, rolls, restarts) = (Number(args, "--kills", 20), Number(args, "--pauses", 8), Number(args, "--rolls", 2), Number(args, "--restarts", 2));
        var (cuts, minutes) = (Number(args, "--cuts", 0), Number(args, "--minutes", 240));
        if (cuts > 0 && NetworkLab.WhyNot is { } reason)
        {
            Console.Error.WriteLine($"--cuts: {reason}");
            return 2;
        }

        var options = new RealClusterOptions { Nodes = Number(args, "--nodes", 3), InLab = cuts > 0, Lease = TimeSpan.FromSeconds(Number(args, "--lease", 6)) };
        await using var cluster = await RealCluster.StartAsync(options, Console.Out);
        using var balancer = new Balancer(cluster);
        await using var load = new HttpLoad(cluster, balancer, TimeSpan.FromMilliseconds(Number(args, "--think", 200)));
        load.Start(conversations: Number(args, "--conversations", 4));
        await using var sockets = new SocketLoad(cluster, balancer, TimeSpan.FromMilliseconds(Number(args, "--think", 200)));
        sockets.Start(Number(args, "--chatters", 4));
        await Task.WhenAll(load.UnderWayAsync(), sockets.UnderWayAsync());
        var nemesis = new Nemesis(cluster, balancer);

        // First in good order, where no request may fail; then the faults, whose victims fail some.
        while (nemesis.RollingRestarts < rolls && cluster.Now.TotalMinutes < minutes && await TryAsync(cluster, nemesis.RollAsync))
        {
            // On to the next.
        }

        var (sent, failed) = (balancer.Sent, balancer.Failed);
        cluster.Say($"{nemesis.RollingRestarts} rolling restarts of {cluster.Nodes.Count} nodes: {sent} requests, {balancer.Repeated} sent again because a connection had closed, {failed} failed. {(failed > 0 ? balancer.LastFailure : "")}");
        await FaultsAsync(cluster, nemesis, new string('k', kills) + new string('p', pauses) + new string('d', restarts) + new string('c', cuts), minutes);
        cluster.Say($"the faults are over: {Faults(nemesis)}");
        IReadOnlyList<Violation> violations;
        try
        {
            violations = await new Reckoning(cluster, load, sockets).CheckAsync();
        }
        catch (TimeoutException e)
        {
            violations = [.. cluster.Faults.Append(e.Message).Select(fault => new Violation("process", "", fault)), .. AllCheckers.Check(cluster.Record)];
        }

        foreach (var violation in violations.Take(20))
        {
            Console.WriteLine(violation);
            if (cluster.Record.Operations.Find(operation => operation.Entity.Id == violation.Subject && violation.Detail.Contains($"\"{operation.Marker}\"", StringComparison.Ordinal)) is { } operation)
            {
                Console.WriteLine(string.Join('\n', balancer.AnswersTo(operation.Client).Select(answer => "    " + answer)));
            }
        }

        var operations = cluster.Record.Operations;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Faults(nemesis)}, {nemesis.RollingRestarts} rolling restarts in {cluster.Now.TotalMinutes:0.0} min: {operations.Count} writes ({operations.Count(o => o.Outcome == Outcome.Acknowledged)} acknowledged, {operations.Count(o => o.Outcome == Outcome.Unknown)} unknown), {cluster.Record.Searches.Count} searches, {sockets.Answers} answers over WebSocket and {sockets.Resumes} resumptions at another node, {cluster.Record.Log.Count} events, {cluster.Record.Log.Select(record => record.Epoch).DefaultIfEmpty().Max()} epochs at most; {failed} requests of {sent} failed in rolling restarts; {violations.Count} violations"));
        return violations.Count == 0 && failed == 0 ? 0 : 1;
    }

    private static string Faults(Nemesis nemesis) => string.Create(
        CultureInfo.InvariantCulture,
        $"{nemesis.Kills} kills, {nemesis.Pauses} pauses, {nemesis.DatabaseRestarts} restarts of the database, {nemesis.Cuts} cuts of the network{(nemesis.Healings.IsEmpty ? "" : $" (whole again after {nemesis.Healings.Max().TotalSeconds:0.0} s at most)")}");

    /// <summary>Two hands, so that a second node is hit while the first is not back yet; a third stays.</summary>
    private static async Task FaultsAsync(RealCluster cluster, Nemesis nemesis, string faults, int minutes)
    {
        var left = new List<char>(faults);
        var free = new List<RealNode>(cluster.Nodes);
        await Task.WhenAll(Enumerable.Range(0, Math.Min(2, cluster.Nodes.Count - 1)).Select(_ => Task.Run(async () =>
        {
            while (cluster.Now.TotalMinutes < minutes)
            {
                char fault;
                RealNode node;
                lock (left)
                {
                    if (left.Count == 0)
                    {
                        return;
                    }

                    var draw = Random.Shared.Next(left.Count);
                    (fault, node) = (left[draw], free[Random.Shared.Next(free.Count)]);
                    left.RemoveAt(draw);
                    free.Remove(node);
                }

                if (!await TryAsync(cluster, () => fault switch
                {
                    'k' => nemesis.KillAsync(node),
                    'p' => nemesis.PauseAsync(node),
                    'c' => nemesis.CutAsync(node, (Cut)Random.Shared.Next(3)),
                    _ => nemesis.RestartDatabaseAsync(),
                }))
                {
                    // No more of this hand, but the reckoning.
                    return;
                }

                lock (left)
                {
                    free.Add(node);
                }
            }
        })));
    }

    /// <summary>False if what is waited for after a fault did not come: a fault of the cluster's, and the end of the faults.</summary>
    private static async Task<bool> TryAsync(RealCluster cluster, Func<Task> fault)
    {
        try
        {
            await fault();
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            cluster.Say(e.Message);
            cluster.Faults.Add(e.Message);
            return false;
        }
    }

    private static int Number(string[] args, string name, int otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }
}
