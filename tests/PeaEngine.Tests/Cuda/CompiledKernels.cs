using System.Collections.Concurrent;
using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Tests.Cuda;

/// <summary>Programs as machine code with the compiler's log, each compiled once for all tests that look at it.</summary>
static class CompiledKernels
{
    static readonly ConcurrentDictionary<(string Name, int Architecture), Lazy<CompiledKernel>> Compiled = [];
    static readonly ConcurrentDictionary<(string Name, int Architecture), Lazy<IReadOnlyDictionary<string, MachineFunction>>> Disassembled = [];

    /// <summary>The architectures that the engine is meant for; on a GPU its own, whose compiler may be another than that of the other tests.</summary>
    public static int[] Architectures => CudaTestDevice.IsReal ? [CudaTestDevice.Architecture] : [80, 86, 89, 90];

    /// <summary>Every program for each of them.</summary>
    public static TheoryData<string, int> All
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var name in KernelSources.Names)
                foreach (var architecture in Architectures) data.Add(name, architecture);
            return data;
        }
    }

    /// <summary>What the disassembler sees of a program's kernels.</summary>
    public static IReadOnlyDictionary<string, MachineFunction> Functions(string name, int architecture) =>
        Disassembled.GetOrAdd((name, architecture), key => new(() => Disassembler.Read(Get(key.Name, key.Architecture).Code))).Value;

    public static CompiledKernel Get(string name, int architecture) =>
        Compiled.GetOrAdd((name, architecture), key => new(() => NvrtcPresence.Compiler.Compile(KernelSources.Get(key.Name), new(key.Architecture)))).Value;
}
