using System.Collections.Concurrent;
using System.Security.Cryptography;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Decoding;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>A launch that the device refuses.</summary>
public sealed class LaunchException(string message) : Exception(message);

/// <summary>A module loaded into device memory, every kernel of it decoded.</summary>
public sealed class ModuleImage : IDisposable
{
    readonly DeviceMemory memory;
    readonly GpuArchitecture architecture;
    readonly Dictionary<string, Program> programs = [];
    readonly Dictionary<string, Allocation> globals = [];

    /// <summary>Loads PTX.</summary>
    /// <exception cref="PtxException">It is not PTX, holds an instruction that is not known, or a symbol that nothing defines.</exception>
    public ModuleImage(string ptx, DeviceMemory memory, GpuArchitecture architecture)
    {
        (this.memory, this.architecture) = (memory, architecture);
        if (Known.TryGetValue(Key(ptx), out var known) && Number(known.Target) <= architecture.Number)
        {
            programs = known.Programs;
            return;
        }
        var module = PtxModule.Parse(ptx);
        if (Number(module.Target) > architecture.Number) throw new PtxException(1, $"target {module.Target}, expected at most sm_{architecture.Number}");
        try
        {
            foreach (var variable in Globals(module.Variables)) Place(variable.Name, variable);
            foreach (var function in module.Functions.Values)
                foreach (var variable in Globals(function.Variables)) Place($"{function.Name}.{variable.Name}", variable);
            foreach (var entry in module.Functions.Values.Where(function => function is { IsEntry: true, HasBody: true }))
                programs.Add(entry.Name, Decoder.Decode(entry, module, ptx, globals));
        }
        catch
        {
            Dispose();
            throw;
        }
        // Programs without variables of their own are the same wherever they are loaded, and large ones take a while to decode.
        if (globals.Count > 0) return;
        if (Known.Values.Sum(other => other.Programs.Values.Sum(program => (long)program.Length)) > MostKnown) Known.Clear();
        Known.TryAdd(Key(ptx), (module.Target, programs));
    }

    /// <summary>Instructions that are kept: half a gigabyte.</summary>
    const int MostKnown = 4_000_000;

    static readonly ConcurrentDictionary<string, (string Target, Dictionary<string, Program> Programs)> Known = [];

    static string Key(string ptx) => Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(ptx)));

    static IEnumerable<PtxVariable> Globals(IEnumerable<PtxVariable> variables) => variables.Where(variable => variable.Space is PtxSpace.Global or PtxSpace.Const);

    /// <summary>The names of its kernels.</summary>
    public IReadOnlyCollection<string> Kernels => programs.Keys;

    /// <summary>A global variable, or null if there is none of that name.</summary>
    public Allocation? Global(string name) => globals.GetValueOrDefault(name);

    /// <summary>What a kernel needs of a block: static shared memory and 32-bit registers of a thread.</summary>
    public (int SharedBytes, int Registers, int LocalBytes, int MaxThreads) Needs(string kernel) =>
        (Find(kernel).SharedBytes, Find(kernel).Registers, Find(kernel).LocalBytes, Find(kernel).MaxThreads ?? GpuArchitecture.ThreadsPerBlock);

    /// <summary>Where each parameter of a kernel lies, and its size.</summary>
    public IReadOnlyList<(int Offset, int Bytes)> Parameters(string kernel) => Find(kernel).Parameters;

    /// <summary>Executes a kernel to its end.</summary>
    /// <param name="kernel">Its name.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads of a block.</param>
    /// <param name="dynamicShared">Bytes of shared memory beyond the kernel's own.</param>
    /// <param name="parameters">The parameters' bytes, laid out as the kernel declares them.</param>
    /// <param name="mostDynamicShared">Bytes of dynamic shared memory that the kernel was allowed; without that 48 KiB in all.</param>
    /// <param name="order">Draws the order in which blocks are begun; with null the first is the first.</param>
    /// <exception cref="LaunchException">The device has not got what the launch asks for.</exception>
    /// <exception cref="TrapException">The kernel did what it must not.</exception>
    public Counters Launch(string kernel, Extent grid, Extent block, int dynamicShared, byte[] parameters, int mostDynamicShared = 0, int? order = null)
    {
        var program = Find(kernel);
        Check(kernel, grid, block, dynamicShared, mostDynamicShared);
        if (parameters.Length < program.ParameterBytes) throw new LaunchException($"{program.Name}: {parameters.Length} bytes of parameters, expected {program.ParameterBytes}");
        using var launch = new Launch
        {
            Program = program,
            Memory = memory,
            Grid = grid,
            Block = block,
            SharedBytes = program.SharedBytes + dynamicShared,
            Parameters = Machine.Launch.Pin(parameters),
            Order = order,
        };
        return launch.Run();
    }

    /// <summary>Whether the device has got what a launch asks for.</summary>
    /// <exception cref="LaunchException">It has not.</exception>
    public void Check(string kernel, Extent grid, Extent block, int dynamicShared, int mostDynamicShared)
    {
        var program = Find(kernel);
        if (grid is not { X: > 0, Y: > 0 and < 65536, Z: > 0 and < 65536 }) throw new LaunchException($"{program.Name}: a grid of {grid.X}×{grid.Y}×{grid.Z} blocks, expected at least one and at most 2147483647×65535×65535");
        if (block is not { X: > 0 and <= 1024, Y: > 0 and <= 1024, Z: > 0 and <= 64 } || block.Count > GpuArchitecture.ThreadsPerBlock)
            throw new LaunchException($"{program.Name}: a block of {block.X}×{block.Y}×{block.Z} threads, expected at most {GpuArchitecture.ThreadsPerBlock}");
        if (block.Count > program.MaxThreads) throw new LaunchException($"{program.Name}: a block of {block.Count} threads, compiled for at most {program.MaxThreads}");
        var shared = program.SharedBytes + (long)dynamicShared;
        if (dynamicShared < 0 || shared > GpuArchitecture.SharedWithoutAsking && dynamicShared > mostDynamicShared || shared > architecture.SharedPerBlock)
            throw new LaunchException($"{program.Name}: {shared} bytes of shared memory, {program.SharedBytes} of them static: expected at most {architecture.SharedPerBlock} on sm_{architecture.Number}, and more than {GpuArchitecture.SharedWithoutAsking} only if the kernel's attribute allows {dynamicShared}");
        if ((long)program.Registers * ((block.Count + 31) / 32 * 32) > GpuArchitecture.RegistersPerBlock) throw new LaunchException($"{program.Name}: {program.Registers} registers × {block.Count} threads, expected at most {GpuArchitecture.RegistersPerBlock} registers");
    }

    internal Program Find(string kernel) => programs.TryGetValue(kernel, out var program) ? program : throw new LaunchException($"no kernel {kernel} in the module, which has {string.Join(", ", programs.Keys.Order())}");

    void Place(string name, PtxVariable variable)
    {
        if (variable.IsExtern) return;
        var allocation = memory.Allocate(Math.Max(1, variable.Bytes));
        globals.Add(name, allocation);
        memory.Write(allocation.Address, variable.Initial ?? new byte[Math.Max(1, variable.Bytes)]);
    }

    /// <summary>80 for sm_80. PTX runs on the architecture that it was made for and on newer ones.</summary>
    static int Number(string target) =>
        target.StartsWith("sm_", StringComparison.Ordinal) && int.TryParse(target[3..].TrimEnd('a', 'f'), out var number) ? number : throw new PtxException(1, $"target {target}, expected sm_80 or another");

    public void Dispose()
    {
        foreach (var allocation in globals.Values) memory.Free(allocation.Address);
        globals.Clear();
    }
}
