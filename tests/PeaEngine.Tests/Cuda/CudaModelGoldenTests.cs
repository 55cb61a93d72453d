using PeaEngine.Backends;
using PeaEngine.Tests.Adapters;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.TextEncoders;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The golden files' forward cases on a GPU: the tests of the CPU with another backend. In F32 within their own bound, in F16 and BF16 within twice the error that the CPU makes where it rounds every activation to that type.
/// BF16 takes the ways of F16 with other instructions, which the tests of ops know: one model of a kind.
/// </summary>
public class CudaModelGoldenTests
{
    public static TheoryData<string, DType> UNets => Cases(UNetGoldenTests.Cases);
    public static TheoryData<string, DType> ControlNets => Cases(ControlNetGoldenTests.Cases);
    public static TheoryData<string, DType> Vaes => Cases(VaeGoldenTests.Cases);
    public static TheoryData<string, DType> TextEncoders => Cases(TextEncoderGoldenTests.Cases);
    public static TheoryData<string, DType> Students => Cases(StudentModelGoldenTests.Cases);
    public static TheoryData<string, DType> Adapters => Cases(PeaAdapterGoldenTests.Cases);

    [NvrtcTheory, MemberData(nameof(UNets))]
    public void UNetsPredictAsDiffusers(string name, DType type) => OnDevice(type, () => new UNetGoldenTests().PredictsAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(ControlNets))]
    public void ControlNetsGiveDiffusersResiduals(string name, DType type) => OnDevice(type, () => new ControlNetGoldenTests().GivesDiffusersResiduals(name));

    [NvrtcTheory, MemberData(nameof(Vaes))]
    public void VaesEncodeAsDiffusers(string name, DType type) => OnDevice(type, () => new VaeGoldenTests().EncodesAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(Vaes))]
    public void VaesDecodeAsDiffusers(string name, DType type) => OnDevice(type, () => new VaeGoldenTests().DecodesAsDiffusers(name));

    /// <summary>In F16 alone: what is about tiles is the same in all types.</summary>
    [NvrtcTheory, MemberData(nameof(VaeGoldenTests.Cases), MemberType = typeof(VaeGoldenTests))]
    public void VaesDecodeInTilesAsDiffusers(string name) => OnDevice(DType.F16, () => new VaeGoldenTests().DecodesInTilesAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(TextEncoders))]
    public void TextEncodersStatesAreTransformers(string name, DType type) => OnDevice(type, () => new TextEncoderGoldenTests().StatesAreTransformers(name));

    [NvrtcTheory, MemberData(nameof(Students))]
    public void StudentsStatesAreTheReferences(string name, DType type) => OnDevice(type, () => new StudentModelGoldenTests().LastStateIsTheReferences(name));

    [NvrtcTheory, MemberData(nameof(Adapters))]
    public void AdaptersOutputsAreTheReferences(string name, DType type) => OnDevice(type, () => new PeaAdapterGoldenTests().OutputsAreTheReferences(name));

    static TheoryData<string, DType> Cases(TheoryData<string> names)
    {
        var data = new TheoryData<string, DType>();
        foreach (string name in names)
        {
            data.Add(name, DType.F32);
            data.Add(name, DType.F16);
            if (data.Count == 2) data.Add(name, DType.BF16);
        }
        return data;
    }

    static void OnDevice(DType type, Action test)
    {
        void On(Func<Backend> open) => ModelFixture.With(open, test);
        Backend Device() => new CudaBackend(CudaTestDevice.Open(), type);
        if (type == DType.F32) On(Device);
        else RoundedErrors.AssertTwiceAtMost(GoldenTensors.ErrorsOf(() => On(() => new RoundedBackend(type))), GoldenTensors.ErrorsOf(() => On(Device)));
    }
}
