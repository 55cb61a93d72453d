namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>
/// Reads a function's body. Inner scopes, which inline assembly opens, may declare names again: those get a name of their own,
/// so that a body has one flat set of registers, variables and labels.
/// </summary>
sealed class BodyParser(TokenReader reader, PtxFunction function)
{
    const int DeepestScope = 64, MostRegisters = 1 << 20;

    readonly List<Dictionary<string, string>> scopes = [];
    readonly List<int> openScopes = [];
    readonly HashSet<string> variables = [];
    int scopeCount;
    PtxSource source;

    public void Read()
    {
        Open();
        while (scopes.Count > 0) Statement();
        foreach (var (label, line) in used)
            if (!function.Labels.ContainsKey(label) && !function.BranchTargets.ContainsKey(label)) throw new PtxException(line, $"label {label} is not defined in {function.Name}");
    }

    readonly List<(string Label, int Line)> used = [];

    void Open()
    {
        reader.Expect('{');
        if (scopes.Count == DeepestScope) throw new PtxException(reader.Peek.Line, $"more than {DeepestScope} scopes inside each other");
        scopes.Add([]);
        openScopes.Add(scopeCount++);
    }

    void Close()
    {
        reader.Expect('}');
        scopes.RemoveAt(scopes.Count - 1);
        openScopes.RemoveAt(openScopes.Count - 1);
    }

    void Statement()
    {
        var (kind, text, line) = reader.Peek;
        if (reader.Peek.Is('{')) Open();
        else if (reader.Peek.Is('}')) Close();
        else if (reader.Accept(';')) { }
        else if (kind == TokenKind.Word && reader.Ahead.Is(':')) Label();
        else if (kind == TokenKind.Word && text[0] == '.') Directive(text, line);
        else Instruction();
    }

    void Directive(string text, int line)
    {
        switch (text)
        {
            case ".reg": Registers(); break;
            case ".shared" or ".local" or ".param" or ".global" or ".const":
                foreach (var variable in VariableParser.Read(reader))
                {
                    var name = Declare(variable.Name, line);
                    variables.Add(name);
                    function.Variables.Add(variable with { Name = name });
                }
                break;
            case ".loc":
                reader.Next();
                var (file, row, column) = (reader.Count(), reader.Count(), reader.Count());
                // Where the compiler joins things of several lines, it says line 0.
                if (row > 0) source = new(file, row, column);
                reader.SkipLine(line);
                break;
            case ".pragma": reader.SkipLine(line); break;
            default: throw reader.Unexpected("a statement");
        }
    }

    void Registers()
    {
        reader.Next();
        var line = reader.Peek.Line;
        var word = reader.Word();
        if (!word.StartsWith('.') || !PtxTypes.TryParse(word[1..], out var type)) throw new PtxException(line, $"'{word}', expected the type of registers");
        do
        {
            var name = reader.Word();
            if (!reader.Accept('<')) Add(name);
            else
            {
                var count = reader.Count();
                if (function.Registers.Count + (long)count > MostRegisters) throw new PtxException(line, $"{count} registers, expected at most {MostRegisters} in a function");
                for (var i = 0; i < count; i++) Add($"{name}{i}");
                reader.Expect('>');
            }
        }
        while (reader.Accept(','));
        reader.Expect(';');
        void Add(string name) => function.Registers.Add(Declare(name, line), type);
    }

    void Label()
    {
        var (_, name, line) = reader.Next();
        reader.Expect(':');
        if (reader.Peek.Text is ".branchtargets")
        {
            reader.Next();
            List<string> targets = [];
            do targets.Add(LabelUse()); while (reader.Accept(','));
            reader.Expect(';');
            function.BranchTargets[name] = [.. targets];
        }
        else if (reader.Peek.Text is ".callprototype" or ".calltargets") throw new PtxException(line, "a call through a pointer, expected direct calls only");
        else if (!function.Labels.TryAdd(LabelName(name), function.Instructions.Count)) throw new PtxException(line, $"label {name} is defined twice");
    }

    /// <summary>Inline assembly repeats its own labels in scopes of its own; NVRTC's begin with a dollar and are the function's.</summary>
    string LabelName(string name) => name[0] == '$' || openScopes.Count == 1 ? name : $"{name}#{openScopes[^1]}";

    string LabelUse()
    {
        var (_, name, line) = reader.Next();
        used.Add((name = LabelName(name), line));
        return name;
    }

    void Instruction()
    {
        PtxOperand.Register? guard = null;
        if (reader.Accept('@'))
        {
            var negated = reader.Accept('!');
            guard = new(Resolve(reader.Word()), negated);
        }
        var line = reader.Peek.Line;
        var opcode = reader.Word();
        List<PtxOperand> operands = [];
        if (!reader.Peek.Is(';'))
        {
            var isBranch = opcode is "bra" or "bra.uni" or "brx.idx" or "brx.idx.uni";
            do
            {
                var isLabel = isBranch && (operands.Count == 1 || opcode[2] == 'a');
                operands.Add(isLabel ? new PtxOperand.Symbol(LabelUse()) : Operand());
            }
            while (reader.Accept(','));
        }
        reader.Expect(';');
        function.Instructions.Add(new(opcode, guard, [.. operands], line, source));
    }

    PtxOperand Operand()
    {
        var first = Simple();
        return reader.Accept('|') ? new PtxOperand.Pair(first, Simple()) : first;
    }

    PtxOperand Simple()
    {
        if (reader.Accept('{')) return Elements('}');
        if (reader.Accept('(')) return Elements(')');
        if (reader.Accept('['))
        {
            var place = Scalar();
            var offset = Offset();
            reader.Expect(']');
            return new PtxOperand.Address(place, offset);
        }
        return Scalar();
    }

    PtxOperand.Vector Elements(char end)
    {
        List<PtxOperand> elements = [];
        if (!reader.Peek.Is(end)) do elements.Add(Scalar()); while (reader.Accept(','));
        reader.Expect(end);
        return new([.. elements]);
    }

    PtxOperand Scalar()
    {
        if (reader.Accept('!')) return new PtxOperand.Register(Resolve(reader.Word()), Negated: true);
        if (reader.Peek.Kind == TokenKind.Number || reader.Peek.Is('-'))
        {
            var negative = reader.Accept('-');
            var (bits, kind) = reader.Number();
            return new PtxOperand.Immediate(!negative ? bits : kind switch { ImmediateKind.Integer => 0 - bits, ImmediateKind.Single => bits ^ 1u << 31, _ => bits ^ 1ul << 63 }, kind);
        }
        var name = reader.Word();
        if (name == "_") return new PtxOperand.Sink();
        if (name[0] == '%' && !IsDeclared(name)) return new PtxOperand.Register(name);
        name = Resolve(name);
        return function.Registers.ContainsKey(name) ? new PtxOperand.Register(name) : new PtxOperand.Symbol(name, Offset());
    }

    long Offset() => reader.Accept('+') ? reader.Integer() : reader.Peek.Is('-') ? reader.Integer() : 0;

    string Declare(string name, int line)
    {
        var unique = scopes.Count == 1 ? name : $"{name}#{openScopes[^1]}";
        return scopes[^1].TryAdd(name, unique) ? unique : throw new PtxException(line, $"{name} is declared twice");
    }

    bool IsDeclared(string name) => scopes.Exists(scope => scope.ContainsKey(name));

    string Resolve(string name)
    {
        for (var i = scopes.Count - 1; i >= 0; i--)
            if (scopes[i].TryGetValue(name, out var unique)) return unique;
        return name;
    }
}
