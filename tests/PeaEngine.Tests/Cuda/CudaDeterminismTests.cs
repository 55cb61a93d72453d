using PeaEngine.Backends;
using PeaEngine.Tests.Ops;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Machine;

namespace PeaEngine.Tests.Cuda;

/// <summary>The same bits come out on any number of multiprocessors, by which tiles are chosen, and in any order of blocks.</summary>
public class CudaDeterminismTests
{
    const int Fence = 256;

    /// <summary>Two extents, one of them one and a half of the widest tile's, that no tile divides, and a depth of several stages that none divides.</summary>
    const int Rows = 120, Columns = 248, Depth = 136;

    /// <summary>With one the widest tile is done first, with two the next, and with eight the smallest.</summary>
    static readonly int[] Multiprocessors = [1, 2, 8];

    static readonly (string Op, int Tiles, OpCase Case)[] Products =
    [
        ("linear", 2, LinearTests.Case((Rows, Columns, Depth), DType.F16, true, Activation.Silu, LinearTests.Residual.Apart)),
        ("geglu", 3, GegluTests.Case((Rows, Columns / 2, Depth), DType.F16, true, Activation.Gelu)),
        ("conv2d", 3, Conv2dTests.Case(new(1, 10, 12, 24, Columns), DType.F16, true, true, true, false)),
        ("conv2d_backward", 3, Conv2dBackwardTests.Case(new(1, 10, 12, Columns, 24), DType.F16, true, false)),
        ("conv2d_weight_backward", 2, Conv2dWeightBackwardTests.Case(new(1, 10, 12, 24, Rows))),
        ("linear_backward", 2, LinearBackwardTests.Case((Rows, Depth, Columns), DType.F16, true, false)),
        ("linear_weight_backward", 2, LinearWeightBackwardTests.Case((Depth, Rows, Columns))),
    ];

    [VirtualFact]
    public void ProductsOfOddExtentsAreTheSameWithEveryTile()
    {
        foreach (var (op, tiles, @case) in Products)
        {
            HashSet<string> kernels = [];
            double[][]? first = null;
            foreach (var multiprocessors in Multiprocessors)
            {
                var context = CudaTestDevice.OpenVirtual(multiprocessors);
                using var device = new CudaBackend(context) { UsesLibrary = false };
                using var fenced = new Fenced(new MirroredBackend(device, DType.F16), Fence, DType.F16);
                var run = @case.Set(fenced);
                run.Run();
                kernels.UnionWith(VirtualContext.Current!.Launches.Select(launch => launch.Kernel).Where(kernel => kernel.StartsWith(op, StringComparison.Ordinal)));
                double[][] outputs = [.. run.Outputs.Select(output => Fenced.Read(output.Tensor))];
                first ??= outputs;
                Assert.Equal(first, outputs);
            }
            Assert.True(kernels.Count == tiles, $"{op}: {string.Join(", ", kernels)}, expected {tiles} tiles");
        }
    }

    /// <summary>What has one name differs in the tile alone.</summary>
    [VirtualTheory, InlineData(DType.F16), InlineData(DType.BF16)]
    public void ProductsAndTheirGradientsAreTheSameWithEveryTile(DType type)
    {
        var choices = RepresentativeOp.Runs.Where(run => run.Type == type).GroupBy(run => run.Op.Name).Where(group => group.Count() > 1).ToArray();
        Assert.Equal(["GEGLU", "convolution", "gradients of a convolution", "gradients of linear", "linear"], choices.Select(choice => choice.Key).Order(StringComparer.Ordinal));
        foreach (var choice in choices)
        {
            Assert.Equal(choice.Count(), choice.Select(run => string.Join(' ', run.Launches.Select(launch => launch.Kernel))).Distinct().Count());
            Assert.True(choice.DistinctBy(run => run.Hash).Count() == 1, $"{choice.Key}: other bits with another tile");
        }
    }

    /// <summary>Every kernel of a type again, with blocks in another order and on another number of multiprocessors.</summary>
    [VirtualTheory, InlineData(DType.F32), InlineData(DType.F16)]
    public void BlocksInAnotherOrderLeaveTheSameBits(DType type)
    {
        const int Order = 2, Multiprocessors = 132;
        RepresentativeRun[] runs = [.. RepresentativeOp.Runs.Where(run => run.Type == type).DistinctBy(run => run.Op.Name)];
        Assert.Empty(RepresentativeOp.Again(runs, Multiprocessors, Order).Zip(runs).Where(pair => pair.First.Hash != pair.Second.Hash).Select(pair => $"{pair.First.Op.Name}: other bits with blocks in another order"));
    }

    /// <summary>Seeds and numbers of blocks: each block comes once, and seldom where it would by itself.</summary>
    [Fact]
    public void AnOrderHasEveryBlockOnce()
    {
        for (var blocks = 1; blocks < 200; blocks++)
            for (var seed = 0; seed < 5; seed++)
            {
                var order = new BlockOrder(blocks, seed);
                Assert.Equal(Enumerable.Range(0, blocks).Select(block => (long)block), Enumerable.Range(0, blocks).Select(place => order[place]).Order());
            }
        var (one, other) = (new BlockOrder(1 << 16, 1), new BlockOrder(1 << 16, 2));
        Assert.InRange(Enumerable.Range(0, 1 << 16).Count(place => one[place] == place), 0, 64);
        Assert.InRange(Enumerable.Range(0, 1 << 16).Count(place => one[place] == other[place]), 0, 64);
    }

    /// <summary>What the tests are for: a sum by atomics depends on the order.</summary>
    [VirtualFact]
    public void AKernelThatAddsByAtomicsIsTold()
    {
        const string Source = """extern "C" __global__ void add(float* sum, const float* x) { atomicAdd(sum, x[blockIdx.x]); }""";
        float[] values = [.. Enumerable.Range(0, 256).Select(k => MathF.Pow(-1.1f, k % 200))];
        HashSet<float> sums = [];
        foreach (var order in (int?[])[null, 1, 2])
        {
            using var gpu = VirtualKernels.Compile(Source);
            var sum = gpu.New(0f);
            gpu.RunInOrder(order, "add", new(values.Length), new(1), sum, gpu.New<float>(values));
            sums.Add(gpu.Read<float>(sum, 1)[0]);
        }
        Assert.True(sums.Count > 1);
    }
}
