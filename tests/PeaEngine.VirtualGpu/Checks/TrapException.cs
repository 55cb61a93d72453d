namespace PeaEngine.VirtualGpu.Checks;

/// <summary>A kernel did what it must not: which, where, and what was expected.</summary>
/// <param name="message">Kernel, line, instruction, block, warp and lane, and the fault.</param>
public sealed class TrapException(string message) : Exception(message);
