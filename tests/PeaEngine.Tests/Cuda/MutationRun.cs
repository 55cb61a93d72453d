using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Tests.Ops;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Mutation;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// Puts mutants of a program's kernels in their place in small cases of its ops. These are run once on the virtual GPU and recorded; what a mutant does is checked as <see cref="CudaOpTests"/> checks it:
/// by the op's definition, and by sentinels around every tensor.
/// </summary>
sealed class MutationRun : IDisposable
{
    const int Aligned = 256, Odd = 260;

    static readonly (int Inputs, int Outputs)[] Fences = [(Aligned, Aligned), (Odd, Odd), (Aligned, Odd)];

    /// <summary>Larger cases take long, and smaller ones find as much.</summary>
    const long MostBytes = 1 << 20, MostInstructions = 400_000;

    readonly Dictionary<int, (CudaContext Context, CudaBackend Backend)> devices = [];

    /// <summary>The kernels that a case launched.</summary>
    public HashSet<string> Launched { get; } = [];

    /// <summary>The mutants that made a difference to something that a case executed.</summary>
    public HashSet<Mutant> Reached { get; } = [];

    /// <summary>Those of some mutants that no case notices.</summary>
    public IReadOnlyList<Mutant> Unnoticed(string program, IReadOnlyList<Mutant> mutants)
    {
        List<Mutant> left = [.. mutants];
        foreach (var (cases, devices) in MutationCases.Of(program))
            foreach (var @case in cases)
                foreach (var type in (DType[])[DType.F16, DType.F32])
                    foreach (var multiprocessors in type == DType.F32 ? devices[..1] : devices)
                        foreach (var fences in Fences)
                        {
                            // Where nothing is left of a type's kernels, its cases need not be run.
                            if (!left.Exists(mutant => IsOf(mutant.Kernel, type))) continue;
                            using var trial = Record(@case, type, fences, multiprocessors);
                            if (trial is null) continue;
                            Launched.UnionWith(trial.Kernels);
                            Assert.False(trial.NoticesNothing(), $"{@case.Name}, {type}: wrong although nothing was taken out");
                            var tried = left.FindAll(trial.Concerns);
                            Reached.UnionWith(tried);
                            var noticed = tried.AsParallel().Where(trial.Notices).ToHashSet();
                            left.RemoveAll(noticed.Contains);
                        }
        return left;
    }

    /// <summary>Kernels that do not say whose they are may be any type's.</summary>
    static bool IsOf(string kernel, DType type) => !kernel.EndsWith(type == DType.F16 ? "f32" : "f16", StringComparison.Ordinal);

    Trial? Record(OpCase @case, DType type, (int Inputs, int Outputs) fences, int multiprocessors)
    {
        if (!devices.TryGetValue(multiprocessors, out var device))
        {
            var context = CudaTestDevice.OpenVirtual(multiprocessors);
            devices.Add(multiprocessors, device = (context, new CudaBackend(context) { UsesLibrary = false }));
        }
        // Its context becomes the thread's.
        device.Context.Synchronize();
        var backend = new MirroredBackend(device.Backend, type);
        using var fenced = new Fenced(backend, fences.Inputs, type, fences.Outputs);
        var run = @case.Set(fenced);
        if (fenced.Bytes > MostBytes) return null;
        List<Func<DeviceMemory, bool>> checks = [];
        var trial = Trial.Record(VirtualContext.Current!, run.Run, memory => checks.TrueForAll(check => check(memory)));
        if (!trial.Kernels.Any())
        {
            trial.Dispose();
            return null;
        }
        var rounding = CudaOpTests.Rounding(run, backend, type);
        foreach (var (storage, mirror) in backend.Mirrors)
        {
            var (address, bytes, stored, fence) = ((ulong)mirror.Device.Address, mirror.Device.Bytes, mirror.Type, (int)mirror.Host.ByteOffset);
            var output = Array.FindIndex(run.Outputs, output => output.Tensor.Storage == storage);
            // Nobody may read sentinels, even to throw them away.
            trial.Before.Forget(address, fence);
            trial.Before.Forget(address + (ulong)(bytes - fence), fence);
            var error = new Lazy<double>(() => CudaOpTests.RoundedError(@case, rounding, output));
            checks.Add(memory =>
            {
                var image = new byte[bytes];
                memory.Read(address, image);
                if (image.AsSpan(0, fence).ContainsAnyExcept(Fenced.Sentinel) || image.AsSpan(image.Length - fence).ContainsAnyExcept(Fenced.Sentinel)) return false;
                if (output < 0) return true;
                var expected = run.Outputs[output].Expected;
                var values = Values.Doubles(image.AsSpan(fence, image.Length - 2 * fence), stored);
                var limit = CudaOpTests.Limit(@case, rounding, expected);
                bool IsRight() => values.Zip(expected).All(pair => CudaOpTests.Fits(pair.First, pair.Second, limit));
                if (IsRight() || rounding == DType.F32) return IsRight();
                limit = Math.Max(limit, 2 * error.Value);
                return IsRight();
            });
        }
        if (trial.Instructions <= MostInstructions) return trial;
        trial.Dispose();
        return null;
    }

    public void Dispose()
    {
        foreach (var (_, backend) in devices.Values) backend.Dispose();
    }
}
