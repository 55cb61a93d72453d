namespace PeaEngine.Perf.Gpu;

sealed partial record KernelSample
{
    static IEnumerable<KernelSample> Backward() =>
    [
        .. from multiprocessors in (int[])[One, Many] select new KernelSample("linear_backward", multiprocessors, [320, 640],
            (room, depth) => room.Backend.LinearBackward(room.New([128, depth], dtype: Type), room.New([depth, 256], dtype: Type), room.Empty([128, 256], Type), room.New([128, 256], dtype: Type))),
        // Some gradients of a distillation step are F32 beside activations of 16 bits.
        new("linear_backward", One, [320, 640], (room, depth) => room.Backend.LinearBackward(room.New([64, depth]), room.New([depth, 64]), room.Empty([64, 64]))),
        // Two parts of 256 and of 320.
        .. from multiprocessors in (int[])[One, Many] select new KernelSample("linear_weight_backward", multiprocessors, [512, 640],
            (room, depth) => room.Backend.LinearWeightBackward(room.New([depth, 256], dtype: Type), room.New([depth, 128], dtype: Type), room.New([128, 256]))),
        .. from multiprocessors in (int[])[One, Four, Many] select new KernelSample("conv2d_backward", multiprocessors, [64, 128], (room, outputs) => ConvolveBackward(room, outputs, 512)),
        new("conv2d_backward", One, [4, 12], (room, outputs) => ConvolveBackward(room, outputs, 320)),
        .. from multiprocessors in (int[])[One, Many] select new KernelSample("conv2d_weight_backward", multiprocessors, [512, 640],
            (room, pixels) => room.Backend.Conv2dWeightBackward(room.New([1, pixels / 32, 32, 128], dtype: Type), room.New([1, pixels / 32, 32, 128], dtype: Type), room.New([128, 1, 1, 128]), new(1))),
        .. from dim in (int[])[32, 40, 80, 160, 64] select new KernelSample("attention_backward", One, [64, 128], (room, tokens) => AttendBackward(room, tokens, dim)),
        new("attention_backward_plain", One, [16, 32], (room, tokens) => AttendBackward(room, tokens, 512)),
        new("group_norm_backward", One, [64, 96], (room, side) => NormaliseBackward(room, side, 256)),
        new("group_norm_backward", One, [16], (room, side) => NormaliseBackward(room, side, 512)),
        new("layer_norm_backward", One, [640, 1280], (room, channels) => room.Backend.LayerNormBackward(room.New([4, channels], dtype: Type), room.New([channels]), room.New([4, channels], dtype: Type),
            room.Empty([4, channels], Type), 1e-5f, room.New([4, channels], dtype: Type))),
        new("layer_norm_backward", One, [32, 64], (room, rows) => room.Backend.LayerNormBackward(room.New([rows, 1280], dtype: Type), room.New([1280]), room.New([rows, 1280], dtype: Type),
            room.Empty([rows, 1280], Type), 1e-5f, room.New([rows, 1280], dtype: Type), room.New([1280]), room.New([1280]))),
        new("rms_norm_backward", One, [2048, 4096], (room, channels) => room.Backend.RmsNormBackward(room.New([4, channels], dtype: Type), room.New([channels]), room.New([4, channels], dtype: Type),
            room.Empty([4, channels], Type), 1e-6f, room.New([4, channels], dtype: Type))),
        new("activate_backward", One, [0], (room, _) => room.Backend.ActivateBackward(room.New([8192], dtype: Type), room.New([8192], dtype: Type), room.Empty([8192], Type), Activation.Silu)),
        new("gate_backward", One, [1280, 2560], (room, channels) => room.Backend.GateBackward(room.New([4, 2 * channels], dtype: Type), room.New([4, channels], dtype: Type), room.Empty([4, 2 * channels], Type), Activation.Gelu)),
        new("resize_backward", One, [640, 1280], (room, channels) => room.Backend.ResizeBackward(room.New([1, 4, 4, channels], dtype: Type), room.Empty([1, 2, 2, channels], Type))),
        new("concat", One, [1280, 2560], (room, channels) => room.Backend.Split(room.New([4, channels], dtype: Type), room.Empty([4, channels / 2], Type), room.Empty([4, channels / 2], Type))),
        new("sum_tokens", One, [32, 64], (room, tokens) => room.Backend.SumTokens(room.New([1, tokens, 256], dtype: Type), room.New([1, 256], dtype: Type))),
        // One part and two.
        new("sum_parts", One, [64, 128], (room, tokens) => room.Backend.SumTokens(room.New([1, tokens, 256], dtype: Type), room.New([1, 256], dtype: Type))),
        new("sum_parts", One, [64, 128], (room, tokens) => room.Backend.SumTokens(room.New([1, tokens, 256], dtype: Type), room.New([1, 256]))),
        new("squared_error", One, [0], (room, _) => room.Backend.SquaredError(room.New([1, 32768], dtype: Type), room.New([1, 32768], dtype: Type), room.Empty([1]))),
        new("squared_error_backward", One, [0], (room, _) => room.Backend.SquaredErrorBackward(room.New([1, 8192], dtype: Type), room.New([1, 8192], dtype: Type), room.New([1]), room.New([1, 8192], dtype: Type), add: true)),
        new("embedding_backward", One, [640, 1280], (room, channels) => room.Backend.EmbeddingBackward(room.Empty([1, 4], DType.I32), room.New([1, 4, channels], dtype: Type), room.New([16, channels]))),
        new("mean_tokens_backward", One, [640, 1280], (room, channels) => room.Backend.MeanTokensBackward(room.New([1, channels], dtype: Type), null, room.Empty([1, 4, channels], Type), add: false)),
        new("adamw", One, [0], (room, _) => room.Backend.AdamW(room.New([4096]), room.New([4096]), room.Empty([4096]), room.Empty([4096]), null, room.New([5]), new(0.9, 0.999, 1e-8))),
        new("adamw_factors", One, [256, 512], (room, parameters) => room.Backend.AdamWFactors(room.New([parameters]), room.Empty([3], DType.F64), room.Empty([5], DType.F64), room.Empty([2], DType.F64), room.Empty([5]))),
        new("sum_errors", One, [4, 8], (room, samples) => room.Backend.SumErrors(room.New([9, samples]), room.Empty([samples], DType.F64), room.Empty([9], DType.F64), room.Empty([3], DType.F64))),
        new("sum_squares", One, [0], (room, _) => room.Backend.SumSquares(room.New([32768]), room.Empty([1]))),
    ];

    static void ConvolveBackward(Room room, int outputs, int columns) =>
        room.Backend.Conv2dBackward(room.New([1, 8, 16, outputs], dtype: Type), room.New([outputs, 3, 3, columns], dtype: Type), room.Empty([1, 8, 16, columns], Type), new(1, 1),
            residual: room.New([1, 8, 16, columns], dtype: Type));

    static void AttendBackward(Room room, int tokens, int dim)
    {
        Tensor New() => room.New([1, tokens, dim], dtype: Type);
        Tensor Empty() => room.Empty([1, tokens, dim], Type);
        room.Backend.AttentionBackward(New(), New(), New(), New(), room.New([1, 1, tokens]), New(), Empty(), Empty(), Empty(), 1, 0.125f);
    }

    static void NormaliseBackward(Room room, int side, int channels) =>
        room.Backend.GroupNormBackward(room.New([1, side, side, channels], dtype: Type), room.New([channels]), room.New([channels]), room.New([1, side, side, channels], dtype: Type),
            room.Empty([1, side, side, channels], Type), 32, 1e-5f, true);
}
