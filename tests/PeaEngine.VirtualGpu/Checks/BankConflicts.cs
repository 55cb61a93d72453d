using System.Numerics;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Checks;

/// <summary>
/// Counts the passes that shared memory's 32 banks of 4 bytes need: lanes that want different words of one bank take turns. Accesses of 8
/// bytes are served for half a warp at once, of 16 bytes for a quarter. An instruction mostly repeats its last pattern at another place.
/// </summary>
sealed unsafe class BankConflicts(int instructions)
{
    struct Pattern
    {
        public fixed uint Steps[32];
        public uint Lanes;
        public int Passes, Least;
    }

    readonly Pattern[] patterns = new Pattern[instructions];

    /// <summary>Counts one access. Lanes that do nothing must have the address of the first that does.</summary>
    public void Count(Counters counters, int instruction, uint* addresses, int bytes, uint lanes)
    {
        var start = Vector512.Create(addresses[BitOperations.TrailingZeroCount(lanes)] & ~3u);
        Vector512<uint> low = Vector512.Load(addresses) - start, high = Vector512.Load(addresses + 16) - start;
        ref var pattern = ref patterns[instruction];
        fixed (uint* steps = pattern.Steps)
        {
            if (pattern.Lanes != lanes || Vector512.Load(steps) != low || Vector512.Load(steps + 16) != high)
            {
                low.Store(steps);
                high.Store(steps + 16);
                pattern.Lanes = lanes;
                (pattern.Passes, pattern.Least) = Passes(steps, bytes, lanes);
            }
        }
        counters.SharedRequests++;
        counters.SharedPasses += pattern.Passes;
        counters.SharedConflicts += pattern.Passes - pattern.Least;
    }

    static (int Passes, int Least) Passes(uint* steps, int bytes, uint lanes)
    {
        int together = bytes <= 4 ? 32 : 128 / bytes, words = Math.Max(1, bytes / 4), passes = 0, least = 0;
        Span<uint> seen = stackalloc uint[128];
        Span<int> banks = stackalloc int[32];
        for (var first = 0; first < 32; first += together)
        {
            var count = 0;
            banks.Clear();
            for (var lane = first; lane < first + together; lane++)
                for (var k = 0u; (lanes >> lane & 1) != 0 && k < words; k++)
                {
                    var word = (steps[lane] >> 2) + k;
                    if (seen[..count].Contains(word)) continue;
                    seen[count++] = word;
                    banks[(int)(word & 31)]++;
                }
            if (count == 0) continue;
            var most = 0;
            foreach (var bank in banks) most = Math.Max(most, bank);
            passes += most;
            least++;
        }
        return (passes, least);
    }
}
