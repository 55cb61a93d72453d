namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>Reads the directives of a module and the heads of its functions; <see cref="BodyParser"/> reads what is in their braces.</summary>
sealed class PtxParser(List<Token> tokens)
{
    readonly TokenReader reader = new(tokens);
    readonly PtxModule module = new();

    public PtxModule Module()
    {
        while (reader.Peek.Kind != TokenKind.End) Directive();
        if (module.Version == "") throw new PtxException(1, "no .version, expected PTX");
        return module;
    }

    void Directive()
    {
        var isExtern = false;
        for (; ; )
        {
            var (_, text, line) = reader.Peek;
            switch (text)
            {
                case ".visible" or ".weak" or ".common": reader.Next(); continue;
                case ".extern": reader.Next(); isExtern = true; continue;
                case ".version": reader.Next(); module.Version = reader.Next().Text; return;
                case ".target": reader.Next(); module.Target = reader.Word(); reader.SkipLine(line); return;
                case ".address_size":
                    reader.Next();
                    if (reader.Count() is var size && size != 64) throw new PtxException(line, $"addresses of {size} bits, expected 64");
                    return;
                case ".file":
                    reader.Next();
                    var file = reader.Count();
                    module.Files[file] = reader.Next().Text.Trim('"');
                    reader.SkipLine(line);
                    return;
                case ".loc" or ".pragma": reader.SkipLine(line); return;
                case ".section": Section(); return;
                case ".entry" or ".func": Function(isExtern); return;
                case ".global" or ".const" or ".shared": module.Variables.AddRange(VariableParser.Read(reader, isExtern)); return;
                default: throw reader.Unexpected("a directive");
            }
        }
    }

    /// <summary>What a debugger would read.</summary>
    void Section()
    {
        while (!reader.Next().Is('{')) { }
        while (!reader.Next().Is('}')) { }
    }

    void Function(bool isExtern)
    {
        var line = reader.Peek.Line;
        var isEntry = reader.Next().Text == ".entry";
        List<PtxVariable> returns = [];
        if (reader.Peek.Is('(')) Parameters(returns);
        var function = new PtxFunction { Name = reader.Word(), IsEntry = isEntry, Line = line };
        function.Returns.AddRange(returns);
        if (reader.Peek.Is('(')) Parameters(function.Parameters);
        while (!reader.Peek.Is('{') && !reader.Peek.Is(';')) Tuning(function);
        if (!reader.Accept(';'))
        {
            if (isExtern) throw new PtxException(line, $"extern function {function.Name} with a body");
            new BodyParser(reader, function).Read();
            function.HasBody = true;
        }
        if (module.Functions.TryGetValue(function.Name, out var before) && before.HasBody && function.HasBody)
            throw new PtxException(line, $"function {function.Name} is defined twice");
        if (before is null || function.HasBody) module.Functions[function.Name] = function;
    }

    void Parameters(List<PtxVariable> into)
    {
        reader.Expect('(');
        if (reader.Accept(')')) return;
        do into.Add(VariableParser.One(reader)); while (reader.Accept(','));
        reader.Expect(')');
    }

    /// <summary>What stands between a function's parameters and its body.</summary>
    void Tuning(PtxFunction function)
    {
        var (_, text, line) = reader.Next();
        switch (text)
        {
            case ".maxntid" or ".reqntid":
                long threads = reader.Count();
                while (reader.Accept(',')) threads *= reader.Count();
                function.MaxThreads = threads is > 0 and <= 1024 ? (int)threads : throw new PtxException(line, $"{text} of {threads} threads, expected 1 to 1024");
                break;
            case ".minnctapersm" or ".maxnreg" or ".maxnctapersm": reader.Count(); break;
            case ".noreturn": break;
            default: throw new PtxException(line, $"'{text}', expected a directive of a function");
        }
    }
}
