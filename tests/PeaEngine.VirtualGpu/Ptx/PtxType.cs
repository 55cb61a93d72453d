namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>The fundamental and packed types of the PTX ISA.</summary>
public enum PtxType
{
    Pred, B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64, F16, F16x2, BF16, BF16x2, TF32, F32, F64,
}

/// <summary>What a type means for registers and memory.</summary>
public static class PtxTypes
{
    static readonly Dictionary<string, PtxType> Names =
        Enum.GetValues<PtxType>().ToDictionary(type => type.ToString().ToLowerInvariant());

    /// <summary>Finds the type of a part of an opcode or of a directive, written without its dot.</summary>
    public static bool TryParse(string name, out PtxType type) => Names.TryGetValue(name, out type);

    /// <summary>Bytes in memory; 0 for a predicate.</summary>
    public static int Bytes(this PtxType type) => type switch
    {
        PtxType.Pred => 0,
        PtxType.B8 or PtxType.U8 or PtxType.S8 => 1,
        PtxType.B16 or PtxType.U16 or PtxType.S16 or PtxType.F16 or PtxType.BF16 => 2,
        PtxType.B64 or PtxType.U64 or PtxType.S64 or PtxType.F64 => 8,
        _ => 4,
    };

    /// <summary>A signed integer.</summary>
    public static bool IsSigned(this PtxType type) => type is PtxType.S8 or PtxType.S16 or PtxType.S32 or PtxType.S64;

    /// <summary>A floating point number, alone or as a pair.</summary>
    public static bool IsFloat(this PtxType type) => type >= PtxType.F16;
}
