using BenchmarkDotNet.Running;
using RagCluster.Bench.Micro.Actors;

if (args is ["kernel"])
{
    await KernelFigures.PrintAsync();
    return;
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
