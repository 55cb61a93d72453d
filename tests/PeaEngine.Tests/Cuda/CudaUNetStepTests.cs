using System.Text;
using PeaEngine.Cuda.Sys;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Perf.Models;
using PeaEngine.VirtualGpu.Blas;

namespace PeaEngine.Tests.Cuda;

/// <summary>A step of a UNet in F16, launch by launch: what should go by tensor cores does, nothing is the host's, and what is recorded is what was looked at.</summary>
public class CudaUNetStepTests
{
    const int Samples = 2, Size = 8, Tokens = 77, Width = 64, PooledWidth = 64, TimeIds = 6, TimeIdWidth = 32;

    /// <summary>The kernels of products that read element by element, for whom that is right, and why. They have tensor cores, too.</summary>
    static readonly (string Kernel, Func<int, bool> IsFor, string Why)[] Edges =
    [
        ("conv2d_any_f16", channels => channels is 3 or 4 or 9, "an image's, the latents' and an inpainting's channels are no vectors of eight; the convolution is a thousandth of a step"),
        ("attention_any_f16", channels => channels % 8 != 0, "rows of heads whose channels are no multiple of eight begin where vectors cannot; SDXL has none"),
    ];

    /// <summary>SDXL's kinds of blocks: latents with heads of 64 channels as SDXL has them, and an inpainting's with heads that are no vectors.</summary>
    [DisassemblerTheory]
    [InlineData(4, "[1, 2, 2]", "[64, 128, 128]", "conv2d_any_f16")]
    [InlineData(9, "[2, 8, 8]", "[32, 96, 96]", "conv2d_any_f16 attention_any_f16")]
    public void ProductsAreTensorCoresAndNothingIsTheHosts(int channels, string heads, string widths, string edges)
    {
        if (CudaTestDevice.IsReal) return;
        using var backend = new ObservedStep(DType.F16);
        using var unet = LoadUNet(backend, channels, heads, widths);
        using var tensors = new DeviceTensors(backend);
        Tensor sample = tensors.Of(DType.F16, Samples, Size, Size, channels), timesteps = tensors.Of(DType.F32, Samples);
        Tensor text = tensors.Of(DType.F16, Samples, Tokens, Width), pooled = tensors.Of(DType.F16, Samples, PooledWidth), ids = tensors.Of(DType.F32, Samples, TimeIds);
        using var arena = new Arena(backend, MeasuredArena.Measure(backend, p => unet.Forward(p, sample, timesteps, unet.Condition(p, text, pooled, ids))));
        var pass = new Pass(backend, arena);
        var conditioning = unet.Condition(pass, text, pooled, ids);
        using var recording = backend.Record(() =>
        {
            using var scope = pass.Scratch();
            unet.Forward(pass, sample, timesteps, conditioning);
        });

        var copies = backend.Device.HostCopies;
        backend.IsObserving = true;
        recording.Run();
        backend.IsObserving = false;

        foreach (var op in backend.Ops) Check(op);
        // The step has all that there is to look at: strides, upsampling, both kinds of attention, products with and without an activation.
        foreach (var (op, shape) in ((string, string)[])[("conv2d", "stride 1"), ("conv2d", "stride 2"), ("conv2d", "upsampled"), ("attention", $"[{Samples},16,"), ("attention", $",{Tokens},"), ("geglu", "")])
            Assert.True(backend.Ops.Exists(each => each.Op == op && each.Shape.Contains(shape, StringComparison.Ordinal)), $"no {op} {shape}");
        Assert.True(backend.Ops.Exists(op => op is { Op: "linear", IsPlain: true }) && backend.Ops.Exists(op => op is { Op: "linear", IsPlain: false }));
        // Each exception is one that is known, and is still needed.
        Assert.Equal(edges.Split(' ').Order(), backend.Ops.SelectMany(op => op.Launches).Select(launch => launch.Kernel).Where(kernel => kernel.Contains("_any_", StringComparison.Ordinal)).Distinct().Order());

        // Recorded, it is the same kernels, without memory and without the host.
        var allocations = backend.Device.Allocations;
        recording.Run();
        Assert.Equal(backend.Ops.SelectMany(op => op.Launches).Select(launch => (launch.Kernel, launch.Grid, launch.Block)), backend.Launches().Select(launch => (launch.Kernel, launch.Grid, launch.Block)));
        Assert.Equal((allocations, copies), (backend.Device.Allocations, backend.Device.HostCopies));
    }

    static void Check(ObservedOp op)
    {
        Assert.True(op.Launches.Count > 0, $"{op.Op} {op.Shape}: nothing was launched");
        if (op.Channels == 0) return;
        // A bias or a weight that is converted for the product comes before it.
        Assert.All(op.Launches.SkipLast(1), launch => Assert.StartsWith("copy_", launch.Kernel, StringComparison.Ordinal));
        var product = op.Launches[^1];
        if (op.IsPlain)
        {
            Assert.True(product is { Kernel: VirtualBlas.Name, Factors: cudaDataType.CUDA_R_16F }, $"{op.Op} {op.Shape}: {product.Kernel} of {product.Factors}, expected {VirtualBlas.Name} of halves");
            return;
        }
        var program = product.Kernel.StartsWith("attention_wide", StringComparison.Ordinal) ? "attention_wide" : op.Op;
        Assert.StartsWith(program + "_", product.Kernel, StringComparison.Ordinal);
        Assert.True(CompiledKernels.Functions(program, CudaTestDevice.Architecture)[product.Kernel].Products > 0, $"{op.Op} {op.Shape}: {product.Kernel} has no HMMA");
        if (!product.Kernel.Contains("_any_", StringComparison.Ordinal)) return;
        var edge = Edges.SingleOrDefault(edge => edge.Kernel == product.Kernel);
        Assert.True(edge.Why != null && edge.IsFor(op.Channels), $"{op.Op} {op.Shape}: {product.Kernel} with {op.Channels} channels, expected vectors of eight{(edge.Why == null ? "" : $"; it is for others: {edge.Why}")}");
    }

    static UNet2DConditionModel LoadUNet(Backend backend, int channels, string heads, string widths)
    {
        var config = $$"""
            {"_class_name": "UNet2DConditionModel", "addition_embed_type": "text_time", "addition_time_embed_dim": {{TimeIdWidth}}, "attention_head_dim": {{heads}}, "block_out_channels": {{widths}},
             "cross_attention_dim": {{Width}}, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"], "in_channels": {{channels}}, "layers_per_block": 1,
             "projection_class_embeddings_input_dim": {{TimeIds * TimeIdWidth + PooledWidth}}, "sample_size": {{Size}}, "transformer_layers_per_block": [1, 1, 1],
             "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "use_linear_projection": true}
            """;
        using var weights = new RandomWeights();
        return UNet2DConditionModel.Load(backend, JsonConfig.Parse(Encoding.UTF8.GetBytes(config), "UNet"), weights);
    }
}
