using System.Numerics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// An order of a launch's blocks, drawn by a seed: the programming model promises none. It needs no memory: odd multipliers and shifted exclusive ors permute the numbers of so many bits,
/// and a number that is no block's is sent on until it is.
/// </summary>
readonly struct BlockOrder
{
    const int Rounds = 3;

    readonly ulong blocks, mask, key;
    readonly int shift;

    public BlockOrder(long blocks, int seed)
    {
        this.blocks = (ulong)blocks;
        var bits = 64 - BitOperations.LeadingZeroCount((ulong)(blocks - 1) | 1);
        (mask, shift) = (ulong.MaxValue >> 64 - bits, bits / 2 + 1);
        // As splitmix64 begins.
        key = ((ulong)(uint)seed + 1) * 0x9E3779B97F4A7C15;
        key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9;
    }

    /// <summary>The block at a place of the order.</summary>
    public long this[long place]
    {
        get
        {
            var block = (ulong)place;
            do
                for (var round = 0; round < Rounds; round++)
                {
                    block = (block + (key >> 16 * round)) * (key >> 8 * round | 1) & mask;
                    block ^= block >> shift;
                }
            while (block >= blocks);
            return (long)block;
        }
    }
}
