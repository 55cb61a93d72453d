using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// Every op on a GPU against the definitions that the CPU's ops are tested with: all of their shapes and options, in F32 and with 16-bit activations, at addresses that vectors can be read from and at others.
/// </summary>
public class CudaOpTests
{
    /// <summary>Bytes before a tensor: a multiple of what vectors need, and none.</summary>
    const int Aligned = 256, Odd = 260;

    static readonly (string Op, Func<IEnumerable<OpCase>> Cases)[] Ops =
    [
        Of<ActivateTests>(), Of<AttentionTests>(), Of<BlendTests>(), Of<CombineTests>(), Of<ConcatTests>(), Of<Conv2dTests>(), Of<EmbeddingTests>(), Of<GegluTests>(), Of<GroupNormTests>(), Of<LayerNormTests>(),
        Of<LinearTests>(), Of<MeanTokensTests>(), Of<RmsNormTests>(), Of<SplitTests>(), Of<TimestepEmbeddingTests>(), Of<ToChannelsFirstTests>(), Of<ToChannelsLastTests>(),
        Of<ActivateBackwardTests>(), ("AttentionBackward", () => AttentionBackwardTests.ShortCases), Of<Conv2dBackwardTests>(), Of<Conv2dWeightBackwardTests>(), Of<EmbeddingBackwardTests>(), Of<GateBackwardTests>(), Of<GroupNormBackwardTests>(), Of<LayerNormBackwardTests>(), Of<LinearBackwardTests>(), Of<LinearWeightBackwardTests>(), Of<MeanTokensBackwardTests>(), Of<ResizeBackwardTests>(),
        Of<RmsNormBackwardTests>(), Of<SquaredErrorTests>(), Of<SquaredErrorBackwardTests>(), Of<SumTokensTests>(),
    ];

    /// <summary>Ops whose tensors have types of their own.</summary>
    static readonly (string Op, Func<IEnumerable<OpCase>> Cases)[] Typed = [Of<AdamWTests>(), Of<AdamWFactorsTests>(), Of<CombineAtTests>(), Of<CopyTests>(), Of<NormalsTests>(), Of<RescaleGuidanceTests>(), Of<SumErrorsTests>(), Of<SumSquaresTests>()];

    public static TheoryData<string, DType, int> Data
    {
        get
        {
            var data = new TheoryData<string, DType, int>();
            foreach (var fence in (int[])[Aligned, Odd])
            {
                foreach (var (op, _) in Ops)
                    foreach (var type in (DType[])[DType.F32, DType.F16, DType.BF16]) data.Add(op, type, fence);
                foreach (var (op, _) in Typed) data.Add(op, DType.F32, fence);
            }
            return data;
        }
    }

    [NvrtcTheory, MemberData(nameof(Data))]
    public void MatchesTheReferenceWithinItsFences(string op, DType type, int fenceBytes) => Check(CudaTestDevice.Open(), op, type, fenceBytes);

    public static TheoryData<string, DType, string> OwnProducts
    {
        get
        {
            var data = new TheoryData<string, DType, string>();
            foreach (var type in (DType[])[DType.F32, DType.F16, DType.BF16])
            {
                data.Add("Linear", type, $"{Activation.None} residual");
                data.Add("LinearBackward", type, "residual in place");
                data.Add("LinearWeightBackward", type, "");
            }
            return data;
        }
    }

    /// <summary>Above, aligned products without an activation, and their gradients, are cuBLASLt's.</summary>
    [NvrtcTheory, MemberData(nameof(OwnProducts))]
    public void ProductsMatchTheReferenceByOurKernelsToo(string op, DType type, string named) => Check(CudaTestDevice.OpenWithoutProducts(), op, type, Aligned, named);

    /// <summary>The cases of an op.</summary>
    internal static IEnumerable<OpCase> Cases(string op) => Ops.Concat(Typed).Single(each => each.Op == op).Cases();

    static void Check(CudaContext context, string op, DType type, int fenceBytes, string named = "")
    {
        using var device = new CudaBackend(context);
        OpCase[] cases = [.. Cases(op).Where(each => each.Name.Contains(named, StringComparison.Ordinal))];
        Assert.NotEmpty(cases);
        Check(device, cases, type, fenceBytes);
    }

    /// <summary>Runs cases on a device with tensors of a type.</summary>
    internal static void Check(CudaBackend device, IEnumerable<OpCase> cases, DType type, int fenceBytes = Aligned)
    {
        foreach (var @case in cases)
        {
            var mirrored = new MirroredBackend(device, type);
            using var fenced = new Fenced(mirrored, fenceBytes, type);
            var run = @case.Set(fenced);
            run.Run();
            var rounding = Rounding(run, mirrored, type);
            for (var output = 0; output < run.Outputs.Length; output++)
            {
                var (tensor, expected) = run.Outputs[output];
                var actual = Fenced.Read(tensor);
                Assert.Equal(expected.Length, actual.Length);
                var limit = Limit(@case, rounding, expected);
                if (rounding != DType.F32 && actual.Zip(expected).Any(pair => !Fits(pair.First, pair.Second, limit))) limit = Math.Max(limit, 2 * RoundedError(@case, type, output));
                for (var i = 0; i < actual.Length; i++)
                    if (!Fits(actual[i], expected[i], limit)) Assert.Fail($"{@case.Name}: output {output}, element {i} of {tensor}: {actual[i]:R}, expected {expected[i]:R} within {limit:R}");
            }
        }
    }

    /// <summary>Sums of 16-bit floats that stay in F32 are as good as those of others.</summary>
    internal static DType Rounding(OpRun run, MirroredBackend mirrored, DType type) => run.Outputs.All(output => mirrored.TypeOf(output.Tensor) == DType.F32) ? DType.F32 : type;

    /// <summary>What an output may differ by: twice the rounding of the result to the type, where that is more than what an F32 op may differ by.</summary>
    internal static double Limit(OpCase @case, DType rounding, double[] expected)
    {
        var tolerance = Math.Max(@case.Tolerance, rounding switch { DType.F16 => Math.ScaleB(1, -10), DType.BF16 => Math.ScaleB(1, -7), _ => 0 });
        return Math.Max(rounding == DType.F16 ? Math.ScaleB(1, -24) : 0, tolerance * expected.Select(Math.Abs).Where(double.IsFinite).DefaultIfEmpty().Max());
    }

    internal static bool Fits(double actual, double expected, double limit) => Math.Abs(actual - expected) <= limit || actual.Equals(expected);

    /// <summary>The CPU's error where inputs, factors and output are rounded to a type: more than the output's rounding alone, where an input is another op's output, or a factor is made within the op.</summary>
    internal static double RoundedError(OpCase @case, DType type, int output)
    {
        using var fenced = new Fenced(new CpuBackend(1), Aligned, type);
        var run = @case.Set(fenced);
        run.Run();
        var actual = run.Rounded?.Invoke(type) is { } rounded && output < rounded.Length ? rounded[output] : Fenced.Read(run.Outputs[output].Tensor);
        return actual.Zip(run.Outputs[output].Expected).Max(pair => Math.Abs(Values.Round((float)pair.First, type) - pair.Second));
    }

    static (string, Func<IEnumerable<OpCase>>) Of<T>() where T : IOpCases => (typeof(T).Name[..^"Tests".Length], () => T.Cases);
}
