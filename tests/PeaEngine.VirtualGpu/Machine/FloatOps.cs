using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

// Floating point arithmetic of 32 and 64 bits, each as the PTX ISA defines it.

readonly struct Fma<T> : ITernary<T>
{
    public static Vector512<T> Do(Vector512<T> a, Vector512<T> b, Vector512<T> c) => typeof(T) == typeof(float)
        ? Vector512.FusedMultiplyAdd(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>()
        : Vector512.FusedMultiplyAdd(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();
}

/// <summary>The number if one operand is none; −0 is less than +0.</summary>
readonly struct MinNumber<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.MinNumber(a, b); }

/// <inheritdoc cref="MinNumber{T}"/>
readonly struct MaxNumber<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.MaxNumber(a, b); }

/// <summary>Not a number if one operand is none.</summary>
readonly struct MinNaN<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b); }

/// <inheritdoc cref="MinNaN{T}"/>
readonly struct MaxNaN<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b); }

readonly struct FloatNeg<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => -a; }

readonly struct Quotient<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a / b; }

readonly struct Reciprocal<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => Vector512<T>.One / a; }

readonly struct SquareRoot<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => Vector512.Sqrt(a); }

readonly struct CopySign<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.CopySign(b, a); }

/// <summary>
/// A function that the machine approximates, computed in double precision: nearer to the exact value than the error that the ISA documents.
/// </summary>
interface IApproximate { static abstract Vector512<double> Do(Vector512<double> a); }

readonly struct Exp2 : IApproximate { public static Vector512<double> Do(Vector512<double> a) => Vector512.Exp(a * Vector512.Create(0.69314718055994530942)); }

readonly struct Log2 : IApproximate { public static Vector512<double> Do(Vector512<double> a) => Vector512.Log2(a); }

readonly struct Sine : IApproximate { public static Vector512<double> Do(Vector512<double> a) => Vector512.Sin(a); }

readonly struct Cosine : IApproximate { public static Vector512<double> Do(Vector512<double> a) => Vector512.Cos(a); }

readonly struct ReciprocalSquareRoot : IApproximate { public static Vector512<double> Do(Vector512<double> a) => Vector512<double>.One / Vector512.Sqrt(a); }

readonly struct HyperbolicTangent : IApproximate
{
    public static Vector512<double> Do(Vector512<double> a)
    {
        for (var k = 0; k < Vector512<double>.Count; k++) a = a.WithElement(k, Math.Tanh(a[k]));
        return a;
    }
}

/// <summary>An operation in double precision whose result rounds on correctly, for rounding modes that vectors have not.</summary>
interface IRounded { static abstract double Do(double a, double b, double c); }

readonly struct RoundedAdd : IRounded { public static double Do(double a, double b, double c) => Rounding.Add(a, b); }

readonly struct RoundedSub : IRounded { public static double Do(double a, double b, double c) => Rounding.Add(a, -b); }

readonly struct RoundedMul : IRounded { public static double Do(double a, double b, double c) => a * b; }

readonly struct RoundedMulAdd : IRounded { public static double Do(double a, double b, double c) => Rounding.MulAdd(a, b, c); }

readonly struct RoundedDivide : IRounded { public static double Do(double a, double b, double c) => Rounding.Divide(a, b); }

readonly struct RoundedReciprocal : IRounded { public static double Do(double a, double b, double c) => Rounding.Divide(1, a); }

readonly struct RoundedRoot : IRounded { public static double Do(double a, double b, double c) => Rounding.SquareRoot(a); }

readonly struct DoubleRsqrt : IUnary<double> { public static Vector512<double> Do(Vector512<double> a) => Vector512<double>.One / Vector512.Sqrt(a); }
