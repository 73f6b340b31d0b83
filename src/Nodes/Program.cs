using RagCluster.Nodes.Commands;

return await Cli.RunAsync(args);
