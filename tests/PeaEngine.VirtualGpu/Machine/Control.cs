namespace PeaEngine.VirtualGpu.Machine;

/// <summary>Instructions that say what is executed next.</summary>
static unsafe class Control
{
    public static void Nothing(Warp w, Instr* i) { }

    /// <summary>Lanes that parted before may meet here. Target: this place.</summary>
    public static void Meet(Warp w, Instr* i) => w.Meet(i->Target);

    public static void Branch(Warp w, Instr* i) => w.Branch(w.Mask(i), i->Target, i->Meeting);

    /// <summary><c>brx.idx</c>: each lane goes where its index says. R: index; Detail: the table of places.</summary>
    public static void BranchIndexed(Warp w, Instr* i)
    {
        var index = w.Lanes<uint>(i->R[0]);
        var places = w.Cta.Program.Tables[i->Detail];
        var left = w.Active;
        var first = index[Warp.First(left)];
        var same = true;
        for (var mask = left; mask != 0; mask &= mask - 1)
        {
            if (index[Warp.First(mask)] >= places.Length) throw w.Trap(i, $"branch {index[Warp.First(mask)]} of {places.Length}", Warp.First(mask));
            same &= index[Warp.First(mask)] == first;
        }
        if (same)
        {
            w.Pc = places[first];
            return;
        }
        w.Counters.DivergentBranches++;
        w.Part(i->Meeting);
        while (left != 0)
        {
            var place = places[index[Warp.First(left)]];
            uint lanes = 0;
            for (var mask = left; mask != 0; mask &= mask - 1) if (places[index[Warp.First(mask)]] == place) lanes |= mask & (0 - mask);
            w.Wait(place, lanes, i->Meeting);
            left &= ~lanes;
        }
        w.Resume();
    }

    public static void Exit(Warp w, Instr* i)
    {
        if (w.Mask(i) is not 0 and var lanes) w.Exit(lanes);
    }

    public static void Trap(Warp w, Instr* i)
    {
        if (w.Mask(i) != 0) throw w.Trap(i, "the kernel trapped", Warp.First(w.Mask(i)));
    }
}
