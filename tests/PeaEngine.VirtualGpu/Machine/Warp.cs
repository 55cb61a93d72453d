using System.Numerics;
using System.Runtime.CompilerServices;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.VirtualGpu.Machine;

enum WarpState { Running, AtBarrier, Done }

/// <summary>
/// 32 lanes that execute together. Lanes that part at a branch run one side after the other and meet again at the branch's immediate
/// post-dominator; what waits lies on a stack.
/// </summary>
sealed unsafe class Warp(Cta cta, int index)
{
    /// <summary>All lanes.</summary>
    public const uint Full = uint.MaxValue;

    /// <summary>Every waiting path has lanes that the one above it has not, or waits for it: two for each lane.</summary>
    const int DeepestPath = 68;

    /// <summary>Lanes that go one way until the place where they meet the others.</summary>
    struct Way
    {
        public int Pc, Meeting;
        public uint Lanes;
    }

    readonly Way[] ways = new Way[DeepestPath];
    int depth;

    public readonly Cta Cta = cta;
    public readonly int Index = index;
    public readonly Counters Counters = cta.Counters;

    /// <summary>The first register, and the predicates, each 32 bits.</summary>
    public byte* Registers;
    public uint* Predicates;

    /// <summary>Local memory of the 32 lanes, one lane after the other, and for each byte whether it was written.</summary>
    public byte* Local, LocalWritten;

    /// <summary>Its asynchronous copies.</summary>
    public readonly AsyncCopies Copies = new();

    public int Pc;
    public uint Active, Live;
    public WarpState State;

    /// <summary>The barrier that it waits at.</summary>
    public Instr* Waiting;

    /// <summary>When the lanes last synchronised with each other, in the block's time.</summary>
    public uint Synchronised;

    public void Start(uint lanes)
    {
        (Pc, Active, Live, State, depth) = (0, lanes, lanes, WarpState.Running, 0);
        ways[0] = new() { Meeting = -1, Lanes = lanes };
        Copies.Clear();
    }

    /// <summary>Executes until a barrier or the end.</summary>
    public void Run(Program program, long most)
    {
        long executed = 0;
        while (State == WarpState.Running)
        {
            var instr = program.Code + Pc++;
            instr->Run(this, instr);
            if (++executed > most) throw Trap(instr, $"more than {most} instructions of one warp without a barrier, expected an end");
        }
        Counters.Instructions += executed;
    }

    /// <summary>The active lanes that the instruction's guard lets through.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Mask(Instr* instr) => instr->Guard < 0 ? Active : Guarded(instr->Guard);

    /// <summary>The 32 lanes of a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Lanes<T>(int offset) where T : unmanaged => (T*)(Registers + offset);

    uint Guarded(int guard) => Active & ((guard & 1) == 0 ? Predicates[guard >> 1] : ~Predicates[guard >> 1]);

    /// <summary>Sends some lanes to a branch's target and the others on.</summary>
    public void Branch(uint taken, int target, int meeting)
    {
        if (taken == Active) Pc = target;
        else if (taken != 0)
        {
            Counters.DivergentBranches++;
            var (next, others) = (Pc, Active & ~taken);
            Part(meeting);
            Wait(next, others, meeting);
            Wait(target, taken, meeting);
            Resume();
        }
    }

    /// <summary>Leaves the way that parts to wait for its lanes. If it ends at the same place, whoever waits there waits for them all.</summary>
    public void Part(int meeting)
    {
        if (ways[depth].Meeting == meeting) depth--;
        else ways[depth].Pc = meeting;
    }

    /// <summary>Lets lanes wait to go on at a place; none if it is where they meet.</summary>
    public void Wait(int pc, uint lanes, int meeting)
    {
        if (pc != meeting) ways[++depth] = new() { Pc = pc, Meeting = meeting, Lanes = lanes };
    }

    /// <summary>Goes on with the way that came last, and that lanes are left on.</summary>
    public void Resume()
    {
        while (depth >= 0 && (ways[depth].Lanes & Live) == 0) depth--;
        if (depth < 0) (Active, State) = (0, WarpState.Done);
        else (Pc, Active) = (ways[depth].Pc, ways[depth].Lanes & Live);
    }

    /// <summary>Lanes arrive at a place where others may be to meet them.</summary>
    public void Meet(int pc)
    {
        if (ways[depth].Meeting != pc) return;
        depth--;
        Resume();
    }

    /// <summary>Ends lanes. If any of the active ones are left, they go on.</summary>
    public void Exit(uint lanes)
    {
        Live &= ~lanes;
        Active &= ~lanes;
        if (Active == 0) Resume();
    }

    /// <summary>The error of an instruction.</summary>
    public TrapException Trap(Instr* instr, string message, int lane = -1) => Cta.Trap(this, instr, message, lane);

    /// <summary>The lowest lane of some.</summary>
    public static int First(uint lanes) => BitOperations.TrailingZeroCount(lanes);
}
