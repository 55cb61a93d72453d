namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>
/// Puts the bodies of device functions in the place of their calls, so that the machine needs no stack. A callee's parameters become the
/// caller's variables of the call, its registers, labels and variables get names of their own.
/// </summary>
sealed class Inliner(PtxModule module)
{
    const int DeepestCall = 32, MostInstructions = 1 << 20;

    int copies;

    /// <summary>A kernel without calls.</summary>
    /// <exception cref="PtxException">A function is not defined in the module, or calls itself.</exception>
    public PtxFunction Expand(PtxFunction entry)
    {
        if (!entry.Instructions.Exists(instruction => instruction.Parts[0] == "call")) return entry;
        var flat = new PtxFunction { Name = entry.Name, IsEntry = true, Line = entry.Line, MaxThreads = entry.MaxThreads, HasBody = true };
        flat.Parameters.AddRange(entry.Parameters);
        Copy(entry, flat, "", [], null, 0);
        return flat;
    }

    void Copy(PtxFunction from, PtxFunction to, string suffix, Dictionary<string, string> names, string? end, int depth)
    {
        if (depth > DeepestCall) throw new PtxException(from.Line, $"{from.Name}: calls more than {DeepestCall} deep, expected no recursion");
        foreach (var (name, type) in from.Registers) to.Registers.Add(names[name] = name + suffix, type);
        foreach (var variable in from.Variables) to.Variables.Add(variable with { Name = names[variable.Name] = variable.Name + suffix });
        foreach (var label in from.Labels.Keys.Concat(from.BranchTargets.Keys)) names[label] = label + suffix;
        foreach (var (name, targets) in from.BranchTargets) to.BranchTargets.Add(names[name], [.. targets.Select(target => names[target])]);
        var labels = from.Labels.ToLookup(label => label.Value, label => label.Key);
        for (var i = 0; i <= from.Instructions.Count; i++)
        {
            foreach (var label in labels[i]) to.Labels.Add(names[label], to.Instructions.Count);
            if (i == from.Instructions.Count) break;
            var instruction = from.Instructions[i];
            if (to.Instructions.Count > MostInstructions) throw new PtxException(instruction.Line, $"{to.Name}: more than {MostInstructions} instructions with the functions that it calls");
            if (instruction.Parts[0] == "call") Call(instruction, to, names, depth);
            else if (instruction.Parts[0] == "ret" && end is not null)
                to.Instructions.Add(new("bra", Rename(instruction.Guard, names), [new PtxOperand.Symbol(end)], instruction.Line, instruction.Source));
            else
                to.Instructions.Add(new(instruction.Opcode, Rename(instruction.Guard, names), [.. instruction.Operands.Select(operand => Rename(operand, names))], instruction.Line, instruction.Source));
        }
    }

    void Call(PtxInstruction call, PtxFunction to, Dictionary<string, string> names, int depth)
    {
        if (call.Guard is not null) throw new PtxException(call.Line, "a call with a guard, expected a branch around it");
        var operands = call.Operands;
        var at = operands[0] is PtxOperand.Vector ? 1 : 0;
        if (operands.Length <= at || operands[at] is not PtxOperand.Symbol { Name: var name }) throw new PtxException(call.Line, "a call through a pointer, expected a function's name");
        if (!module.Functions.TryGetValue(name, out var callee) || !callee.HasBody) throw new PtxException(call.Line, $"unresolved extern function {name}");
        var returns = at == 1 ? ((PtxOperand.Vector)operands[0]).Elements : [];
        var arguments = operands.Length > at + 1 && operands[at + 1] is PtxOperand.Vector list ? list.Elements : [];
        if (returns.Length != callee.Returns.Count || arguments.Length != callee.Parameters.Count)
            throw new PtxException(call.Line, $"{name} has {callee.Parameters.Count} parameters and {callee.Returns.Count} results, called with {arguments.Length} and {returns.Length}");
        Dictionary<string, string> inner = [];
        foreach (var (parameter, argument) in callee.Returns.Concat(callee.Parameters).Zip(returns.Concat(arguments)))
            inner[parameter.Name] = argument is PtxOperand.Symbol { Name: var variable } ? names.GetValueOrDefault(variable, variable) : throw new PtxException(call.Line, $"{name}: an argument that is no variable");
        var (suffix, end) = ($"@{++copies}", $"end@{copies}");
        Copy(callee, to, suffix, inner, end, depth + 1);
        to.Labels.Add(end, to.Instructions.Count);
    }

    static PtxOperand.Register? Rename(PtxOperand.Register? guard, Dictionary<string, string> names) =>
        guard is null ? null : guard with { Name = names.GetValueOrDefault(guard.Name, guard.Name) };

    static PtxOperand Rename(PtxOperand operand, Dictionary<string, string> names) => operand switch
    {
        PtxOperand.Register register => Rename(register, names)!,
        PtxOperand.Symbol symbol => symbol with { Name = names.GetValueOrDefault(symbol.Name, symbol.Name) },
        PtxOperand.Address address => address with { Base = Rename(address.Base, names) },
        PtxOperand.Vector vector => new PtxOperand.Vector([.. vector.Elements.Select(element => Rename(element, names))]),
        PtxOperand.Pair pair => new PtxOperand.Pair(Rename(pair.First, names), Rename(pair.Second, names)),
        _ => operand,
    };
}
