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

    /// <summary>A conditional jump forward: all lanes go on to what it may leave out. Where both ways do something, all go one of them, or the other.</summary>
    Jump,

    /// <summary>A guard: all lanes execute the instruction.</summary>
    Guard,

    /// <summary>One of two conditions that are joined: the first is left, or the second.</summary>
    Condition,

    /// <summary>The choice of zero, or of minus infinity, in the place of something else, which is now taken always; of two other things one is, or the other.</summary>
    Choice,

    /// <summary>The zeros in the place of what an asynchronous copy is not to read.</summary>
    Fill,
}

/// <summary>A kernel with one thing taken out.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Kind">What is taken out.</param>
/// <param name="Part">Which of the ways to take it out, from 0.</param>
/// <param name="File">The source file that it comes from.</param>
/// <param name="Line">The line of that file, from 1.</param>
/// <param name="Column">The column there, from 1.</param>
/// <param name="Indices">Places in the listing: of a mask all that unrolling and inlining made of that place in the source.</param>
public sealed record Mutant(string Kernel, MutationKind Kind, int Part, string File, int Line, int Column, IReadOnlyList<int> Indices)
{
    const ulong MinusInfinity = 0xFF800000;

    /// <summary>Whether it is a mask, which says what is not to be touched, and not a synchronisation.</summary>
    public bool IsMask => Kind >= MutationKind.Jump;

    /// <summary>Whether another mutant takes the other way, or the other thing, at the same place.</summary>
    public bool IsOtherWay(Mutant other) => Kind == other.Kind && Kind is (MutationKind.Jump or MutationKind.Choice) && Part != other.Part && (Kernel, File, Line, Column) == (other.Kernel, other.File, other.Line, other.Column);

    /// <summary>The mutants of a kernel: each synchronisation by itself, of a mask all copies of one place in the source together.</summary>
    public static IReadOnlyList<Mutant> Of(ModuleImage module, string kernel)
    {
        var program = module.Find(kernel);
        var places = Places(program);
        return
        [
            .. from index in Enumerable.Range(0, program.Listing.Count)
               let source = program.Listing.Source(index)
               from part in Parts(program, places[index])
               group index by (Kind: program.Listing.Kind(index), Part: part, source.File, source.Line, source.Column, Alone: program.Listing.Kind(index) < MutationKind.Jump ? index : -1) into copies
               select new Mutant(kernel, copies.Key.Kind, copies.Key.Part, Path.GetFileName(copies.Key.File), copies.Key.Line, copies.Key.Column, [.. copies]),
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
        ["bra", ..] when instruction.Guard is not null => MutationKind.Jump,
        _ when instruction.Guard is not null => MutationKind.Guard,
        ["and" or "or", "pred"] => MutationKind.Condition,
        ["selp", ..] => MutationKind.Choice,
        ["cp", "async", "ca" or "cg", ..] when instruction.Operands.Length > 3 => MutationKind.Fill,
        _ => MutationKind.None,
    };

    /// <summary>The kernel without it.</summary>
    internal unsafe Program Apply(Program program)
    {
        var copy = program.Copy();
        var places = Places(program);
        foreach (var index in Indices) Apply(copy, copy.Code + places[index]);
        return copy;
    }

    unsafe void Apply(Program program, Instr* i)
    {
        switch (Kind)
        {
            case MutationKind.Member: i->R[5] = SomeLanes(program); break;
            case MutationKind.Voter: i->R[2] = SomeLanes(program); break;
            case MutationKind.Guard:
            case MutationKind.Jump when Part == 1: i->Guard = -1; break;
            case MutationKind.Condition or MutationKind.Choice: i->R[2 - Part] = i->R[1 + Part]; break;
            case MutationKind.Fill: i->R[0] = -1; break;
            default: i->Run = &Control.Nothing; break;
        }
    }

    /// <summary>Executes an instruction, and says which of the ways to take something out of it would have made a difference there: a bit each.</summary>
    internal static unsafe int Differences(MutationKind kind, Warp w, Instr* i, delegate*<Warp, Instr*, void> run)
    {
        uint mask = w.Mask(i), active = w.Active, first = 0, second = 0;
        switch (kind)
        {
            case MutationKind.Jump: (first, second) = (mask, active & ~mask); break;
            case MutationKind.Guard: first = active & ~mask; break;
            case MutationKind.Condition:
                var (a, b) = (Predicates.Value(w, i->R[1]), Predicates.Value(w, i->R[2]));
                run(w, i);
                return Ways((w.Predicates[i->R[0]] ^ a) & mask, (w.Predicates[i->R[0]] ^ b) & mask);
            case MutationKind.Choice: (first, second) = (mask & ~Predicates.Value(w, i->R[3]), mask & Predicates.Value(w, i->R[3])); break;
            case MutationKind.Fill:
                for (var left = mask; left != 0; left &= left - 1)
                    if (w.Lanes<uint>(i->R[0])[Warp.First(left)] != i->Width) first |= left & (0 - left);
                break;
            default: first = mask; break;
        }
        run(w, i);
        return Ways(first, second);
        static int Ways(uint first, uint second) => (first != 0 ? 1 : 0) | (second != 0 ? 2 : 0);
    }

    /// <summary>The ways to take something out of an instruction.</summary>
    static unsafe int[] Parts(Program program, int place)
    {
        var i = program.Code + place;
        return program.Listing.Kind(i->Index) switch
        {
            MutationKind.None => [],
            // What leads to where all meet again, or to the end, leaves out the other way. A loop's jump back stays.
            MutationKind.Jump when i->Target <= place => [],
            MutationKind.Jump when i->Target == i->Meeting || i->Target == program.Length - 1 => [0],
            MutationKind.Jump when place + 1 == i->Meeting => [1],
            MutationKind.Condition or MutationKind.Jump => [0, 1],
            MutationKind.Choice => IsNothing(program, i->R[1]) ? [1] : IsNothing(program, i->R[2]) ? [0] : [0, 1],
            _ => [0],
        };
    }

    static bool IsNothing(Program program, int register) => program.Constants.Any(constant => constant.Offset == register && constant.Bits is 0 or MinusInfinity);

    /// <summary>A register that holds a number: as a mask it leaves lanes out.</summary>
    static int SomeLanes(Program program) => program.Constants.First(constant => constant is { Wide: false, Bits: not uint.MaxValue }).Offset;

    /// <summary>Where the instructions of a listing lie in a program. Before one there may be a meeting of lanes of the same place, and behind all there is an exit.</summary>
    internal static unsafe int[] Places(Program program)
    {
        var places = new int[program.Listing.Count];
        for (var at = 0; at < program.Length - 1; at++) places[program.Code[at].Index] = at;
        return places;
    }
}
