using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PeaEngine.Tests.Train.Data;

/// <summary>A server of one file on this machine, that can be told to misbehave.</summary>
sealed class ShardServer : IDisposable
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly byte[] file;
    readonly Task task;

    /// <summary>Serves bytes under any path.</summary>
    public ShardServer(byte[] file)
    {
        this.file = file;
        listener.Start();
        task = Task.Run(ServeAsync);
    }

    /// <summary>Where it is.</summary>
    public string Url => $"http://{listener.LocalEndpoint}/shard.tar";

    /// <summary>Whether it knows ranges.</summary>
    public bool KnowsRanges { get; init; } = true;

    /// <summary>A connection breaks after so many bytes of the file.</summary>
    public int BreaksAfter { get; init; } = int.MaxValue;

    /// <summary>The answers to the first requests, in place of the file.</summary>
    public Queue<HttpStatusCode> Refusals { get; } = new();

    /// <summary>The first bytes that were asked for, a request.</summary>
    public List<long> Requests { get; } = [];

    public void Dispose()
    {
        listener.Stop();
        task.Wait(TimeSpan.FromSeconds(10));
    }

    async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using var client = await listener.AcceptTcpClientAsync();
                await AnswerAsync(client.GetStream());
            }
            catch (IOException)
            {
                // The reader has enough.
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    async Task AnswerAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        long from = 0;
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
            if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase)) from = long.Parse(line["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
        Requests.Add(from);
        if (Refusals.TryDequeue(out var status))
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(int)status} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            return;
        }
        if (!KnowsRanges) from = 0;
        var head = from > 0
            ? $"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{file.Length - 1}/{file.Length}\r\n"
            : "HTTP/1.1 200 OK\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{head}Content-Length: {file.Length - from}\r\nConnection: close\r\n\r\n"));
        await stream.WriteAsync(file.AsMemory((int)from, (int)Math.Min(BreaksAfter, file.Length - from)));
    }
}
