using System.Runtime.InteropServices;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// Copies go over a stream of their own and come in the order of the ops all the same, with either stream as late as it may be and as early: each of the events that order them is missed by one of these.
/// </summary>
public class CudaCopyStreamTests
{
    /// <summary>The backend's streams in the order of their making; none stands for both as late as may be.</summary>
    const int None = -1, Ops = 0, Copies = 1, Feeds = 2;

    public static TheoryData<int> Hasty => [None, Ops, Copies];

    static CudaBackend Open(int hasty)
    {
        var backend = new CudaBackend(CudaTestDevice.Open());
        if (hasty != None && !CudaTestDevice.IsReal) VirtualContext.Current!.Hasten(hasty);
        return backend;
    }

    static Tensor New(Storage memory, int at) => new(memory, at * 64, [16], DType.F32);

    static float[] Numbers(int from) => [.. Enumerable.Range(from, 16).Select(i => (float)i)];

    static float[] Read(Backend backend, Tensor tensor)
    {
        var values = new float[tensor.Elements];
        backend.Download(tensor, values);
        return values;
    }

    [NvrtcTheory, MemberData(nameof(Hasty))]
    public void AnOpReadsWhatWasUploadedBeforeItAndNotWhatCameLater(int hasty)
    {
        using var backend = Open(hasty);
        using var memory = backend.Allocate(256);
        Tensor x = New(memory, 0), before = New(memory, 1), after = New(memory, 2);
        backend.Upload(Numbers(0), x);
        backend.Copy(x, before);
        backend.Upload(Numbers(100), x);
        backend.Copy(x, after);
        // The last upload is for nobody.
        backend.Upload(Numbers(200), x);
        Assert.Equal(Numbers(0), Read(backend, before));
        Assert.Equal(Numbers(100), Read(backend, after));
    }

    [NvrtcTheory, MemberData(nameof(Hasty))]
    public void ADownloadIsOfWhatTheOpsBeforeItWrote(int hasty)
    {
        using var backend = Open(hasty);
        using var memory = backend.Allocate(256);
        Tensor x = New(memory, 0), y = New(memory, 1);
        backend.Upload(Numbers(3), x);
        for (var i = 0; i < 5; i++) backend.Combine(y, new Term(i, x));
        Assert.Equal(Numbers(3).Select(value => 4 * value), Read(backend, y));
        backend.Combine(y, new Term(5, x));
        Assert.Equal(Numbers(3).Select(value => 5 * value), Read(backend, y));
    }

    [NvrtcTheory, MemberData(nameof(Hasty))]
    public void MemoryMayBeFreedWhileItsUploadIsUnderWay(int hasty)
    {
        using var backend = Open(hasty);
        for (var i = 0; i < 5; i++)
        {
            using var memory = backend.Allocate(256);
            backend.Upload(Numbers(i), New(memory, 0));
            if (i == 3) Assert.Equal(Numbers(3), Read(backend, New(memory, 0)));
        }
    }

    [NvrtcTheory, MemberData(nameof(Hasty))]
    public void UploadsOfManyPiecesArrive(int hasty)
    {
        using var backend = Open(hasty);
        using var memory = backend.Allocate(40 << 20);
        Tensor x = new(memory, 0, [10 << 20], DType.F32);
        var values = Enumerable.Range(0, 10 << 20).Select(i => (float)i).ToArray();
        backend.Upload(values, x);
        Assert.True(values.AsSpan().SequenceEqual(Read(backend, x)));
    }

    public static TheoryData<int> HastyFeeds => [None, Ops, Feeds];

    /// <summary>What is sent comes to the ops after its taking and not to those before, in parts and often; what comes next disturbs neither, and neither does the end of it.</summary>
    [NvrtcTheory, MemberData(nameof(HastyFeeds))]
    public void WhatIsFedIsThereWhenItIsTaken(int hasty)
    {
        using var backend = Open(None);
        using var memory = backend.Allocate(1024);
        var taken = Enumerable.Range(0, 8).Select(i => New(memory, i)).ToArray();
        using (var feed = backend.OpenFeed(128))
        {
            if (hasty != None && !CudaTestDevice.IsReal) VirtualContext.Current!.Hasten(hasty);
            for (var round = 0; round < 4; round++)
            {
                MemoryMarshal.AsBytes<float>([.. Numbers(100 * round), .. Numbers(100 * round + 50)]).CopyTo(feed.Host);
                feed.Send(128);
                feed.Take(64, taken[2 * round]);
                feed.Take(0, taken[2 * round + 1]);
            }
            Assert.Contains("expected before", Assert.Throws<CudaException>(() =>
            {
                using var recording = backend.Record(() => feed.Take(0, taken[0]));
                for (var i = 0; i < 2; i++) recording.Run();
            }).Message, StringComparison.Ordinal);
            feed.Take(64, taken[0]);
        }
        for (var round = 1; round < 4; round++)
        {
            Assert.Equal(Numbers(100 * round + 50), Read(backend, taken[2 * round]));
            Assert.Equal(Numbers(100 * round), Read(backend, taken[2 * round + 1]));
        }
        Assert.Equal(Numbers(350), Read(backend, taken[0]));
        Assert.Equal(Numbers(0), Read(backend, taken[1]));
    }

    [Fact]
    public void WithoutAGpuNothingIsOnItsWay()
    {
        using var backend = Device.Open("cpu", 1);
        using var memory = backend.Allocate(64);
        using var feed = backend.OpenFeed(128);
        MemoryMarshal.AsBytes<float>([.. Numbers(0), .. Numbers(50)]).CopyTo(feed.Host);
        feed.Send(128);
        feed.Take(64, New(memory, 0));
        Assert.Equal(Numbers(50), Read(backend, New(memory, 0)));
    }

    /// <summary>What the host changes, in one piece, in a whole number of them, and in no whole number: after the ops before it, before those that come.</summary>
    [VirtualTheory, MemberData(nameof(Hasty))]
    public void TheHostChangesWhatTheOpsBeforeItWrote(int hasty)
    {
        const int BlockBytes = 64;
        using var context = CudaTestDevice.Open();
        var work = new CudaStream(context);
        using var staging = new Staging(work, BlockBytes);
        if (hasty != None) VirtualContext.Current!.Hasten(hasty);
        foreach (var elements in (int[])[1, 16, 32, 71])
        {
            var bytes = elements * sizeof(float);
            using DeviceBuffer x = work.Allocate(bytes), y = work.Allocate(bytes);
            float[] given = [.. Enumerable.Range(1, elements).Select(i => (float)i)], changed = new float[elements];
            staging.Upload(MemoryMarshal.AsBytes(given.AsSpan()), x.Address);
            work.Copy(x.Address, y.Address, bytes);
            var pieces = new List<int>();
            staging.Change(y.Address, bytes, piece =>
            {
                pieces.Add(piece.Length);
                foreach (ref var value in MemoryMarshal.Cast<byte, float>(piece)) value *= -2;
            });
            work.Copy(y.Address, x.Address, bytes);
            staging.Download(x.Address, MemoryMarshal.AsBytes(changed.AsSpan()));
            Assert.Equal(given.Select(value => -2 * value), changed);
            Assert.Equal((bytes, (bytes + BlockBytes - 1) / BlockBytes), (pieces.Sum(), pieces.Count));
        }
    }
}
