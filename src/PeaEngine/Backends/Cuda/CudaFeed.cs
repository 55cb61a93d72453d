using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Through pinned memory and a landing place on the device, on a stream of its own: nothing is waited for but what was sent before.</summary>
    /// <inheritdoc/>
    public override Feed OpenFeed(int bytes)
    {
        context.Begin("feed", [bytes]);
        return new CudaFeed(this, bytes);
    }

    sealed class CudaFeed : Feed
    {
        readonly CudaBackend backend;
        readonly CudaStream sends;
        readonly CudaEvent sent, taken;
        readonly PinnedBuffer host;
        readonly DeviceBuffer landing;

        public CudaFeed(CudaBackend backend, int bytes)
        {
            this.backend = backend;
            var context = backend.context;
            (sends, sent, taken, host) = (new(context), new(context), new(context), new(context, bytes));
            landing = backend.stream.Allocate(bytes);
            // The landing place is there once the stream of the ops has come to it.
            backend.stream.Record(taken);
        }

        public override Span<byte> Host
        {
            get
            {
                sent.Synchronize();
                return host.Span;
            }
        }

        public override void Send(int bytes)
        {
            sends.Wait(taken);
            sends.CopyToDevice(host, landing.Address, bytes);
            sends.Record(sent);
        }

        public override void Take(int from, Tensor destination)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(from + destination.Bytes, landing.Bytes);
            backend.Begin("take", destination);
            if (backend.stream.IsCapturing) throw backend.stream.InGraph($"{destination.Bytes} bytes are taken from a feed");
            backend.stream.Wait(sent);
            backend.stream.Copy(landing.Address + from, destination.Address, destination.Bytes);
            backend.stream.Record(taken);
        }

        public override void Dispose()
        {
            sent.Settle();
            landing.Dispose();
            host.Dispose();
            taken.Dispose();
            sent.Dispose();
            sends.Dispose();
        }
    }
}
