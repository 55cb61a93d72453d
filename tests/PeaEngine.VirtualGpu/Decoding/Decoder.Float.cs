using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Ptx;
using unsafe Execute = delegate*<PeaEngine.VirtualGpu.Machine.Warp, PeaEngine.VirtualGpu.Machine.Instr*, void>;

namespace PeaEngine.VirtualGpu.Decoding;

/// <summary>Floating point arithmetic of all widths.</summary>
sealed unsafe partial class Decoder
{
    bool Float(ref Instr instr, PtxInstruction source, Modifiers modifiers)
    {
        var name = source.Parts[0];
        if (name is not ("add" or "sub" or "mul" or "fma" or "mad" or "div" or "rcp" or "sqrt" or "rsqrt" or "ex2" or "lg2" or "sin" or "cos" or "tanh" or "min" or "max" or "neg" or "abs" or "copysign")) return false;
        var type = modifiers.Type();
        var rounding = modifiers.Rounding();
        bool flush = modifiers.Take("ftz"), saturate = modifiers.Take("sat"), approximate = modifiers.TakeAny("approx", "full") is not null, nan = modifiers.Take("NaN");
        if (name == "mad") name = "fma";
        switch (type)
        {
            case PtxType.F32:
                // What is approximate may be exact: the error that is allowed is not one that must be made.
                instr.Run = rounding is null or RoundingMode.Nearest ? Single(name, nan) : RoundedSingle(name);
                instr.Mode = (flush ? FloatAlu.FlushToZero : 0) | (saturate ? FloatAlu.Saturate : 0) | (int)(rounding ?? RoundingMode.Nearest) << FloatAlu.RoundingShift;
                if (!flush && !saturate && rounding is null or RoundingMode.Nearest && Plain(name) is var plain && plain != null) instr.Run = plain;
                break;
            case PtxType.F64:
                if (rounding is not (null or RoundingMode.Nearest) || flush || saturate || approximate && name is not ("rcp" or "rsqrt")) throw modifiers.Unknown();
                instr.Run = Double(name);
                break;
            case PtxType.F16 or PtxType.F16x2:
                if (rounding is not (null or RoundingMode.Nearest)) throw modifiers.Unknown();
                instr.Run = Half<HalfFormat>(name, nan, type == PtxType.F16x2);
                break;
            case PtxType.BF16 or PtxType.BF16x2:
                if (rounding is not (null or RoundingMode.Nearest)) throw modifiers.Unknown();
                instr.Run = Half<BFloat16Format>(name, nan, type == PtxType.BF16x2);
                break;
        }
        if (type is PtxType.F16 or PtxType.F16x2 or PtxType.BF16 or PtxType.BF16x2)
            instr.Mode = (type is PtxType.F16x2 or PtxType.BF16x2 ? HalfAlu.Pair : 0) | (saturate ? HalfAlu.Saturate : 0) | (modifiers.Take("relu") ? HalfAlu.Relu : 0)
                | (flush && type is PtxType.F16 or PtxType.F16x2 ? HalfAlu.FlushToZero : 0);
        if (instr.Run == null) throw modifiers.Unknown();
        switch (name)
        {
            case "fma": Put(ref instr, source, type, type, type, type); break;
            case "add" or "sub" or "mul" or "div" or "min" or "max" or "copysign": Put(ref instr, source, type, type, type); break;
            default: Put(ref instr, source, type, type); break;
        }
        return true;
    }

    static Execute Single(string name, bool nan) => name switch
    {
        "add" => &FloatAlu.Binary<Add<float>>,
        "sub" => &FloatAlu.Binary<Sub<float>>,
        "mul" => &FloatAlu.Binary<Mul<float>>,
        "fma" => &FloatAlu.Ternary<Fma<float>>,
        "div" => &FloatAlu.Binary<Quotient<float>>,
        "rcp" => &FloatAlu.Unary<Reciprocal<float>>,
        "sqrt" => &FloatAlu.Unary<SquareRoot<float>>,
        "min" => nan ? &FloatAlu.Binary<MinNaN<float>> : &FloatAlu.Binary<MinNumber<float>>,
        "max" => nan ? &FloatAlu.Binary<MaxNaN<float>> : &FloatAlu.Binary<MaxNumber<float>>,
        "neg" => &FloatAlu.Unary<FloatNeg<float>>,
        "abs" => &FloatAlu.Unary<Abs<float>>,
        "copysign" => &FloatAlu.Binary<CopySign<float>>,
        "ex2" => &FloatAlu.Approximate<Exp2>,
        "lg2" => &FloatAlu.Approximate<Log2>,
        "sin" => &FloatAlu.Approximate<Sine>,
        "cos" => &FloatAlu.Approximate<Cosine>,
        "tanh" => &FloatAlu.Approximate<HyperbolicTangent>,
        "rsqrt" => &FloatAlu.Approximate<ReciprocalSquareRoot>,
        _ => null,
    };

    /// <summary>The most frequent ones, without flushing and saturation.</summary>
    static Execute Plain(string name) => name switch
    {
        "add" => &Alu.Binary<float, Add<float>>,
        "sub" => &Alu.Binary<float, Sub<float>>,
        "mul" => &Alu.Binary<float, Mul<float>>,
        "fma" => &Alu.Ternary<float, Fma<float>>,
        _ => null,
    };

    static Execute RoundedSingle(string name) => name switch
    {
        "add" => &FloatAlu.Rounded<RoundedAdd>,
        "sub" => &FloatAlu.Rounded<RoundedSub>,
        "mul" => &FloatAlu.Rounded<RoundedMul>,
        "fma" => &FloatAlu.Rounded<RoundedMulAdd>,
        "div" => &FloatAlu.Rounded<RoundedDivide>,
        "rcp" => &FloatAlu.Rounded<RoundedReciprocal>,
        "sqrt" => &FloatAlu.Rounded<RoundedRoot>,
        _ => null,
    };

    static Execute Double(string name) => name switch
    {
        "add" => &Alu.Binary<double, Add<double>>,
        "sub" => &Alu.Binary<double, Sub<double>>,
        "mul" => &Alu.Binary<double, Mul<double>>,
        "fma" => &Alu.Ternary<double, Fma<double>>,
        "div" => &Alu.Binary<double, Quotient<double>>,
        "rcp" => &Alu.Unary<double, Reciprocal<double>>,
        "sqrt" => &Alu.Unary<double, SquareRoot<double>>,
        "rsqrt" => &Alu.Unary<double, DoubleRsqrt>,
        "min" => &Alu.Binary<double, MinNumber<double>>,
        "max" => &Alu.Binary<double, MaxNumber<double>>,
        "neg" => &Alu.Unary<double, FloatNeg<double>>,
        "abs" => &Alu.Unary<double, Abs<double>>,
        "copysign" => &Alu.Binary<double, CopySign<double>>,
        _ => null,
    };

    static Execute Half<TFormat>(string name, bool nan, bool pair) where TFormat : INarrow => name switch
    {
        "add" => &HalfAlu.Run<TFormat, RoundedAdd>,
        "sub" => &HalfAlu.Run<TFormat, RoundedSub>,
        "mul" => &HalfAlu.Run<TFormat, RoundedMul>,
        "fma" => &HalfAlu.Run<TFormat, RoundedMulAdd>,
        "min" => nan ? &HalfAlu.Run<TFormat, NaNMin> : &HalfAlu.Run<TFormat, NumberMin>,
        "max" => nan ? &HalfAlu.Run<TFormat, NaNMax> : &HalfAlu.Run<TFormat, NumberMax>,
        "ex2" => &HalfAlu.Run<TFormat, ScalarExp2>,
        "tanh" => &HalfAlu.Run<TFormat, ScalarTanh>,
        "neg" => pair ? &Alu.Unary<uint, FlipSigns<TwoSigns>> : &Alu.Unary<uint, FlipSigns<OneSign>>,
        "abs" => pair ? &Alu.Unary<uint, ClearSigns<TwoSigns>> : &Alu.Unary<uint, ClearSigns<OneSign>>,
        _ => null,
    };
}
