using PeaEngine.Diffusion.ControlNet;

namespace PeaEngine.Perf.Models;

/// <summary>
/// One forward pass of a ControlNet for SDXL, 1.3 B parameters in F16, beside which <see cref="UNet"/> of the same arguments is what it adds to; the
/// text's keys and values and the embedded control image are there.
/// </summary>
sealed class ControlNet(int size, int tokens) : IBenchmark
{
    const int Factor = 8;

    public string Op => "controlnet";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("tokens", tokens)];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var net = room.Own(FullSizeSdxl.LoadControlNet(room.Backend));
        Tensor sample = room.New([1, size, size, 4]), timesteps = room.New([1], 500), image = room.New([1, Factor * size, Factor * size, 3], 1),
            sequence = room.New([1, tokens, 2048]), pooled = room.New([1, 1280]), ids = room.New([1, 6], 512);
        ControlNetConditioning Condition(Pass p) => net.Condition(p, image, sequence, pooled, ids);
        var arena = room.Own(new Arena(room.Backend, MeasuredArena.Measure(room.Backend, p => net.Forward(p, sample, timesteps, Condition(p)))));
        var pass = new Pass(room.Backend, arena);
        var conditioning = Condition(pass);
        var mark = arena.KeptBytes;
        return () =>
        {
            net.Forward(pass, sample, timesteps, conditioning);
            arena.ReleaseKept(mark);
        };
    }
}
