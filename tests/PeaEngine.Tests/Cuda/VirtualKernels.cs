using System.Runtime.InteropServices;
using System.Text;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.Tests.Cuda;

/// <summary>A program compiled by the real NVRTC, or PTX written by hand, on a virtual GPU of its own.</summary>
sealed class VirtualKernels : IDisposable
{
    readonly ModuleImage module;

    VirtualKernels(string ptx, GpuArchitecture architecture) => module = new(ptx, Memory, architecture);

    public DeviceMemory Memory { get; } = new();

    /// <summary>Compiles CUDA C++.</summary>
    public static VirtualKernels Compile(string source, GpuArchitecture? architecture = null, params string[] options) => new(Ptx(source, options), architecture ?? GpuArchitecture.Sm80);

    /// <summary>Loads a kernel's body in PTX: <paramref name="body"/> stands in a kernel <c>k</c> with parameters p0, p1 … of 64 bits.</summary>
    public static VirtualKernels Body(string body, int parameters = 2, string before = "") =>
        Load($".version 7.8\n.target sm_80\n.address_size 64\n{before}\n.visible .entry k({string.Join(", ", Enumerable.Range(0, parameters).Select(p => $".param .u64 p{p}"))})\n{{\n{body}\n}}\n");

    public static VirtualKernels Load(string ptx, GpuArchitecture? architecture = null) => new(ptx, architecture ?? GpuArchitecture.Sm80);

    /// <summary>PTX as NVRTC writes it for sm_80.</summary>
    public static string Ptx(string source, params string[] options) =>
        Encoding.UTF8.GetString(NvrtcPresence.Compiler.Compile(new("test", source, new Dictionary<string, string>(), options), new(80, IsPtx: true)).Code);

    /// <summary>Device memory with a copy of some values.</summary>
    public ulong New<T>(params ReadOnlySpan<T> values) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        var address = Memory.Allocate(bytes.Length).Address;
        Memory.Write(address, bytes);
        return address;
    }

    /// <summary>Device memory that holds nothing yet.</summary>
    public ulong Room<T>(int count) where T : unmanaged => Memory.Allocate(count * Marshal.SizeOf<T>()).Address;

    public T[] Read<T>(ulong address, int count) where T : unmanaged
    {
        var values = new T[count];
        Memory.Read(address, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Launches with arguments of 4 and 8 bytes, each where the kernel wants it.</summary>
    public Counters Run(string kernel, Extent grid, Extent block, params object[] arguments) => Run(null, kernel, grid, block, 0, arguments);

    /// <summary>The same with dynamic shared memory.</summary>
    public Counters RunShared(string kernel, Extent grid, Extent block, int shared, params object[] arguments) => Run(null, kernel, grid, block, shared, arguments);

    /// <summary>The same with blocks in an order that a seed draws.</summary>
    public Counters RunInOrder(int? order, string kernel, Extent grid, Extent block, params object[] arguments) => Run(order, kernel, grid, block, 0, arguments);

    Counters Run(int? order, string kernel, Extent grid, Extent block, int shared, object[] arguments)
    {
        var layout = module.Parameters(kernel);
        var bytes = new byte[layout.Count == 0 ? 0 : layout[^1].Offset + layout[^1].Bytes];
        Assert.Equal(layout.Count, arguments.Length);
        for (var i = 0; i < arguments.Length; i++)
        {
            var argument = arguments[i] switch
            {
                int value => BitConverter.GetBytes(value),
                float value => BitConverter.GetBytes(value),
                ulong value => BitConverter.GetBytes(value),
                var other => throw new ArgumentException($"{other.GetType()}"),
            };
            Assert.Equal(layout[i].Bytes, argument.Length);
            argument.CopyTo(bytes, layout[i].Offset);
        }
        return module.Launch(kernel, grid, block, shared, bytes, mostDynamicShared: shared, order);
    }

    public void Dispose()
    {
        module.Dispose();
        Memory.Dispose();
    }
}
