using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>The engine's own interop on the virtual driver: contexts, streams, events, graphs, memory and kernels.</summary>
public class CudaVirtualDriverTests
{
    const string Scale = """
        extern "C" __global__ void scale(float* x, float by, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= by; }
        extern "C" __global__ void beyond(float* x, float by, int n) { x[n + threadIdx.x] = by; }
        """;

    static CudaContext Open(int ordinal = 0) => new(VirtualDriver.Libraries(NvrtcPresence.Compiler), ordinal);

    static CudaModule Load(CudaContext context) => new(context, context.Libraries.Compiler.Compile(new("scale", Scale, new Dictionary<string, string>(), []), context.Target).Code, "scale");

    static float[] Download(CudaStream stream, nint address, int count)
    {
        var values = new float[count];
        using var staging = new Staging(stream, 256);
        staging.Download(address, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    static void Upload(CudaStream stream, float[] values, nint address)
    {
        using var staging = new Staging(stream, 256);
        staging.Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()), address);
    }

    static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(k => k - 3f)];

    [VirtualFact]
    public void DevicesOfFourArchitecturesAreThere()
    {
        var devices = CudaDevice.All(VirtualDriver.Libraries(NvrtcPresence.Compiler));
        Assert.Equal([80, 86, 89, 90], devices.Select(device => device.Architecture));
        Assert.Equal([163 << 10, 99 << 10, 99 << 10, 227 << 10], devices.Select(device => device.SharedBytes));
    }

    [VirtualTheory, InlineData(0), InlineData(3)]
    public void AKernelRunsInItsStreamsOrder(int ordinal)
    {
        using var context = Open(ordinal);
        var stream = new CudaStream(context);
        var kernel = Load(context).Kernel("scale");
        using var x = stream.Allocate(100 * 4);
        Upload(stream, Numbers(100), x.Address);
        kernel.Launch(stream, new(4, 32), x.Address, 2f, 100);
        stream.Fill(x.Address, 0, 8);
        kernel.Launch(stream, new(4, 32), x.Address, 0.5f, 50);
        Assert.Equal(Numbers(100).Select((v, k) => k < 2 ? 0 : k < 50 ? v : 2 * v), Download(stream, x.Address, 100));
        Assert.Equal(["scale", "scale"], VirtualContext.Current!.Launches.Select(launch => launch.Kernel));
    }

    [VirtualFact]
    public void StreamsDoNotWaitForEachOtherUnlessAnEventSaysSo()
    {
        using var context = Open();
        var (copies, compute) = (new CudaStream(context), new CudaStream(context));
        var kernel = Load(context).Kernel("scale");
        var x = compute.Allocate(100 * 4);
        var pinned = new PinnedBuffer(context, 400);
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(pinned.Span).Fill(3);
        compute.Fill(x.Address, 0, 400);
        compute.Synchronize();
        copies.CopyToDevice(pinned, x.Address, 400);
        // Without an event the copy is as late as it may be.
        kernel.Launch(compute, new(4, 32), x.Address, 2f, 100);
        Assert.Equal(new float[100], Download(compute, x.Address, 100));
        var done = new CudaEvent(context);
        copies.Record(done);
        compute.Wait(done);
        kernel.Launch(compute, new(4, 32), x.Address, 2f, 100);
        Assert.Equal(Enumerable.Repeat(6f, 100), Download(compute, x.Address, 100));
    }

    [VirtualFact]
    public void WaitingBreaksACapture()
    {
        using var context = Open();
        var stream = new CudaStream(context);
        Assert.Throws<CudaException>(() => stream.Capture(stream.Synchronize));
        stream.Capture(() => { }).Dispose();
    }

    [VirtualFact]
    public void AFaultLosesTheDeviceAndSaysWhy()
    {
        using var context = Open();
        var stream = new CudaStream(context);
        var kernel = Load(context).Kernel("beyond");
        using var x = stream.Allocate(400);
        kernel.Launch(stream, new(1, 32), x.Address, 2f, 70);
        var error = Assert.Throws<DeviceLostException>(stream.Synchronize);
        Assert.Contains("beyond: source line 2, ptx line", error.Message, StringComparison.Ordinal);
        Assert.Contains("warp 0 lane 30: out of bounds: writes 4 bytes", error.Message, StringComparison.Ordinal);
        Assert.True(context.IsLost);
        // Another one is not lost with it.
        using var other = Open();
        other.Synchronize();
    }

    [VirtualFact]
    public void WhatNothingWroteIsNotDownloaded()
    {
        using var context = Open();
        var stream = new CudaStream(context);
        using var x = stream.Allocate(400);
        stream.Fill(x.Address, 0, 396);
        var error = Assert.Throws<DeviceLostException>(() => Download(stream, x.Address, 100));
        Assert.Contains("uninitialised: byte 396 of an allocation of 400", error.Message, StringComparison.Ordinal);
    }

    [VirtualFact]
    public void FreedMemoryIsGone()
    {
        using var context = Open();
        var stream = new CudaStream(context);
        var kernel = Load(context).Kernel("scale");
        var x = stream.Allocate(400);
        stream.Fill(x.Address, 0, 400);
        x.Dispose();
        kernel.Launch(stream, new(1, 32), x.Address, 2f, 32);
        Assert.Contains("where nothing is allocated", Assert.Throws<DeviceLostException>(stream.Synchronize).Message, StringComparison.Ordinal);
    }

    [VirtualFact]
    public void UnknownCodeIsRefusedWithItsLine()
    {
        using var context = Open();
        var error = Assert.Throws<CudaException>(() => new CudaModule(context, ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k() {\nfrobnicate.b32;\n}\0"u8, "odd"));
        Assert.Contains("ptx line 5: `frobnicate.b32`: an instruction that is not known", error.Message, StringComparison.Ordinal);
    }
}
