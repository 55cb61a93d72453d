using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Randomness;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Targets;

/// <summary>A LoRA is trained, on queries, keys, values and outputs of every attention of the UNet.</summary>
public sealed class LoraTarget : UNetTarget
{
    readonly IReadOnlyList<LowRank> factors;
    readonly double alpha;

    LoraTarget(Pass pass, PeaAdapter adapter, IReadOnlyList<Weight> weights, IReadOnlyList<LowRank> factors, double alpha, Gradients gradients, IReadOnlyList<TrainedParameter> parameters)
        : base(pass, adapter, weights, gradients, parameters) => (this.factors, this.alpha) = (factors, alpha);

    /// <summary>A LoRA before its first step, as peft begins: the first factor uniform within 1/√inputs, the second zero, so that it changes nothing.</summary>
    /// <param name="backend">Where the UNet is.</param>
    /// <param name="unet">What it is for; it stays the caller's.</param>
    /// <param name="adapter">What maps the student's states; it stays the caller's.</param>
    /// <param name="rank">Rows of the first factor.</param>
    /// <param name="alpha">What products are multiplied by, times the rank.</param>
    /// <param name="seed">Of the first factors.</param>
    /// <exception cref="PeaException">The UNet has no attention.</exception>
    public static LoraTarget Create(Backend backend, UNet2DConditionModel unet, PeaAdapter adapter, int rank, double alpha, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var weights = Weights(unet, key => key.Contains(".attn1.", StringComparison.Ordinal) || key.Contains(".attn2.", StringComparison.Ordinal));
        static Shape Down(Weight weight, int rank) => [rank, weight.Stored.Shape[1]];
        static Shape Up(Weight weight, int rank) => [weight.Stored.Shape[0], rank];
        static long Bytes(Shape shape) => Arena.Align(shape.Elements * sizeof(float));
        var arena = new Arena(backend, weights.Sum(weight => Bytes(Down(weight, rank)) + Bytes(Up(weight, rank))) + weights.Max(weight => Bytes(Up(weight, rank))));
        var gradients = new Gradients(backend);
        var (factors, parameters) = (new List<LowRank>(), new List<TrainedParameter>());
        foreach (var weight in weights)
        {
            Tensor down = arena.Keep(Down(weight, rank), DType.F32), up = arena.Keep(Up(weight, rank), DType.F32);
            backend.Upload(FreshWeights.Uniform(down.Elements, down.Shape[1], new Philox(seed, (uint)RandomStream.Lora, (ulong)factors.Count)), down);
            backend.Clear(up);
            factors.Add(new(down, up, (float)(alpha / rank)));
            var (dDown, dUp) = gradients.Track(weight.Widen(backend), factors[^1]);
            parameters.Add(new(LoraNames.Down(Module(weight)), down, dDown));
            parameters.Add(new(LoraNames.Up(Module(weight)), up, dUp));
        }
        return new(new(backend, arena), adapter, weights, factors, alpha, gradients, parameters);
    }

    private protected override IEnumerable<KeyValuePair<string, string>> Notes => [LoraNames.Notes(factors[0].Down.Shape[0], alpha, ["to_k", "to_out.0", "to_q", "to_v"])];

    private protected override void AddTo(Pass p, int index, Tensor sum) => factors[index].AddTo(p, sum);
}
