namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>Where a variable lives.</summary>
public enum PtxSpace { Global, Const, Shared, Local, Param }

/// <summary>A variable of a module or of a function.</summary>
/// <param name="Space">Its state space.</param>
/// <param name="Name">Its name; renamed if an inner scope declares it.</param>
/// <param name="Align">Bytes.</param>
/// <param name="Bytes">Its size; 0 for an extern array without one, which is the launch's dynamic shared memory.</param>
/// <param name="Initial">The bytes that it starts with, or null.</param>
/// <param name="IsExtern">Declared here, defined elsewhere.</param>
/// <param name="Line">Of its declaration, from 1.</param>
public sealed record PtxVariable(PtxSpace Space, string Name, int Align, long Bytes, byte[]? Initial, bool IsExtern, int Line);

/// <summary>A kernel or a device function.</summary>
public sealed class PtxFunction
{
    /// <summary>The mangled name.</summary>
    public required string Name { get; init; }

    /// <summary>A kernel.</summary>
    public required bool IsEntry { get; init; }

    /// <summary>The line of its declaration, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>Parameters in order.</summary>
    public List<PtxVariable> Parameters { get; } = [];

    /// <summary>Return values of a device function.</summary>
    public List<PtxVariable> Returns { get; } = [];

    /// <summary>Every register that the body declares.</summary>
    public Dictionary<string, PtxType> Registers { get; } = [];

    /// <summary>Shared, local and parameter variables of the body.</summary>
    public List<PtxVariable> Variables { get; } = [];

    /// <summary>The body in order.</summary>
    public List<PtxInstruction> Instructions { get; } = [];

    /// <summary>Labels, and the index of the instruction that follows each.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>The lists of labels that <c>brx.idx</c> chooses from.</summary>
    public Dictionary<string, string[]> BranchTargets { get; } = [];

    /// <summary>Threads of a block by <c>.maxntid</c> or <c>.reqntid</c>, or null.</summary>
    public int? MaxThreads { get; set; }

    /// <summary>False for a declaration only: <c>.extern .func</c> or a prototype.</summary>
    public bool HasBody { get; set; }
}

/// <summary>A module as written: what NVRTC emits, read by <see cref="Parse"/>.</summary>
public sealed class PtxModule
{
    /// <summary>The ISA's version, such as 7.8.</summary>
    public string Version { get; set; } = "";

    /// <summary>The architecture, such as <c>sm_80</c>.</summary>
    public string Target { get; set; } = "";

    /// <summary>Variables of the module.</summary>
    public List<PtxVariable> Variables { get; } = [];

    /// <summary>The files that it was compiled from, by the numbers that instructions name them by.</summary>
    public Dictionary<int, string> Files { get; } = [];

    /// <summary>Kernels and device functions by name.</summary>
    public Dictionary<string, PtxFunction> Functions { get; } = [];

    /// <summary>Reads PTX text.</summary>
    /// <exception cref="PtxException">It is not PTX, or uses a directive that is not known.</exception>
    public static PtxModule Parse(string text) => new PtxParser(PtxLexer.Read(text)).Module();
}
