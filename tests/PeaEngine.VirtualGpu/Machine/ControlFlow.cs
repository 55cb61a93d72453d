using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// The basic blocks of a body and, for each, the block where lanes that part at its end meet again: its immediate post-dominator, found
/// as in Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", on the graph turned round.
/// </summary>
sealed class ControlFlow
{
    /// <summary>The first instruction of each block, and one past the last block's end.</summary>
    public int[] Starts { get; }

    /// <summary>Blocks that may follow each; the number of blocks means the end of the kernel.</summary>
    public int[][] Next { get; }

    /// <summary>Where each block's lanes meet again; the number of blocks means never.</summary>
    public int[] Meeting { get; }

    /// <summary>The block of an instruction.</summary>
    public int[] BlockOf { get; }

    public int Blocks => Starts.Length - 1;

    public ControlFlow(PtxFunction body)
    {
        var count = body.Instructions.Count;
        SortedSet<int> starts = [0, count, .. body.Labels.Values];
        for (var i = 0; i < count; i++)
            if (Ends(body.Instructions[i])) starts.Add(i + 1);
        Starts = [.. starts];
        BlockOf = new int[count + 1];
        for (var b = 0; b < Blocks; b++) BlockOf.AsSpan(Starts[b]..Starts[b + 1]).Fill(b);
        BlockOf[count] = Blocks;
        Next = new int[Blocks][];
        for (var b = 0; b < Blocks; b++) Next[b] = Successors(body, b);
        Meeting = PostDominators();
    }

    /// <summary>Whether an instruction may go elsewhere than on.</summary>
    public static bool Ends(PtxInstruction instruction) => instruction.Parts[0] is "bra" or "brx" or "ret" or "exit" or "trap";

    int[] Successors(PtxFunction body, int block)
    {
        var last = body.Instructions[Starts[block + 1] - 1];
        HashSet<int> next = [];
        switch (last.Parts[0])
        {
            case "bra": next.Add(BlockOf[Target(body, last, 0)]); break;
            case "brx":
                var list = ((PtxOperand.Symbol)last.Operands[1]).Name;
                if (!body.BranchTargets.TryGetValue(list, out var targets)) throw new PtxException(last.Line, $"{list}: expected a list of branch targets");
                foreach (var target in targets) next.Add(BlockOf[body.Labels[target]]);
                break;
            case "ret" or "exit" or "trap": next.Add(Blocks); break;
        }
        if (!Ends(last) || last.Guard is not null) next.Add(block + 1);
        return [.. next];
    }

    /// <summary>The instruction that a branch goes to.</summary>
    public static int Target(PtxFunction body, PtxInstruction branch, int operand) =>
        body.Labels.TryGetValue(((PtxOperand.Symbol)branch.Operands[operand]).Name, out var target) ? target : throw new PtxException(branch.Line, "a branch to something that is no label");

    int[] PostDominators()
    {
        var exit = Blocks;
        var previous = new List<int>[Blocks + 1];
        for (var b = 0; b <= Blocks; b++) previous[b] = [];
        for (var b = 0; b < Blocks; b++)
            foreach (var next in Next[b]) previous[next].Add(b);
        var order = Order(previous);
        // What cannot reach the end never meets anything: as if it went there.
        for (var b = 0; b < Blocks; b++)
            if (order[b] < 0) previous[exit].Add(b);
        order = Order(previous);
        var byOrder = Enumerable.Range(0, Blocks).OrderByDescending(b => order[b]).ToArray();
        var dominator = new int[Blocks + 1];
        Array.Fill(dominator, -1);
        dominator[exit] = exit;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var b in byOrder)
            {
                var found = -1;
                foreach (var next in previous[exit].Contains(b) ? [.. Next[b], exit] : Next[b])
                    if (dominator[next] >= 0) found = found < 0 ? next : Intersect(found, next);
                if (found == dominator[b]) continue;
                dominator[b] = found;
                changed = true;
            }
        }
        return dominator[..Blocks];
        int Intersect(int a, int b)
        {
            while (a != b)
            {
                while (order[a] < order[b]) a = dominator[a];
                while (order[b] < order[a]) b = dominator[b];
            }
            return a;
        }
    }

    /// <summary>Numbers from a depth-first walk back from the end: its own is the highest; −1 for what is not reached.</summary>
    int[] Order(List<int>[] previous)
    {
        var order = new int[Blocks + 1];
        Array.Fill(order, -1);
        var number = 0;
        var seen = new bool[Blocks + 1];
        var stack = new Stack<(int Block, int At)>([(Blocks, 0)]);
        seen[Blocks] = true;
        while (stack.TryPop(out var top))
        {
            if (top.At == previous[top.Block].Count)
            {
                order[top.Block] = number++;
                continue;
            }
            stack.Push((top.Block, top.At + 1));
            var before = previous[top.Block][top.At];
            if (seen[before]) continue;
            seen[before] = true;
            stack.Push((before, 0));
        }
        return order;
    }
}
