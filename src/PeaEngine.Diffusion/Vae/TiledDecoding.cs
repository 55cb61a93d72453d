namespace PeaEngine.Diffusion.Vae;

/// <summary>
/// diffusers' tiled_decode: tiles that overlap by a quarter are decoded one by one and blended where they overlap, in host memory, so
/// that the arena needs room for one tile and the picture. Near seams the result differs from an untiled one, as in diffusers.
/// </summary>
static class TiledDecoding
{
    /// <summary>Latents [B, h, w, C] to y [B, h·factor, w·factor, channels]; <paramref name="decode"/> decodes [1, h', w', C].</summary>
    public static void Decode(Pass p, Tensor latents, Tensor y, int tileSize, int factor, Func<Tensor, Tensor> decode)
    {
        int height = latents.Shape[1], width = latents.Shape[2], channels = y.Shape[3];
        var stride = tileSize * 3 / 4;
        var extent = (tileSize - stride) * factor;
        var values = new float[latents.Elements / latents.Shape[0]];
        for (var b = 0; b < latents.Shape[0]; b++)
        {
            p.Backend.Download(latents.Slice(b, 1), values);
            var picture = y.Slice(b, 1);
            Tile?[] above = new Tile?[(width + stride - 1) / stride];
            for (var top = 0; top < height; top += stride)
            {
                var rows = Math.Min(stride, height - top) * factor;
                var strip = new float[rows * width * factor * channels];
                Tile? left = null;
                for (var x = 0; x < width; x += stride)
                {
                    p.ThrowIfCancelled();
                    var tile = DecodeOne(p, Tile.Crop(values, height, width, latents.Shape[3], top, x, tileSize), channels, factor, decode);
                    if (above[x / stride] is { } over) tile.BlendBelow(over, extent);
                    if (left != null) tile.BlendRightOf(left, extent);
                    var columns = Math.Min(stride, width - x) * factor;
                    for (var row = 0; row < rows; row++)
                        tile.Values.AsSpan(row * tile.Width * channels, columns * channels).CopyTo(strip.AsSpan((row * width + x) * factor * channels));
                    above[x / stride] = left = tile;
                }
                p.Backend.Upload(strip, picture.Reshape([height * factor, width * factor * channels]).Slice(top * factor, rows));
            }
        }
    }

    static Tile DecodeOne(Pass p, Tile latents, int channels, int factor, Func<Tensor, Tensor> decode)
    {
        using var scope = p.Scratch();
        var x = p.New([1, latents.Height, latents.Width, latents.Channels]);
        p.Backend.Upload(latents.Values, x);
        var tile = new Tile(new float[latents.Height * latents.Width * factor * factor * channels], latents.Height * factor, latents.Width * factor, channels);
        p.Backend.Download(decode(x), tile.Values);
        return tile;
    }
}
