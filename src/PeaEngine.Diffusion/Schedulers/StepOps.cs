namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// The ops of a step, noted before they are done. They can be done with their coefficients as they are, or with coefficients that lie in a tensor: then steps that differ in nothing else are the same work, and a
/// backend may remember it (<see cref="Backend.Record"/>).
/// </summary>
/// <param name="backend">Where the tensors live.</param>
sealed class StepOps(Backend backend)
{
    /// <summary>The most coefficients of a step.</summary>
    public const int MostCoefficients = 64;

    const int MostTerms = 8;

    readonly List<Op> ops = [];
    readonly List<Tensor> operands = [];
    readonly float[] coefficients = new float[MostCoefficients];
    readonly Tensor[] tensors = new Tensor[MostTerms];
    readonly Term[] terms = new Term[MostTerms];
    int used;

    internal enum Kind
    {
        Combine,
        Copy,
        Blend,
        Clip,
    }

    /// <summary>What is noted.</summary>
    /// <param name="Kind">The op.</param>
    /// <param name="Operands">How many tensors it has, the output first.</param>
    /// <param name="Clipping">What clips.</param>
    internal readonly record struct Op(Kind Kind, int Operands, SampleClipping? Clipping = null);

    /// <summary>Where the tensors live.</summary>
    public Backend Backend => backend;

    /// <summary>How many ops are noted.</summary>
    public int Count => ops.Count;

    /// <summary>Whether a backend may remember them: none needs the host.</summary>
    public bool IsRecordable { get; private set; } = true;

    /// <summary>The coefficients of all ops in their order.</summary>
    public ReadOnlySpan<float> Coefficients => coefficients.AsSpan(0, used);

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        ops.Clear();
        operands.Clear();
        (used, IsRecordable) = (0, true);
    }

    /// <inheritdoc cref="Backend.Combine"/>
    public void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        if (terms.Length > MostTerms || used + terms.Length > MostCoefficients) throw new PeaException($"step: {terms.Length} terms after {used}, expected at most {MostTerms}, and {MostCoefficients} in a step");
        Note(new(Kind.Combine, 1 + terms.Length), y);
        foreach (var term in terms)
        {
            operands.Add(term.Tensor);
            coefficients[used++] = term.Coefficient;
        }
    }

    /// <inheritdoc cref="Backend.Copy"/>
    public void Copy(Tensor x, Tensor y)
    {
        Note(new(Kind.Copy, 2), y);
        operands.Add(x);
    }

    /// <inheritdoc cref="Backend.Blend"/>
    public void Blend(Tensor a, Tensor b, Tensor mask, Tensor y)
    {
        Note(new(Kind.Blend, 4), y);
        operands.Add(a);
        operands.Add(b);
        operands.Add(mask);
    }

    /// <summary>Clips a predicted clean sample in place, on the host.</summary>
    public void Clip(SampleClipping clipping, Tensor original)
    {
        Note(new(Kind.Clip, 1, clipping), original);
        IsRecordable = false;
    }

    /// <summary>Does some of the ops.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="end">The first that is left.</param>
    /// <param name="table">Where <see cref="Coefficients"/> lie, [<see cref="MostCoefficients"/>] F32; null for those noted.</param>
    public void Run(int first, int end, Tensor? table = null)
    {
        int operand = 0, coefficient = 0;
        for (var i = 0; i < end; i++)
        {
            var op = ops[i];
            if (i >= first) Do(op, operand, coefficient, table);
            operand += op.Operands;
            if (op.Kind == Kind.Combine) coefficient += op.Operands - 1;
        }
    }

    /// <summary>What the ops are but for their coefficients.</summary>
    public Form ToForm() => new([.. ops], [.. operands.Select(tensor => tensor.Address)]);

    /// <summary>Whether the ops are of that form.</summary>
    public bool Are(Form form)
    {
        if (form.Ops.Length != ops.Count || form.Addresses.Length != operands.Count) return false;
        for (var i = 0; i < ops.Count; i++)
            if (form.Ops[i] != ops[i]) return false;
        for (var i = 0; i < operands.Count; i++)
            if (form.Addresses[i] != operands[i].Address) return false;
        return true;
    }

    void Note(Op op, Tensor y)
    {
        ops.Add(op);
        operands.Add(y);
    }

    void Do(Op op, int at, int coefficient, Tensor? table)
    {
        var y = operands[at];
        switch (op.Kind)
        {
            case Kind.Copy: backend.Copy(operands[at + 1], y); break;
            case Kind.Blend: backend.Blend(operands[at + 1], operands[at + 2], operands[at + 3], y); break;
            case Kind.Clip: op.Clipping!.Apply(backend, y); break;
            default:
                var count = op.Operands - 1;
                for (var i = 0; i < count; i++) (tensors[i], terms[i]) = (operands[at + 1 + i], new(coefficients[coefficient + i], operands[at + 1 + i]));
                if (table is { } all) backend.CombineAt(y, all.Slice(coefficient, count), tensors.AsSpan(0, count));
                else backend.Combine(y, terms.AsSpan(0, count));
                break;
        }
    }

    /// <summary>Ops and the addresses of their tensors.</summary>
    public sealed class Form
    {
        internal Form(Op[] ops, nint[] addresses) => (Ops, Addresses) = (ops, addresses);

        internal Op[] Ops { get; }

        internal nint[] Addresses { get; }
    }
}
