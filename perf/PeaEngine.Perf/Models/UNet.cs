namespace PeaEngine.Perf.Models;

/// <summary>One forward pass of SDXL's UNet, 2.6 B parameters in F16, for one picture without guidance, or two samples with it; the text's keys and values are there.</summary>
sealed class UNet(int size, int tokens, int samples = 1) : IBenchmark
{
    public string Op => "unet";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("tokens", tokens), .. samples == 1 ? Array.Empty<(string, int)>() : [("samples", samples)]];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var unet = room.Own(FullSizeSdxl.LoadUNet(room.Backend));
        var type = room.Backend.ActivationType;
        Tensor sample = room.New([samples, size, size, 4], dtype: type), timesteps = room.New([samples], 500), sequence = room.New([samples, tokens, 2048], dtype: type), pooled = room.New([samples, 1280], dtype: type),
            ids = room.New([samples, 6], 512);
        var arena = room.Own(new Arena(room.Backend, MeasuredArena.Measure(room.Backend, p => unet.Forward(p, sample, timesteps, unet.Condition(p, sequence, pooled, ids)))));
        var pass = new Pass(room.Backend, arena);
        var conditioning = unet.Condition(pass, sequence, pooled, ids);
        return () =>
        {
            using var scope = pass.Scratch();
            unet.Forward(pass, sample, timesteps, conditioning);
        };
    }
}
