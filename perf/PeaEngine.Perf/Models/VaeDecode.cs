namespace PeaEngine.Perf.Models;

/// <summary>SDXL's VAE decoder, weights in F16: latents of <c>size</c> to a picture of eight times that.</summary>
sealed class VaeDecode(int size) : IBenchmark
{
    public string Op => "vae_decode";

    public IReadOnlyList<(string, int)> Arguments => [("size", size)];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var vae = room.Own(FullSizeSdxl.LoadVae(room.Backend));
        var latents = room.New([1, size, size, 4], dtype: room.Backend.ActivationType);
        var arena = room.Own(new Arena(room.Backend, MeasuredArena.Measure(room.Backend, p => vae.Decode(p, latents))));
        var pass = new Pass(room.Backend, arena);
        return () =>
        {
            using var scope = pass.Scratch();
            vae.Decode(pass, latents);
        };
    }
}
