namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>PTX that cannot be read, or an instruction that the machine does not know. Names line and text.</summary>
public sealed class PtxException(int line, string message) : Exception($"ptx line {line}: {message}")
{
    /// <summary>The line, from 1.</summary>
    public int Line { get; } = line;
}
