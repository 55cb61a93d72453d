namespace PeaEngine.Diffusion.TextEncoders;

/// <summary>What text encoders do with token ids before their first layer.</summary>
static class TokenBatch
{
    /// <summary>The tokens of a row.</summary>
    /// <exception cref="PeaException">Rows of different lengths, or more tokens than <paramref name="limit"/>.</exception>
    public static int Tokens(string model, int ids, int batch, int? limit)
    {
        if (batch < 1 || ids == 0 || ids % batch != 0) throw new PeaException($"{model}: {ids} ids in a batch of {batch}, expected as many in every row");
        return ids / batch <= (limit ?? int.MaxValue) ? ids / batch : throw new PeaException($"{model}: {ids / batch} tokens, expected at most {limit}");
    }

    /// <summary>The mask [batch, tokens] U8 on the backend, until the scope ends or a backward pass has needed it.</summary>
    /// <exception cref="PeaException">It has another number of values.</exception>
    public static Tensor Upload(string model, Pass p, ReadOnlySpan<byte> mask, int batch, int tokens)
    {
        if (mask.Length != batch * tokens) throw new PeaException($"{model}: a mask of {mask.Length} values for {batch} rows of {tokens} tokens, expected one value a token");
        var tensor = p.Save([batch, tokens], DType.U8);
        p.Backend.Upload(mask, tensor);
        return tensor;
    }
}
