using RagCluster.Pbm;
using RagCluster.Pbm.Shell;

return await Cli.RunAsync(args, Terminal.Process);
