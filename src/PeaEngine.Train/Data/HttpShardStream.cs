using System.Net;
using System.Net.Http.Headers;

namespace PeaEngine.Train.Data;

/// <summary>
/// A shard on a server, from a byte on. A connection that breaks or stalls is made again from the byte that it got to, as long as each one
/// brings something or few in a row bring nothing.
/// </summary>
sealed class HttpShardStream(string url, long offset) : Stream
{
    const int MaxFailures = 4, DiscardBytes = 1 << 16;

    static readonly TimeSpan Stall = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(250);

    static readonly HttpClient Client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(10) }) { Timeout = Stall };

    HttpResponseMessage? response;
    Stream? body;
    long position = offset;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                body ??= Connect();
                var read = ReadWithin(body, buffer.AsMemory(offset, count));
                position += read;
                return read;
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
                Disconnect();
                if (failures < MaxFailures && IsPassing(exception)) Thread.Sleep(Pause * (1 << failures));
                else throw new ShardException(url, position, Describe(exception), exception);
            }
        }
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) Disconnect();
        base.Dispose(disposing);
    }

    Stream Connect()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address());
        if (position > 0) request.Headers.Range = new RangeHeaderValue(position, null);
        response = Client.Send(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        var stream = response.Content.ReadAsStream();
        // A server may not know ranges and begin at the beginning.
        var begin = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.From ?? position : 0;
        if (begin > position) throw new HttpIOException(HttpRequestError.InvalidResponse, $"the server begins at byte {begin}, byte {position} was asked for");
        var discarded = new byte[Math.Min(DiscardBytes, position - begin)];
        while (begin < position)
        {
            var read = ReadWithin(stream, discarded.AsMemory(0, (int)Math.Min(discarded.Length, position - begin)));
            if (read == 0) throw new HttpIOException(HttpRequestError.ResponseEnded, $"the server's file ends at byte {begin}, byte {position} was asked for");
            begin += read;
        }
        return stream;
    }

    Uri Address() => Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri : throw new ShardException(url, position, "no URL, expected one such as https://host/train-0000.tar");

    static int ReadWithin(Stream stream, Memory<byte> buffer)
    {
        using var stalled = new CancellationTokenSource(Stall);
        return stream.ReadAsync(buffer, stalled.Token).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Whether another attempt may do better: not if the server says that there is no such file.</summary>
    static bool IsPassing(Exception exception) =>
        exception is not HttpRequestException { StatusCode: { } status } || (int)status >= 500 || status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests;

    static string Describe(Exception exception) => exception switch
    {
        HttpRequestException { StatusCode: { } status } => $"the server answers {(int)status} ({status})",
        OperationCanceledException => $"the server sends nothing for {Stall.TotalSeconds:0} seconds",
        _ => $"cannot be read: {exception.Message.ReplaceLineEndings(" ")}",
    };

    void Disconnect()
    {
        body?.Dispose();
        response?.Dispose();
        (body, response) = (null, null);
    }
}
