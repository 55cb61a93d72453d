using PeaEngine.Backends;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>What an op did on a virtual device.</summary>
/// <param name="Op">The op.</param>
/// <param name="Type">Of its activations.</param>
/// <param name="Launches">Its kernels.</param>
/// <param name="Hash">The bits of all of its tensors when they were done.</param>
sealed record RepresentativeRun(RepresentativeOp Op, DType Type, IReadOnlyList<LaunchRecord> Launches, string Hash);

/// <summary>An op at widths that real models have, on a map as small as still shows how its kernels behave.</summary>
/// <param name="Name">The op and what tells it from others; those that differ in nothing but the tile that they get have one name.</param>
/// <param name="Multiprocessors">How many the device has: a product's tile follows from that.</param>
/// <param name="Run">Calls the op with activations of a type.</param>
sealed record RepresentativeOp(string Name, int Multiprocessors, Action<CudaBackend, DeviceTensors, DType> Run)
{
    /// <summary>Few enough for the widest tile, as many as the next one has blocks here, and so many that only the smallest is worth it.</summary>
    const int Few = 1, Some = 2, Many = 1 << 20;

    static readonly Lazy<IReadOnlyList<RepresentativeRun>> Done = new(RunAll);

    /// <summary>Ops that launch all kernels between them, run once for each type of activations.</summary>
    public static RepresentativeOp[] All { get; } =
    [
        new("AdamW", Few, (b, t, _) => b.AdamW(t.Of(DType.F32, 65536), t.Of(DType.F32, 65536), t.Of(DType.F32, 65536), t.Of(DType.F32, 65536), t.Of(DType.F32, 65536), t.Of(DType.F32, 5), new(0.9, 0.999, 1e-8, 0.99))),
        new("AdamW's factors", Few, (b, t, _) => b.AdamWFactors(t.Of(DType.F32, 300), t.Of(DType.F64, 3), t.Of(DType.F64, 5), t.Of(DType.F64, 2), t.Of(DType.F32, 5))),
        new("activate", Few, (b, t, type) => b.Activate(t.Of(type, 256, 640), t.Of(type, 256, 640), Activation.Silu)),
        new("activate backward", Few, (b, t, type) => b.ActivateBackward(t.Of(type, 256, 640), t.Of(type, 256, 640), t.Of(type, 256, 640), Activation.Silu)),
        .. from channels in (int[])[16, 32, 40, 64, 80, 128, 160, 10]
           select new RepresentativeOp($"attention of {channels} channels", Few, (b, t, type) =>
           {
               Tensor Of() => t.Of(type, 1, 128, 2 * channels);
               b.Attention(Of(), Of(), Of(), Of(), 2, 0.1f);
           }),
        .. from channels in (int[])[512, 500]
           select new RepresentativeOp($"attention of {channels} channels", Few, (b, t, type) => b.Attention(t.Of(type, 1, 64, channels), t.Of(type, 1, 64, channels), t.Of(type, 1, 64, channels), t.Of(type, 1, 64, channels), 1, 0.05f)),
        .. from channels in (int[])[32, 48, 64, 80, 160, 10, 200]
           select new RepresentativeOp($"gradients of attention of {channels} channels", Few, (b, t, type) =>
           {
               Tensor Of() => t.Of(type, 1, 64, 2 * channels);
               b.AttentionBackward(Of(), Of(), Of(), Of(), t.Of(DType.F32, 1, 2, 64), Of(), Of(), Of(), Of(), 2, 0.1f, new(Bias: t.Of(DType.F32, 1, 2, 64, 64)), t.Of(DType.F32, 1, 2, 64, 64));
           }),
        new("blend", Few, (b, t, type) => b.Blend(t.Of(type, 65536), t.Of(type, 65536), t.Of(type, 65536), t.Of(type, 65536))),
        new("combine", Few, (b, t, type) => b.Combine(t.Of(type, 65536), new(1, t.Of(type, 65536)), new(2, t.Of(type, 65536)), new(-1, t.Of(type, 65536)))),
        new("combine at", Few, (b, t, _) => b.CombineAt(t.Of(DType.F32, 65536), t.Of(DType.F32, 3), [t.Of(DType.F32, 65536), t.Of(DType.F32, 65536), t.Of(DType.F32, 65536)])),
        new("concat", Few, (b, t, type) => b.Concat(t.Of(type, 64, 1280), t.Of(type, 64, 640), t.Of(type, 64, 1920))),
        // 128 pixels and 256 columns are 1, 2 and 8 tiles.
        .. from multiprocessors in (int[])[Few, Some, Many] select new RepresentativeOp("convolution", multiprocessors, (b, t, type) => Convolve(b, t, type, 64, 256)),
        .. from multiprocessors in (int[])[Few, Some, Many] select new RepresentativeOp("gradients of a convolution", multiprocessors, (b, t, type) => ConvolveBackward(b, t, type, 256, 128)),
        new("gradients of a convolution of 9 channels", Few, (b, t, type) => ConvolveBackward(b, t, type, 9, 30)),
        .. from channels in (int[])[4, 9] select new RepresentativeOp($"convolution of {channels} channels", Few, (b, t, type) => Convolve(b, t, type, channels, 320)),
        new("copy", Few, (b, t, type) =>
        {
            var x = t.Of(type, 65536);
            foreach (var to in (DType[])[DType.F32, DType.F16, DType.BF16]) b.Copy(x, t.Of(to, 65536));
        }),
        new("embedding", Few, (b, t, type) => b.Embedding(t.Of(DType.I32, 1, 77), t.Of(type, 1000, 768), t.Of(type, 77, 768), t.Of(type, 1, 77, 768))),
        new("embedding backward", Few, (b, t, type) => b.EmbeddingBackward(t.Of(DType.I32, 1, 77), t.Of(type, 1, 77, 768), t.Of(DType.F32, 1000, 768))),
        new("gate backward", Few, (b, t, type) => b.GateBackward(t.Of(type, 64, 2560), t.Of(type, 64, 1280), t.Of(type, 64, 2560), Activation.Gelu)),
        .. from multiprocessors in (int[])[Few, Some, Many] select new RepresentativeOp("GEGLU", multiprocessors, (b, t, type) => Gate(b, t, type, 320)),
        new("GEGLU of 30 channels", Few, (b, t, type) => Gate(b, t, type, 30)),
        new("group norm", Few, (b, t, type) => b.GroupNorm(t.Of(type, 1, 32, 32, 320), t.Of(DType.F32, 320), t.Of(DType.F32, 320), t.Of(type, 1, 32, 32, 320), 32, 1e-5f, true)),
        new("group norm backward", Few, (b, t, type) => b.GroupNormBackward(t.Of(type, 1, 32, 32, 320), t.Of(DType.F32, 320), t.Of(DType.F32, 320), t.Of(type, 1, 32, 32, 320), t.Of(type, 1, 32, 32, 320), 32, 1e-5f, true, t.Of(DType.F32, 320), t.Of(DType.F32, 320))),
        new("layer norm", Few, (b, t, type) => b.LayerNorm(t.Of(type, 64, 1280), t.Of(DType.F32, 1280), t.Of(DType.F32, 1280), t.Of(type, 64, 1280), 1e-5f)),
        new("layer norm backward", Few, (b, t, type) => b.LayerNormBackward(t.Of(type, 64, 1280), t.Of(DType.F32, 1280), t.Of(type, 64, 1280), t.Of(type, 64, 1280), 1e-5f, null, t.Of(DType.F32, 1280), t.Of(DType.F32, 1280))),
        .. from multiprocessors in (int[])[Few, Many] select new RepresentativeOp("linear", multiprocessors, (b, t, type) => Multiply(b, t, type, 320)),
        new("linear of 30 channels", Few, (b, t, type) => Multiply(b, t, type, 30)),
        .. from multiprocessors in (int[])[Few, Many]
           select new RepresentativeOp("gradients of linear", multiprocessors, (b, t, type) =>
           {
               b.LinearBackward(t.Of(type, 128, 320), t.Of(type, 320, 256), t.Of(type, 128, 256));
               b.LinearWeightBackward(t.Of(type, 128, 256), t.Of(type, 128, 128), t.Of(DType.F32, 128, 256));
           }),
        new("gradients of linear of 30 channels", Few, (b, t, type) =>
        {
            b.LinearBackward(t.Of(type, 128, 30), t.Of(type, 30, 64), t.Of(type, 128, 64));
            b.LinearWeightBackward(t.Of(type, 600, 30), t.Of(type, 600, 64), t.Of(DType.F32, 64, 30));
        }),
        new("mean of tokens", Few, (b, t, type) => b.MeanTokens(t.Of(type, 2, 77, 1280), null, t.Of(type, 2, 1280))),
        new("mean of tokens backward", Few, (b, t, type) => b.MeanTokensBackward(t.Of(type, 2, 1280), null, t.Of(type, 2, 77, 1280), true)),
        new("normals", Few, (b, t, _) => b.Normals(7, 0, t.Of(DType.U64, 2), t.Of(DType.F32, 2, 4, 64, 64))),
        new("resize backward", Few, (b, t, type) => b.ResizeBackward(t.Of(type, 1, 16, 16, 320), t.Of(type, 1, 8, 8, 320))),
        new("rescaled guidance", Few, (b, t, _) => b.RescaleGuidance(t.Of(DType.F32, 2, 4, 64, 64), t.Of(DType.F32, 2, 4, 64, 64), 0.7f)),
        new("RMS norm", Few, (b, t, type) => b.RmsNorm(t.Of(type, 64, 2048), t.Of(DType.F32, 2048), t.Of(type, 64, 2048), 1e-6f)),
        new("RMS norm backward", Few, (b, t, type) => b.RmsNormBackward(t.Of(type, 64, 2048), t.Of(DType.F32, 2048), t.Of(type, 64, 2048), t.Of(type, 64, 2048), 1e-6f, null, t.Of(DType.F32, 2048))),
        new("squared error", Few, (b, t, type) =>
        {
            b.SquaredError(t.Of(type, 2, 65536), t.Of(type, 2, 65536), t.Of(DType.F32, 2));
            b.SquaredErrorBackward(t.Of(type, 2, 65536), t.Of(type, 2, 65536), t.Of(DType.F32, 2), t.Of(type, 2, 65536), false);
        }),
        new("sum of errors", Few, (b, t, _) => b.SumErrors(t.Of(DType.F32, 9, 10), t.Of(DType.F64, 10), t.Of(DType.F64, 9), t.Of(DType.F64, 3))),
        new("sum of squares", Few, (b, t, _) => b.SumSquares(t.Of(DType.F32, 65536), t.Of(DType.F32, 1))),
        new("sum of tokens", Few, (b, t, type) => b.SumTokens(t.Of(type, 2, 256, 640), t.Of(type, 2, 640))),
        new("split", Few, (b, t, type) => b.Split(t.Of(type, 64, 1920), t.Of(type, 64, 1280), t.Of(type, 64, 640))),
        new("timestep embedding", Few, (b, t, type) => b.TimestepEmbedding(t.Of(DType.F32, 8), t.Of(type, 8, 320), true, 0)),
        new("transpose", Few, (b, t, type) => b.ToChannelsFirst(t.Of(type, 1, 32, 32, 64), t.Of(type, 1, 64, 32, 32))),
    ];

    /// <summary>All of them with each type of activations, in F32 those that choose no tile: each done once a process.</summary>
    public static IReadOnlyList<RepresentativeRun> Runs => Done.Value;

    /// <summary>Does some of them again, on one virtual device.</summary>
    /// <param name="runs">Which.</param>
    /// <param name="multiprocessors">How many the device has.</param>
    /// <param name="blockOrder">What draws the order of blocks.</param>
    public static IReadOnlyList<RepresentativeRun> Again(IEnumerable<RepresentativeRun> runs, int multiprocessors, int blockOrder) => On(multiprocessors, blockOrder, runs.Select(run => (run.Op, run.Type)));

    static RepresentativeRun[] RunAll()
    {
        var ops = from type in (DType[])[DType.F32, DType.F16, DType.BF16] from op in All where type != DType.F32 || op.Multiprocessors == Few select (Op: op, Type: type);
        return [.. ops.GroupBy(each => each.Op.Multiprocessors).SelectMany(device => On(device.Key, null, device))];
    }

    static RepresentativeRun[] On(int multiprocessors, int? blockOrder, IEnumerable<(RepresentativeOp Op, DType Type)> ops)
    {
        var context = CudaTestDevice.OpenVirtual(multiprocessors);
        var device = VirtualContext.Current!;
        device.BlockOrder = blockOrder ?? device.BlockOrder;
        // What is cuBLASLt's on a device is ours here.
        using var backend = new CudaBackend(context) { UsesLibrary = false };
        return [.. ops.Select(each =>
        {
            using var tensors = new DeviceTensors(backend);
            device.ForgetLaunches();
            each.Op.Run(backend, tensors, each.Type);
            context.Synchronize();
            return new RepresentativeRun(each.Op, each.Type, device.Launches, tensors.Hash());
        })];
    }

    static void Convolve(CudaBackend b, DeviceTensors t, DType type, int channels, int columns) =>
        b.Conv2d(t.Of(type, 1, 8, 16, channels), t.Of(type, columns, 3, 3, channels), t.Of(DType.F32, columns), t.Of(type, 1, 8, 16, columns), new(1, 1), t.Of(type, 1, columns), t.Of(type, 1, 8, 16, columns));

    static void ConvolveBackward(CudaBackend b, DeviceTensors t, DType type, int channels, int columns)
    {
        b.Conv2dBackward(t.Of(type, 1, 8, 16, columns), t.Of(type, columns, 3, 3, channels), t.Of(type, 1, 8, 16, channels), new(1, 1));
        b.Conv2dWeightBackward(t.Of(type, 1, 8, 16, channels), t.Of(type, 1, 8, 16, columns), t.Of(DType.F32, columns, 3, 3, channels), new(1, 1));
    }

    static void Multiply(CudaBackend b, DeviceTensors t, DType type, int depth) =>
        b.Linear(t.Of(type, 128, depth), t.Of(type, 256, depth), t.Of(DType.F32, 256), t.Of(type, 128, 256), Activation.Silu, t.Of(type, 128, 256));

    static void Gate(CudaBackend b, DeviceTensors t, DType type, int depth) => b.Geglu(t.Of(type, 128, depth), t.Of(type, 256, depth), t.Of(DType.F32, 256), t.Of(type, 128, 128));
}
