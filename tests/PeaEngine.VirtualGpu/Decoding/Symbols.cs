using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>
/// The addresses of a kernel's variables: in global memory as the module was loaded, in shared and local memory and in the parameters as
/// laid out here. Static shared variables come first; the one extern array, dynamic shared memory, begins where they end.
/// </summary>
sealed class Symbols
{
    readonly Dictionary<string, (PtxSpace Space, ulong Address)> addresses = [];

    public Symbols(PtxFunction body, PtxModule module, IReadOnlyDictionary<string, Allocation> globals)
    {
        foreach (var variable in module.Variables.Where(variable => variable.Space is PtxSpace.Global or PtxSpace.Const))
            if (globals.TryGetValue(variable.Name, out var allocation)) addresses[variable.Name] = (variable.Space, allocation.Address);
        long shared = 0, local = 0, parameters = 0;
        foreach (var variable in module.Variables.Concat(body.Variables).Where(variable => variable.Space == PtxSpace.Shared && variable.Bytes > 0)) Place(variable, PtxSpace.Shared, ref shared);
        foreach (var variable in body.Variables.Where(variable => variable.Space is PtxSpace.Local or PtxSpace.Param)) Place(variable, PtxSpace.Local, ref local);
        List<(int, int)> layout = [];
        foreach (var parameter in body.Parameters)
        {
            Place(parameter, PtxSpace.Param, ref parameters);
            layout.Add(((int)(parameters - parameter.Bytes), (int)parameter.Bytes));
        }
        foreach (var variable in body.Variables.Where(variable => variable.Space is PtxSpace.Global or PtxSpace.Const))
            addresses[variable.Name] = (variable.Space, globals[$"{body.Name}.{variable.Name}"].Address);
        // Dynamic shared memory has the strictest alignment that any type asks for.
        foreach (var variable in module.Variables.Concat(body.Variables).Where(variable => variable.Space == PtxSpace.Shared && variable.Bytes == 0))
        {
            shared = (shared + Math.Max(variable.Align, 16) - 1) / Math.Max(variable.Align, 16) * Math.Max(variable.Align, 16);
            addresses[variable.Name] = (PtxSpace.Shared, (ulong)shared);
        }
        (SharedBytes, LocalBytes, Parameters) = (checked((int)shared), checked((int)(local + 15) / 16 * 16), layout);
    }

    public int SharedBytes { get; }

    public int LocalBytes { get; }

    public IReadOnlyList<(int Offset, int Bytes)> Parameters { get; }

    /// <summary>The space of a variable, or null if there is none of that name.</summary>
    public PtxSpace? Space(string name) => addresses.TryGetValue(name, out var place) ? place.Space : null;

    /// <summary>The address of a variable in its space.</summary>
    /// <exception cref="PtxException">It is defined nowhere.</exception>
    public ulong Address(PtxOperand.Symbol symbol, int line) =>
        addresses.TryGetValue(symbol.Name, out var place) ? place.Address + (ulong)symbol.Offset : throw new PtxException(line, $"unresolved extern {symbol.Name}");

    void Place(PtxVariable variable, PtxSpace space, ref long end)
    {
        end = (end + variable.Align - 1) / variable.Align * variable.Align;
        addresses[variable.Name] = (space, (ulong)end);
        end += variable.Bytes;
    }
}
