#pragma warning disable RS0030 // This file is the one door to the network; everything behind it is handed in by ITransport.
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace RagCluster.Kernel.Transport.Links;

/// <summary>One TCP connection, encrypted or not, and the door through which the transport sees sockets.</summary>
internal sealed class Connection : IDisposable
{
    /// <summary>What one read takes at most. Small messages by the hundreds come together.</summary>
    private const int ReadBytes = 64 << 10;

    private readonly Socket _socket;

    private Connection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        Remote = socket.RemoteEndPoint is IPEndPoint { Address: var ip } ? (ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip).ToString() : "?";
        Stream = new NetworkStream(socket, ownsSocket: false);
        Reader = CreateReader();
    }

    /// <summary>The other end's IP address, for people and limits.</summary>
    public string Remote { get; }

    public Stream Stream { get; private set; }

    public PipeReader Reader { get; private set; }

    public X509Certificate? RemoteCertificate => (Stream as SslStream)?.RemoteCertificate;

    public static async Task<Connection> OpenAsync(HostPort address, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address.ToEndPoint(), cancellationToken);
            return new Connection(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException(e.SocketErrorCode == SocketError.ConnectionRefused ? "nobody listens at the address." : e.Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="System.Security.Authentication.AuthenticationException">No TLS handshake, or a certificate that is not believed.</exception>
    public async Task EncryptAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var stream = new SslStream(Stream, leaveInnerStreamOpen: true);
        Stream = stream;
        await stream.AuthenticateAsClientAsync(options, cancellationToken);
        Reader = CreateReader();
    }

    /// <inheritdoc cref="EncryptAsync(SslClientAuthenticationOptions, CancellationToken)"/>
    public async Task EncryptAsync(SslServerAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var stream = new SslStream(Stream, leaveInnerStreamOpen: true);
        Stream = stream;
        await stream.AuthenticateAsServerAsync(options, cancellationToken);
        Reader = CreateReader();
    }

    /// <summary>Says that nothing more comes; the other end can still say something.</summary>
    public void FinishWriting()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }
    }

    /// <summary>Ends also the reads and writes that are under way.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        (Stream as SslStream)?.Dispose();
    }

    private PipeReader CreateReader() => PipeReader.Create(Stream, new StreamPipeReaderOptions(bufferSize: ReadBytes, minimumReadSize: 4096, leaveOpen: true));

    /// <summary>Takes connections in.</summary>
    internal sealed class Listener : IDisposable
    {
        private const int Backlog = 512;

        private readonly Socket _socket;
        private volatile bool _closed;

        /// <param name="address">Null: all of the machine's, of both families where it has both.</param>
        /// <exception cref="IOException">The address is taken, or not this machine's.</exception>
        public Listener(IPAddress? address, int port)
        {
            var both = address is null && Socket.OSSupportsIPv6;
            var at = new IPEndPoint(address ?? (both ? IPAddress.IPv6Any : IPAddress.Any), port);
            _socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                if (both)
                {
                    _socket.DualMode = true;
                }

                _socket.Bind(at);
                Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
            }
            catch (SocketException e)
            {
                _socket.Dispose();
                throw new IOException($"The transport cannot listen at {at}: {e.Message}. Is another node running there, or is the address another machine's?", e);
            }
        }

        public int Port { get; }

        /// <exception cref="IOException">Another socket listens there.</exception>
        public void Listen()
        {
            try
            {
                _socket.Listen(Backlog);
            }
            catch (SocketException e)
            {
                throw new IOException($"The transport cannot listen at {_socket.LocalEndPoint}: {e.Message}. Is another node running there?", e);
            }
        }

        /// <exception cref="IOException">Not now, for instance because the process has too many files open.</exception>
        /// <exception cref="OperationCanceledException">It is closed.</exception>
        public async Task<Connection> AcceptAsync(CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    if (TryMake(await _socket.AcceptAsync(cancellationToken)) is { } connection)
                    {
                        return connection;
                    }
                }
            }
            catch (Exception e) when (e is ObjectDisposedException || (_closed && e is SocketException))
            {
                throw new OperationCanceledException();
            }
            catch (SocketException e)
            {
                throw new IOException(e.Message, e);
            }
        }

        /// <summary>Null: whoever it was has hung up already, which must not hold up the next.</summary>
        private static Connection? TryMake(Socket socket)
        {
            try
            {
                return new Connection(socket);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                socket.Dispose();
                return null;
            }
        }

        public void Dispose()
        {
            _closed = true;
            _socket.Dispose();
        }
    }
}
