using System.Globalization;
using System.Runtime.InteropServices;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Randomness;
using PeaEngine.Tests.Train.Processes;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Processes;

namespace PeaEngine.Tests.Cuda;

/// <summary>Sums of tensors over processes with a device each, by NCCL and through pinned memory.</summary>
public sealed class CudaPeerSumTests : IDisposable
{
    static readonly int[] Few = [1, 3, 1000];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Two ranks add in one order; more have the bits of the order of the ranks. No kernel is needed.</summary>
    [VirtualTheory, InlineData(2), InlineData(3)]
    public void NcclSumsInTheOrderOfTheOps(int ranks)
    {
        var sums = OnEach(ranks, (backend, group) =>
        {
            using var sum = backend.SumOver(group);
            var asked = group.Sums;
            var results = Array.ConvertAll(Few, length =>
            {
                using var memory = backend.Allocate(length * sizeof(float));
                var tensor = new Tensor(memory, 0, [length], DType.F32);
                backend.Upload(Values(group.Rank, length), tensor);
                sum.Run(tensor);
                return Read(backend, tensor);
            });
            // What the host is asked for is a library and an id.
            Assert.Equal((2, 0), (asked, group.Sums - asked));
            return results;
        });
        Assert.All(sums, own => Assert.Equal(Few.Select(length => Expected(ranks, length)), own));
    }

    [VirtualFact]
    public void WithoutNcclOnOneAllGoThroughPinnedMemory()
    {
        var sums = OnEach(2, (backend, group) =>
        {
            using var sum = backend.SumOver(group);
            using var memory = backend.Allocate(4096);
            var tensor = new Tensor(memory, 0, [1001], DType.F32);
            backend.Upload(Values(group.Rank, 1001), tensor);
            var asked = group.Sums;
            sum.Run(tensor);
            Assert.Equal((1, 1), (asked, group.Sums - asked));
            return Read(backend, tensor);
        }, rank => rank == 0 ? CudaTestDevice.Libraries : WithoutNccl());
        Assert.All(sums, own => Assert.Equal(Expected(2, 1001), own));
    }

    /// <summary>Halves of what one process has: a sum of two halves is exact, so that the steps must be the same bits.</summary>
    [VirtualTheory, InlineData(true), InlineData(false)]
    public void AStepThatTwoShareIsTheStepOfOne(bool hasNccl)
    {
        const int Length = 100;
        float[] Step(CudaBackend backend, ProcessGroup group)
        {
            using Storage memory = backend.Allocate(1024);
            Tensor value = new(memory, 0, [Length], DType.F32), gradient = new(memory, 512, [Length], DType.F32);
            using var optimizer = new Optimizer(backend, [new("w", value, gradient)], new(new(LearningRateSchedule.Constant, 0.01, 0.01, 1, 0, 2)));
            backend.Upload(Values(7, Length), value);
            for (var step = 0; step < 2; step++)
            {
                backend.Upload(Array.ConvertAll(Values(8 + step, Length), g => g / group.Count), gradient);
                optimizer.SumGradients(group);
                optimizer.Step(1);
            }
            return Read(backend, value);
        }
        using var alone = new CudaBackend(CudaTestDevice.Open());
        var expected = Step(alone, ProcessGroup.Alone);
        Assert.All(OnEach(2, Step, _ => hasNccl ? CudaTestDevice.Libraries : WithoutNccl()), own => Assert.Equal(expected, own));
    }

    [VirtualFact]
    public void WhatNcclRefusesIsToldWithItsText()
    {
        using var context = CudaTestDevice.Open();
        var stream = new CudaStream(context);
        context.Begin("sum over processes", 8);
        var library = context.Libraries.Nccl.Value!;
        var error = Assert.Throws<CudaException>(() => new CudaCommunicator(library, stream, new byte[CudaCommunicator.IdBytes], 0, 1));
        Assert.Equal("sum over processes [8]: ncclCommInitRank: ncclInvalidArgument (the virtual NCCL's 4: an id that nobody has got)", error.Message);
    }

    [VirtualFact]
    public void OneDeviceIsNotTwoRanks()
    {
        using var backend = new CudaBackend(CudaTestDevice.Open());
        var errors = ThreadGroup.Create(2).Select(group => Task.Factory.StartNew(() => Assert.Throws<CudaException>(() => backend.SumOver(group)).Message, TaskCreationOptions.LongRunning)).ToArray();
        Assert.All(errors, error => Assert.EndsWith("Duplicate GPU detected)", error.Result, StringComparison.Ordinal));
    }

    /// <summary>Two processes, each with the GPU of its number, and sums that go through pinned memory to Open MPI.</summary>
    [VirtualMpiFact]
    public void ProcessesSumByMpi()
    {
        using var run = Mpirun.Start(2, HelperProgram.CommandLine(nameof(CudaPeerSumTests), folder.Path));
        Assert.True(run.Wait() == 0, run.Said);
        var expected = Expected(2, 1000);
        for (var rank = 0; rank < 2; rank++)
        {
            Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(folder.At($"{rank}"))).ToArray());
            Assert.Contains($"local rank {rank} on cuda:{rank}", run.Said, StringComparison.Ordinal);
        }
    }

    [VirtualMpiFact]
    public void AProcessForWhichThereIsNoGpuSaysSo()
    {
        var config = Path.Combine(Repository.Root, "samples", "emoji", "train.yaml");
        using var run = Mpirun.Start(2, ["env", "OMPI_COMM_WORLD_LOCAL_RANK=9", .. HelperProgram.CommandLine("pea", "train", config, "--set", $"output={folder.At("run")}", "--device", "cuda:local")]);
        Assert.Equal(1, run.Wait());
        Assert.Contains("of 2: cuda:local: process 9 of its machine, counted from 0, and 4 GPUs, expected one for each process", run.Said, StringComparison.Ordinal);
    }

    /// <summary>What each process does.</summary>
    internal static void SumByMpi(string folder)
    {
        using var processes = ProcessGroup.Join();
        using var backend = new CudaBackend(new CudaContext(WithoutNccl(), processes.LocalRank));
        using var sum = backend.SumOver(processes);
        using var memory = backend.Allocate(4096);
        var tensor = new Tensor(memory, 0, [1000], DType.F32);
        backend.Upload(Values(processes.Rank, 1000), tensor);
        sum.Run(tensor);
        File.WriteAllBytes(Path.Combine(folder, $"{processes.Rank}"), MemoryMarshal.AsBytes(Read(backend, tensor).AsSpan()).ToArray());
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"local rank {processes.LocalRank} on {backend.Name}"));
    }

    static CudaLibraries WithoutNccl()
    {
        var all = CudaTestDevice.Libraries;
        return new(all.Driver, all.Compiler, all.LoadsPtx);
    }

    static T[] OnEach<T>(int ranks, Func<CudaBackend, ThreadGroup, T> work, Func<int, CudaLibraries>? libraries = null) =>
        [.. ThreadGroup.Create(ranks).Select(group => Task.Factory.StartNew(() =>
        {
            // Only then it counts.
            group.BeforeSum = _ => { };
            using var backend = new CudaBackend(new CudaContext(libraries?.Invoke(group.Rank) ?? CudaTestDevice.Libraries));
            return work(backend, group);
        }, TaskCreationOptions.LongRunning)).ToArray().Select(task => task.Result)];

    static float[] Expected(int ranks, int length)
    {
        var sums = Values(0, length);
        for (var rank = 1; rank < ranks; rank++)
            foreach (var (i, value) in Values(rank, length).Index()) sums[i] += value;
        return sums;
    }

    static float[] Values(int rank, int length)
    {
        var values = new float[length];
        new Philox(1, 0, (ulong)rank).Normals(values);
        return values;
    }

    static float[] Read(Backend backend, Tensor tensor)
    {
        var values = new float[tensor.Elements];
        backend.Download(tensor, values);
        return values;
    }
}
