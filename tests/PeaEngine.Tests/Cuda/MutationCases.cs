using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Cuda;

/// <summary>Small cases of ops that reach, between them, all that there is in a program's kernels; those that reach most come first.</summary>
static class MutationCases
{
    /// <summary>A tile is chosen by how many blocks the device wants: few for the widest, many for the smallest.</summary>
    static readonly int[] AnyDevice = [1], ForTiles = [1 << 20, 1, 2];

    /// <summary>Rows, columns and depth: parts of a tile, depths of one stage and of many, more than a tile, one of each.</summary>
    static readonly (int M, int N, int K)[] Shapes = [(9, 16, 200), (9, 16, 165), (7, 13, 165), (70, 72, 40), (70, 24, 72), (66, 65, 264), (7, 130, 165), (3, 5, 11), (1, 8, 8), (1, 1, 1)];

    /// <summary>Cases of a program's ops, and the numbers of multiprocessors of the devices that 16-bit floats are tried on.</summary>
    public static IEnumerable<(IEnumerable<OpCase> Cases, int[] Devices)> Of(string program) => program switch
    {
        "attention_plain" => [(from channels in (int[])[24, 40, 11, 72, 75] from @case in Attention(channels) select @case, AnyDevice)],
        "attention" => [(from channels in (int[])[8, 24, 40, 56, 72, 104, 136, 11] from @case in Attention(channels) select @case, AnyDevice)],
        "attention_wide" => [(from channels in (int[])[264, 171] from @case in Attention(channels).Prepend(AttentionTests.Case(new(1, 3, 40, 1, channels))) select @case, AnyDevice)],
        "attention_backward_plain" => [(BackwardOfHeads, AnyDevice), ([AttentionBackwardTests.Case(new(1, 5, 9, 1, 168))], AnyDevice)],
        // All of a lane's queries and keys in tiles with a shared bias.
        "attention_backward" => [(BackwardOfHeads, AnyDevice), (from channels in (int[])[136, 11] from masks in SharedBiases select AttentionBackwardTests.Case(new(2, 34, 12, 2, channels, masks)), AnyDevice)],
        "conv2d" => [(Convolutions, ForTiles)],
        "conv2d_backward" => [(from shape in Maps where shape.UpHeight == 0 from residual in (bool[])[true, false] select Conv2dBackwardTests.Case(shape, DType.F16, residual, false), ForTiles)],
        "conv2d_weight_backward" => [(from shape in Maps.Append(new(2, 16, 16, 8, 8)).Append(new(2, 16, 16, 8, 72)).Append(new(2, 16, 16, 3, 5)) select Conv2dWeightBackwardTests.Case(shape), ForTiles)],
        "linear" => [(Products, ForTiles)],
        "linear_backward" => [(from shape in Shapes from residual in (bool[])[true, false] select LinearBackwardTests.Case(shape, DType.F16, residual, false), ForTiles)],
        "linear_weight_backward" => [(from shape in Shapes.Prepend((200, 9, 16)).Prepend((165, 9, 13)).Append((40, 72, 72)).Append((600, 3, 5)).Append((600, 16, 24)).Append((600, 72, 72)) select LinearWeightBackwardTests.Case(shape), ForTiles)],
        "geglu" => [(Gates, ForTiles)],
        "sum_parts" => [([LinearWeightBackwardTests.Case((600, 3, 5))], AnyDevice), All("SumTokens")],
        "combine" => [All("Combine"), All("CombineAt")],
        "copy" => [All("Copy"), All("Linear")],
        "embedding" => [All("Embedding"), All("TimestepEmbedding")],
        "concat" => [All("Concat"), All("Split")],
        "transpose" => [All("ToChannelsFirst"), All("ToChannelsLast")],
        "adamw" => [All("AdamW")],
        "adamw_factors" => [All("AdamWFactors")],
        _ => [All(string.Concat(program.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..])))],
    };

    static (IEnumerable<OpCase>, int[]) All(string op) => (CudaOpTests.Cases(op), AnyDevice);

    static IEnumerable<OpCase> Attention(int channels) =>
    [
        AttentionTests.Case(new(1, 70, 133, 1, channels)),
        .. from masks in SharedBiases select AttentionTests.Case(new(2, 9, 5, 2, channels, masks)),
        AttentionTests.Case(new(2, 3, 77, 2, channels), sums: true),
        AttentionTests.Case(new(3, 5, 5, 2, channels, Masks.Causal | Masks.KeyPadding | Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads), sums: true),
        AttentionTests.Case(new(1, 130, 133, 1, channels, Masks.KeyPadding), sums: true),
        AttentionTests.Case(new(1, 130, 133, 1, channels, Masks.Bias)),
        AttentionTests.Case(new(1, 130, 133, 1, channels, Masks.Causal)),
        AttentionTests.Case(new(1, 1, 1, 1, channels)),
    ];

    static readonly Masks[] SharedBiases = [Masks.Bias, Masks.Bias | Masks.BiasOfBatch, Masks.Bias | Masks.BiasOfHeads];

    // Of one key the gradients are zero, to which nothing could be relative.
    static IEnumerable<OpCase> AttentionBackward(int channels) =>
    [
        AttentionBackwardTests.Case(new(1, 5, 40, 1, channels)),
        AttentionBackwardTests.Case(new(1, 40, 5, 1, channels)),
        AttentionBackwardTests.Case(new(1, 5, 130, 1, channels)),
        AttentionBackwardTests.Case(new(1, 130, 5, 1, channels)),
        .. from masks in SharedBiases select AttentionBackwardTests.Case(new(2, 9, 5, 2, channels, masks)),
        AttentionBackwardTests.Case(new(3, 9, 9, 2, channels, Masks.Causal | Masks.KeyPadding | Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads)),
        AttentionBackwardTests.Case(new(2, 7, 33, 2, channels, Masks.Causal)),
        AttentionBackwardTests.Case(new(1, 40, 70, 1, channels, Masks.Causal)),
        AttentionBackwardTests.Case(new(1, 70, 70, 1, channels, Masks.Bias)),
        AttentionBackwardTests.Case(new(2, 40, 35, 1, channels, Masks.KeyPadding)),
        AttentionBackwardTests.Case(new(2, 9, 7, 1, channels, Masks.KeyPadding | Masks.Bias)),
        AttentionBackwardTests.Case(new(1, 1, 20, 1, channels)),
    ];

    static IEnumerable<OpCase> BackwardOfHeads => from channels in (int[])[24, 40, 56, 72, 136, 11, 161] from @case in AttentionBackward(channels) select @case;

    static IEnumerable<OpCase> Products =>
    [
        .. from shape in Shapes
           from residual in (LinearTests.Residual[])[LinearTests.Residual.Apart, LinearTests.Residual.None]
           select LinearTests.Case(shape, DType.F16, bias: residual != LinearTests.Residual.None, Activation.None, residual),
        .. from activation in Enum.GetValues<Activation>()
           from shape in ((int, int, int)[])[(3, 8, 8), (3, 5, 8), (3, 5, 3), (70, 72, 8)]
           select LinearTests.Case(shape, DType.F16, bias: true, activation, LinearTests.Residual.None),
    ];

    static IEnumerable<OpCase> Gates =>
    [
        .. from shape in Shapes from bias in (bool[])[true, false] select GegluTests.Case(shape, DType.F16, bias, Activation.Gelu),
        .. from activation in Enum.GetValues<Activation>()
           from shape in ((int, int, int)[])[(3, 8, 8), (3, 5, 8), (3, 5, 3), (70, 72, 8)]
           select GegluTests.Case(shape, DType.F16, true, activation),
    ];

    /// <summary>With all that may be added to a convolution, with nothing, and with some of it.</summary>
    static IEnumerable<OpCase> Convolutions =>
    [
        .. from shape in Maps from extra in (bool[])[true, false] select Conv2dTests.Case(shape, DType.F16, extra, extra, extra, false),
        .. from shape in Maps[..7]
           from added in (int[])[0, 1, 2]
           select Conv2dTests.Case(shape, DType.F16, bias: added == 0, shift: added == 1, residual: added == 2, inPlace: false),
        Conv2dTests.Case(Maps[0], DType.F32, true, true, true, false),
    ];

    static readonly ConvCase[] Maps =
    [
        new(1, 4, 5, 40, 24), new(1, 5, 4, 3, 5), new(1, 4, 5, 5, 16), new(2, 9, 7, 16, 72), new(2, 9, 7, 16, 71), new(1, 9, 8, 16, 136), new(1, 9, 8, 16, 135), new(1, 9, 8, 136, 16), new(1, 9, 8, 72, 16), new(2, 3, 5, 8, 72), new(1, 5, 7, 40, 65), new(2, 3, 5, 8, 8), new(2, 5, 3, 8, 8, Stride: 2), new(1, 4, 5, 5, 3, Stride: 2, Padding: 0), new(1, 5, 5, 8, 24, Stride: 2), new(1, 5, 5, 3, 21, Stride: 2), new(1, 9, 8, 136, 24, Stride: 2),
        new(1, 2, 3, 8, 8, UpHeight: 5, UpWidth: 4), new(1, 2, 3, 3, 5, UpHeight: 5, UpWidth: 4), new(1, 3, 3, 8, 9, 1, Padding: 0, Below: 0), new(1, 1, 1, 1, 1),
    ];
}
