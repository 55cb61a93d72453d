namespace PeaEngine.Perf.Ops;

sealed class RescaleGuidance(int batch, int size, int channels) : IBenchmark
{
    public string Op => "rescale_guidance";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * batch * size * size * channels;

    public Action Set(Room room)
    {
        Tensor noise = room.New([batch, size, size, channels]), text = room.New(noise.Shape);
        return () => room.Backend.RescaleGuidance(noise, text, 0.7f);
    }
}
