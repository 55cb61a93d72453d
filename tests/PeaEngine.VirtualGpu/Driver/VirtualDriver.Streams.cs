using System.Diagnostics;
using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;
using Table = PeaEngine.Cuda.Sys.Driver;

namespace PeaEngine.VirtualGpu.Driver;

/// <summary>Streams and events.</summary>
public static unsafe partial class VirtualDriver
{
    static nint? OfStreams(string name) => name switch
    {
        nameof(Table.cuStreamCreate) => (nint)(delegate* unmanaged<CUstream*, uint, CUresult>)&cuStreamCreate,
        nameof(Table.cuStreamDestroy) => (nint)(delegate* unmanaged<CUstream, CUresult>)&cuStreamDestroy,
        nameof(Table.cuStreamSynchronize) => (nint)(delegate* unmanaged<CUstream, CUresult>)&cuStreamSynchronize,
        nameof(Table.cuStreamWaitEvent) => (nint)(delegate* unmanaged<CUstream, CUevent, uint, CUresult>)&cuStreamWaitEvent,
        nameof(Table.cuEventCreate) => (nint)(delegate* unmanaged<CUevent*, uint, CUresult>)&cuEventCreate,
        nameof(Table.cuEventDestroy) => (nint)(delegate* unmanaged<CUevent, CUresult>)&cuEventDestroy,
        nameof(Table.cuEventRecord) => (nint)(delegate* unmanaged<CUevent, CUstream, CUresult>)&cuEventRecord,
        nameof(Table.cuEventSynchronize) => (nint)(delegate* unmanaged<CUevent, CUresult>)&cuEventSynchronize,
        nameof(Table.cuEventElapsedTime) => (nint)(delegate* unmanaged<float*, CUevent, CUevent, CUresult>)&cuEventElapsedTime,
        _ => null,
    };

    [UnmanagedCallersOnly]
    static CUresult cuStreamCreate(CUstream* stream, uint flags) => InContext(context =>
    {
        var created = new VirtualStream(context);
        context.Add(created);
        *stream = Registry.Add(created);
    });

    [UnmanagedCallersOnly]
    static CUresult cuStreamDestroy(CUstream stream) => InContext(context =>
    {
        var removed = Registry.Remove<VirtualStream>(stream);
        context.Remove(removed);
        removed.Run();
    });

    [UnmanagedCallersOnly]
    static CUresult cuStreamSynchronize(CUstream stream) => InContext(context =>
    {
        ExpectNoCapture(context);
        Registry.Get<VirtualStream>(stream).Run();
    });

    [UnmanagedCallersOnly]
    static CUresult cuStreamWaitEvent(CUstream stream, CUevent mark, uint flags) => InContext(context =>
    {
        var (waiting, awaited) = (Registry.Get<VirtualStream>(stream), Registry.Get<VirtualEvent>(mark));
        if (waiting.Capture is not null && awaited.Stream != waiting) ExpectNoCapture(context);
        waiting.Wait(awaited);
    });

    [UnmanagedCallersOnly]
    static CUresult cuEventCreate(CUevent* mark, uint flags) => InContext(_ => *mark = Registry.Add(new VirtualEvent()));

    [UnmanagedCallersOnly]
    static CUresult cuEventDestroy(CUevent mark) => Safely(() => Registry.Remove<VirtualEvent>(mark));

    [UnmanagedCallersOnly]
    static CUresult cuEventRecord(CUevent mark, CUstream stream) => InContext(_ => Registry.Get<VirtualStream>(stream).Record(Registry.Get<VirtualEvent>(mark)));

    [UnmanagedCallersOnly]
    static CUresult cuEventSynchronize(CUevent mark) => InContext(context =>
    {
        ExpectNoCapture(context);
        Registry.Get<VirtualEvent>(mark).Synchronize();
    });

    [UnmanagedCallersOnly]
    static CUresult cuEventElapsedTime(float* ms, CUevent start, CUevent end) => InContext(_ =>
    {
        var (first, last) = (Registry.Get<VirtualEvent>(start), Registry.Get<VirtualEvent>(end));
        if (first.Stream is null || last.Stream is null) throw new CallException(CUresult.CUDA_ERROR_INVALID_HANDLE, "an event that was never recorded");
        if (first.Timestamp == 0 || last.Timestamp == 0) throw new CallException(CUresult.CUDA_ERROR_NOT_READY, "the work before the event is not done");
        *ms = (float)Stopwatch.GetElapsedTime(first.Timestamp, last.Timestamp).TotalMilliseconds;
    });
}
