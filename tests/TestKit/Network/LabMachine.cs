using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>One machine of a <see cref="NetworkLab"/>: processes can run in it, and so can code of the test.</summary>
public sealed partial class LabMachine : IDisposable
{
    private readonly Lock _lock = new();
    private NamespaceThread? _thread;

    internal LabMachine(string? name, string address, string hardwareAddress, string cable) =>
        (Namespace, Address, HardwareAddress, Cable) = (name, address, hardwareAddress, cable);

    /// <summary>Null: the test's own machine.</summary>
    public string? Namespace { get; }

    /// <summary>IPv4.</summary>
    public string Address { get; }

    internal string HardwareAddress { get; }

    internal string Cable { get; }

    /// <summary>
    /// Runs code of this process on a thread that is in the machine: sockets that it makes are the machine's. What it awaits
    /// comes back to that thread.
    /// </summary>
    public IRuntime Runtime
    {
        get
        {
            lock (_lock)
            {
                return Namespace is null ? SystemRuntime.Instance : _thread ??= new NamespaceThread(Namespace);
            }
        }
    }

    /// <summary>What to put before a command so that it runs in this machine; "ip netns exec" replaces itself by the program.</summary>
    internal IReadOnlyList<string> Enter => Namespace is null ? [] : ["ip", "netns", "exec", Namespace];

    /// <summary>Makes the process one of this machine. Its id stays the program's own, so that signals reach it.</summary>
    public ProcessStartInfo Place(ProcessStartInfo start)
    {
        if (Namespace is null)
        {
            return start;
        }

        start.ArgumentList.Insert(0, start.FileName);
        foreach (var word in Enter.Skip(1).Reverse())
        {
            start.ArgumentList.Insert(0, word);
        }

        start.FileName = Enter[0];
        return start;
    }

    public void Dispose() => _thread?.Dispose();

    public override string ToString() => Address;

    /// <summary>A thread in another network, with a queue of what is to run there.</summary>
    private sealed partial class NamespaceThread : SynchronizationContext, IRuntime, IDisposable
    {
        private const int CloneNewNet = 0x40000000;

        private readonly BlockingCollection<Action> _work = [];
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public NamespaceThread(string name)
        {
            new Thread(() => Run(name)) { IsBackground = true, Name = name }.Start();
            _entered.Task.Wait();
        }

        public TimeProvider Time => TimeProvider.System;

        public Random Random => Random.Shared;

        public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) => Add(turn.Execute);

        public Task Run(Func<Task> work)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Add(() => _ = RunAsync(work, done));
            return done.Task;
        }

        public override void Post(SendOrPostCallback d, object? state) => Add(() => d(state));

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nobody waits for this thread.");

        public override SynchronizationContext CreateCopy() => this;

        public void Dispose() => _work.CompleteAdding();

        private static async Task RunAsync(Func<Task> work, TaskCompletionSource done)
        {
            try
            {
                await work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }

        private void Add(Action action)
        {
            try
            {
                _work.Add(action);
            }
            catch (InvalidOperationException)
            {
                // The machine is gone.
            }
        }

        private void Run(string name)
        {
            try
            {
                using var file = File.OpenHandle($"/run/netns/{name}");
                if (SetNamespace(file.DangerousGetHandle().ToInt32(), CloneNewNet) != 0)
                {
                    throw new InvalidOperationException($"The namespace {name} cannot be entered: error {Marshal.GetLastPInvokeError()}.");
                }

                _entered.SetResult();
            }
            catch (Exception e)
            {
                _entered.SetException(e);
                return;
            }

            SetSynchronizationContext(this);
            foreach (var action in _work.GetConsumingEnumerable())
            {
                action();
            }
        }

        [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
        private static partial int SetNamespace(int file, int kind);
    }
}
