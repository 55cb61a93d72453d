using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Perf.Gpu;

/// <summary>An op whose launches stand for those of real models: blocks that are full, on a map as small as can be, with an innermost loop of two lengths.</summary>
/// <param name="Program">The file in kernels/ that has its kernels.</param>
/// <param name="Multiprocessors">How many the device has: a product's tile follows from that.</param>
/// <param name="Lengths">Two, or one where nothing depends on it.</param>
/// <param name="Run">The op with a length.</param>
sealed partial record KernelSample(string Program, int Multiprocessors, int[] Lengths, Action<Room, int> Run)
{
    /// <summary>A device with one multiprocessor gets the widest tile, with four the next, and with more than there are tiles the smallest.</summary>
    const int One = 1, Four = 4, Many = 1 << 20;

    const DType Type = DType.F16;

    /// <summary>Samples of all kernels that models launch with 16-bit activations.</summary>
    public static IReadOnlyList<KernelSample> All { get; } = [.. Forward(), .. Backward()];

    static IEnumerable<KernelSample> Forward() =>
    [
        .. from multiprocessors in (int[])[One, Four, Many] select new KernelSample("conv2d", multiprocessors, [64, 128], (room, channels) => Convolve(room, channels, 512)),
        new("conv2d", One, [4, 9], (room, channels) => Convolve(room, channels, 320)),
        .. from multiprocessors in (int[])[One, Four, Many] select new KernelSample("geglu", multiprocessors, [320, 640],
            (room, depth) => room.Backend.Geglu(room.New([128, depth], dtype: Type), room.New([512, depth], dtype: Type), room.New([512]), room.Empty([128, 256], Type))),
        .. from multiprocessors in (int[])[One, Many] select new KernelSample("linear", multiprocessors, [320, 640],
            (room, depth) => room.Backend.Linear(room.New([128, depth], dtype: Type), room.New([256, depth], dtype: Type), room.New([256]), room.Empty([128, 256], Type), Activation.None, room.New([128, 256], dtype: Type))),
        .. from dim in (int[])[64, 80, 160, 512] select new KernelSample(dim > 160 ? "attention_wide" : "attention", One, [128, 256], (room, keys) => room.Backend.Attention(room.New([1, 128, dim], dtype: Type), room.New([1, keys, dim], dtype: Type),
            room.New([1, keys, dim], dtype: Type), room.Empty([1, 128, dim], Type), 1, 0.125f)),
        // Up to 128 chunks of at least 32 pixels: longer chunks have images of more than 4096.
        new("group_norm", One, [64, 96], (room, side) => room.Backend.GroupNorm(room.New([1, side, side, 256], dtype: Type), room.New([256]), room.New([256]),
            room.Empty([1, side, side, 256], Type), 32, 1e-5f, true)),
        // Fewer chunks of more channels, for what merges them.
        new("group_norm", One, [16], (room, side) => room.Backend.GroupNorm(room.New([1, side, side, 512], dtype: Type), room.New([512]), room.New([512]), room.Empty([1, side, side, 512], Type), 32, 1e-5f, true)),
        new("layer_norm", One, [640, 1280], (room, channels) => room.Backend.LayerNorm(room.New([4, channels], dtype: Type), room.New([channels]), room.New([channels]), room.Empty([4, channels], Type), 1e-5f)),
        new("rms_norm", One, [1024, 2048], (room, channels) => room.Backend.RmsNorm(room.New([4, channels], dtype: Type), room.New([channels]), room.Empty([4, channels], Type), 1e-6f)),
        new("concat", One, [1280, 2560], (room, channels) => room.Backend.Concat(room.New([4, channels / 2], dtype: Type), room.New([4, channels / 2], dtype: Type), room.Empty([4, channels], Type))),
        new("activate", One, [0], (room, _) => room.Backend.Activate(room.New([8192], dtype: Type), room.Empty([8192], Type), Activation.Silu)),
        new("copy", One, [0], (room, _) => room.Backend.Copy(room.New([8192]), room.Empty([8192], Type))),
        new("copy", One, [0], (room, _) => room.Backend.Copy(room.New([8192], dtype: Type), room.Empty([8192]))),
        new("combine", One, [2, 4], (room, terms) => room.Backend.Combine(room.Empty([4096]), [.. Enumerable.Range(0, terms).Select(_ => new Term(0.5f, room.New([4096])))])),
        new("combine", One, [2, 4], (room, terms) => room.Backend.Combine(room.Empty([8192], Type), [.. Enumerable.Range(0, terms).Select(_ => new Term(0.5f, room.New([8192], dtype: Type)))])),
        new("embedding", One, [640, 1280], (room, channels) => room.Backend.TimestepEmbedding(room.New([4]), room.Empty([4, channels], Type), true, 0)),
        new("embedding", One, [640, 1280], (room, channels) =>
        {
            var ids = room.Empty([1, 4], DType.I32);
            room.Backend.Embedding(ids, room.New([16, channels], dtype: Type), room.New([4, channels], dtype: Type), room.Empty([1, 4, channels], Type));
        }),
        new("transpose", One, [0], (room, _) => room.Backend.ToChannelsLast(room.New([1, 32, 32, 32], dtype: Type), room.Empty([1, 32, 32, 32], Type))),
        new("transpose", One, [0], (room, _) => room.Backend.ToChannelsFirst(room.New([1, 32, 32, 32]), room.Empty([1, 32, 32, 32]))),
        new("mean_tokens", One, [32, 64], (room, tokens) => room.Backend.MeanTokens(room.New([1, tokens, 256], dtype: Type), null, room.Empty([1, 256], Type))),
    ];

    /// <summary>Runs the samples of some programs and gives each kernel's counts.</summary>
    public static Dictionary<string, KernelCounts> Count(NvrtcCompiler compiler, IReadOnlyList<string> programs)
    {
        var counted = new List<(KernelLaunch Launch, Counters Counters)>();
        var before = VirtualDriver.Multiprocessors;
        try
        {
            foreach (var sample in All.Where(sample => programs.Contains(sample.Program)))
                foreach (var length in sample.Lengths)
                {
                    VirtualDriver.Multiprocessors = sample.Multiprocessors;
                    using var backend = new CountingBackend(compiler, Type, counted);
                    using var room = new Room(backend, 1);
                    sample.Run(room, length);
                }
        }
        finally
        {
            VirtualDriver.Multiprocessors = before;
        }
        return counted.GroupBy(each => each.Launch.Entry).ToDictionary(group => group.Key, group => Fit([.. group.OrderBy(each => each.Launch.Call.Length)]));
    }

    static KernelCounts Fit((KernelLaunch Launch, Counters Counters)[] runs)
    {
        var (first, last) = (runs[0], runs[^1]);
        return new(Through(c => c.Instructions), Through(c => c.MmaFlops), Through(c => c.SharedPasses), Through(c => c.SharedConflicts), Through(c => c.GlobalBytes), Through(c => c.GlobalSectors));

        PerBlock Through(Func<Counters, long> count) =>
            PerBlock.Through((first.Launch.Call.Length, (double)count(first.Counters) / first.Launch.Blocks), (last.Launch.Call.Length, (double)count(last.Counters) / last.Launch.Blocks));
    }

    static void Convolve(Room room, int channels, int columns) =>
        room.Backend.Conv2d(room.New([1, 8, 16, channels], dtype: Type), room.New([columns, 3, 3, channels], dtype: Type), room.New([columns]), room.Empty([1, 8, 16, columns], Type), new(1, 1),
            residual: room.New([1, 8, 16, columns], dtype: Type));
}
