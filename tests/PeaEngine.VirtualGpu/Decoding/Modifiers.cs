using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>The parts of an opcode after its first, taken one by one: what nobody takes is not known, and refused.</summary>
sealed class Modifiers(PtxInstruction instruction)
{
    readonly List<string> left = [.. instruction.Parts.Skip(1)];

    public bool Take(string name) => left.Remove(name);

    /// <summary>Takes the first of some names that is there, or returns null.</summary>
    public string? TakeAny(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (left.Remove(name)) return name;
        return null;
    }

    /// <summary>Takes names that change nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (var name in names) left.Remove(name);
    }

    /// <summary>Takes hints for caches that begin with a name.</summary>
    public void IgnoreScoped(string prefix) => left.RemoveAll(part => part.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Takes the last part, which must be a type.</summary>
    public PtxType Type()
    {
        if (left.Count == 0 || !PtxTypes.TryParse(left[^1], out var type)) throw Unknown();
        left.RemoveAt(left.Count - 1);
        return type;
    }

    /// <summary>Takes a rounding mode, of floating point numbers or to integers, if there is one.</summary>
    public RoundingMode? Rounding() => TakeAny("rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi") switch
    {
        "rn" or "rni" => RoundingMode.Nearest,
        "rz" or "rzi" => RoundingMode.TowardZero,
        "rm" or "rmi" => RoundingMode.Down,
        "rp" or "rpi" => RoundingMode.Up,
        _ => null,
    };

    /// <summary>Expects that all are taken.</summary>
    public void End()
    {
        if (left.Count > 0) throw Unknown();
    }

    /// <summary>The error of an instruction that is not known.</summary>
    public PtxException Unknown() => new(instruction.Line, $"`{instruction.Opcode}`: an instruction that is not known");
}
