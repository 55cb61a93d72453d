using PeaEngine.VirtualGpu.Machine;

namespace PeaEngine.VirtualGpu.Mutation;

/// <summary>A program that notes, of everything that could be taken out of it, whether that would have made a difference where it was executed: where not, there is nothing to notice.</summary>
sealed unsafe class Watch
{
    readonly delegate*<Warp, Instr*, void>[] runs;
    readonly int[] places, differences;

    public Watch(Program program)
    {
        Program = program.Copy();
        Program.Watch = this;
        (runs, places, differences) = (new delegate*<Warp, Instr*, void>[program.Length], Mutant.Places(program), new int[program.Length]);
        foreach (var at in places)
        {
            var i = Program.Code + at;
            runs[at] = i->Run;
            if (program.Listing.Kind(i->Index) != MutationKind.None) i->Run = &Look;
        }
    }

    /// <summary>What is executed.</summary>
    public Program Program { get; }

    /// <summary>Whether a mutant would have made a difference.</summary>
    public bool Saw(Mutant mutant) => mutant.Indices.Any(index => (differences[places[index]] >> mutant.Part & 1) != 0);

    static void Look(Warp w, Instr* i)
    {
        var watch = w.Cta.Program.Watch!;
        var at = (int)(i - watch.Program.Code);
        watch.differences[at] |= Mutant.Differences(watch.Program.Listing.Kind(i->Index), w, i, watch.runs[at]);
    }
}
