using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;

namespace PeaEngine.VirtualGpu.Mutation;

/// <summary>What can be taken out of a kernel to see whether its tests notice.</summary>
public enum MutationKind : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A barrier of the block.</summary>
    Barrier,

    /// <summary>A barrier of a warp's lanes.</summary>
    WarpBarrier,

    /// <summary>A wait for asynchronous copies.</summary>
    Wait,

    /// <summary>Lanes of the mask of those that take part in a shuffle.</summary>
    Member,

    /// <summary>Lanes of the mask of those that take part in a vote.</summary>
    Voter,
}

/// <summary>A kernel with one thing taken out.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Kind">What is taken out.</param>
/// <param name="File">The source file that it comes from.</param>
/// <param name="Line">The line of that file, from 1.</param>
/// <param name="Index">The place in the listing.</param>
public sealed record Mutant(string Kernel, MutationKind Kind, string File, int Line, int Index)
{
    /// <summary>The mutants of a kernel.</summary>
    public static IReadOnlyList<Mutant> Of(ModuleImage module, string kernel)
    {
        var listing = module.Find(kernel).Listing;
        return
        [
            .. from index in Enumerable.Range(0, listing.Count)
               where listing.Kind(index) != MutationKind.None
               let source = listing.Source(index)
               select new Mutant(kernel, listing.Kind(index), Path.GetFileName(source.File), source.Line, index),
        ];
    }

    /// <summary>What can be taken out of an instruction.</summary>
    internal static MutationKind KindOf(PtxInstruction instruction) => instruction.Parts switch
    {
        ["bar", "warp", ..] => MutationKind.WarpBarrier,
        ["bar" or "barrier", ..] => MutationKind.Barrier,
        ["cp", "async", "wait_group" or "wait_all", ..] => MutationKind.Wait,
        ["shfl", ..] => MutationKind.Member,
        ["vote", ..] => MutationKind.Voter,
        _ => MutationKind.None,
    };

    /// <summary>The kernel without it.</summary>
    internal unsafe Program Apply(Program program)
    {
        var copy = program.Copy();
        // Behind all instructions there is an exit, and before one there may be a meeting of lanes of the same place.
        var i = copy.Code + copy.Length - 2;
        while (i->Index != Index) i--;
        switch (Kind)
        {
            case MutationKind.Member: i->R[5] = SomeLanes(program); break;
            case MutationKind.Voter: i->R[2] = SomeLanes(program); break;
            default: i->Run = &Control.Nothing; break;
        }
        return copy;
    }

    /// <summary>A register that holds a number: as a mask it leaves lanes out.</summary>
    static int SomeLanes(Program program) => program.Constants.First(constant => constant is { Wide: false, Bits: not uint.MaxValue }).Offset;
}
