using PeaEngine.Diffusion.TextEncoders;

namespace PeaEngine.Perf.Models;

/// <summary>One of SDXL's text encoders in its own size, weights in F16: a prompt and an unconditional one, as far as the penultimate layer.</summary>
sealed class TextEncoder(string op, Func<Backend, ClipTextModel> load) : IBenchmark
{
    const int Tokens = 77, Texts = 2, SkippedLayers = 2, LastToken = 49407;

    public string Op => op;

    public IReadOnlyList<(string, int)> Arguments => [("tokens", Tokens), ("texts", Texts)];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var model = room.Own(load(room.Backend));
        int[] ids = [.. Enumerable.Range(0, Texts * Tokens).Select(i => i % Tokens == Tokens - 1 ? LastToken : i * 7919 % LastToken)];
        void Forward(Pass p) => model.Forward(p, ids, Texts, SkippedLayers, pooled: model.HasProjection);
        var pass = new Pass(room.Backend, room.Own(new Arena(room.Backend, MeasuredArena.Measure(room.Backend, Forward))));
        return () =>
        {
            using var scope = pass.Scratch();
            Forward(pass);
        };
    }
}
