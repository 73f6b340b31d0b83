using RagCluster.Nodes.Commands;

// A pool thread that waits for the disk is no longer there for others: with as many threads as a small machine has
// cores, everybody would wait until the pool, twice a second, thinks of adding one.
ThreadPool.GetMinThreads(out var workers, out var completions);
ThreadPool.SetMinThreads(Math.Max(workers, 8), completions);

return await Cli.RunAsync(args);
