using System.Diagnostics.Metrics;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>What an operator sees of the links.</summary>
public sealed class TransportMetricsTests
{
    [Fact]
    public async Task Messages_bytes_links_and_refusals_are_counted_also_of_links_that_are_gone()
    {
        using var meters = new Meters();
        var before = meters.Read();
        await using (var a = await TcpNode.StartAsync("a"))
        await using (var b = await TcpNode.StartAsync("b"))
        await using (var stranger = await TcpNode.StartAsync("c", o => o with { Cluster = "other" }))
        {
            for (var i = 0; i < 100; i++)
            {
                await a.SendAsync(b, "0123456789");
            }

            await b.Until("all are here", () => b.Received.Count == 100);
            await Should.ThrowAsync<PeerUnreachableException>(() => stranger.SendAsync(b, "x"));
            var during = meters.Read();
            Difference(during, before, "ragcluster.transport.received").ShouldBeGreaterThanOrEqualTo(100);
            Difference(during, before, "ragcluster.transport.received.bytes").ShouldBeGreaterThanOrEqualTo(1400);
        }

        // Other tests may count at the same time; what was counted here does not go away with the transports.
        var after = meters.Read();
        Difference(after, before, "ragcluster.transport.sent").ShouldBeGreaterThanOrEqualTo(100);
        Difference(after, before, "ragcluster.transport.sent.bytes").ShouldBeGreaterThanOrEqualTo(1400);
        Difference(after, before, "ragcluster.transport.received").ShouldBeGreaterThanOrEqualTo(100);
        Difference(after, before, "ragcluster.transport.links.lost").ShouldBeGreaterThanOrEqualTo(2);
        Difference(after, before, "ragcluster.transport.connect.failures").ShouldBeGreaterThanOrEqualTo(1);
        Difference(after, before, "ragcluster.transport.handshake.failures{cluster}").ShouldBeGreaterThanOrEqualTo(1);
        after.Keys.ShouldContain("ragcluster.transport.queue.bytes");
    }

    private static double Difference(Dictionary<string, double> after, Dictionary<string, double> before, string name) =>
        after.GetValueOrDefault(name) - before.GetValueOrDefault(name);

    private sealed class Meters : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, double> _values = [];

        public Meters()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "RagCluster.Kernel" && instrument.Name.StartsWith("ragcluster.transport.", StringComparison.Ordinal))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                var name = tags.IsEmpty ? instrument.Name : $"{instrument.Name}{{{tags[0].Value}}}";
                lock (_values)
                {
                    _values[name] = instrument.IsObservable ? value : _values.GetValueOrDefault(name) + value;
                }
            });
            _listener.Start();
        }

        public Dictionary<string, double> Read()
        {
            _listener.RecordObservableInstruments();
            lock (_values)
            {
                return new(_values);
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
