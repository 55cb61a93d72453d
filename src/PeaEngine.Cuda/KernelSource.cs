namespace PeaEngine.Cuda;

/// <summary>A program in CUDA C++.</summary>
/// <param name="Name">Its file's name without <c>.cu</c>.</param>
/// <param name="Text">The program.</param>
/// <param name="Headers">What it may include: texts by name. There are no others, none of the toolkit's among them.</param>
/// <param name="Options">Options of NVRTC's beside those that all programs have, such as <c>-DHEAD=64</c>.</param>
public sealed record KernelSource(string Name, string Text, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<string> Options);
