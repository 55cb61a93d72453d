namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y = table[ids] + positions. Ids are within the table: the layer checks them.</summary>
    /// <param name="ids">[B, T] I32</param>
    /// <param name="table">[V, C] F32, F16 or BF16</param>
    /// <param name="positions">[at least T, C] F32, F16 or BF16, or none: row t is added at position t</param>
    /// <param name="y">[B, T, C] T</param>
    public abstract void Embedding(Tensor ids, Tensor table, Tensor? positions, Tensor y);

    /// <summary>dTable[ids] += dy, one token after another. Ids are within the table.</summary>
    /// <param name="ids">[B, T] I32</param>
    /// <param name="dy">[B, T, C] T</param>
    /// <param name="dTable">[V, C] F32, added to</param>
    public abstract void EmbeddingBackward(Tensor ids, Tensor dy, Tensor dTable);

    /// <summary>
    /// diffusers' get_timestep_embedding: with half = dim/2 and f(i) = 10000^(−i/(half − shift)), the row of value t is
    /// sin(t·f), cos(t·f), or cosines first where <paramref name="flipSinToCos"/>; an odd dim ends in a zero.
    /// </summary>
    /// <param name="values">[N] F32</param>
    /// <param name="y">[N, dim] T</param>
    /// <param name="flipSinToCos">Cosines first.</param>
    /// <param name="shift">downscale_freq_shift</param>
    public abstract void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift);
}
