using PeaEngine.Backends;
using PeaEngine.Tests.Adapters;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.TextEncoders;

namespace PeaEngine.Tests.Cuda;

/// <summary>The golden files' forward cases on a GPU, in F32: the tests of the CPU with another backend.</summary>
public class CudaModelGoldenTests
{
    [NvrtcTheory, MemberData(nameof(UNetGoldenTests.Cases), MemberType = typeof(UNetGoldenTests))]
    public void UNetsPredictAsDiffusers(string name) => OnDevice(() => new UNetGoldenTests().PredictsAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(ControlNetGoldenTests.Cases), MemberType = typeof(ControlNetGoldenTests))]
    public void ControlNetsGiveDiffusersResiduals(string name) => OnDevice(() => new ControlNetGoldenTests().GivesDiffusersResiduals(name));

    [NvrtcTheory, MemberData(nameof(VaeGoldenTests.Cases), MemberType = typeof(VaeGoldenTests))]
    public void VaesEncodeAsDiffusers(string name) => OnDevice(() => new VaeGoldenTests().EncodesAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(VaeGoldenTests.Cases), MemberType = typeof(VaeGoldenTests))]
    public void VaesDecodeAsDiffusers(string name) => OnDevice(() => new VaeGoldenTests().DecodesAsDiffusers(name));

    [NvrtcTheory, MemberData(nameof(TextEncoderGoldenTests.Cases), MemberType = typeof(TextEncoderGoldenTests))]
    public void TextEncodersStatesAreTransformers(string name) => OnDevice(() => new TextEncoderGoldenTests().StatesAreTransformers(name));

    [NvrtcTheory, MemberData(nameof(StudentModelGoldenTests.Cases), MemberType = typeof(StudentModelGoldenTests))]
    public void StudentsStatesAreTheReferences(string name) => OnDevice(() => new StudentModelGoldenTests().LastStateIsTheReferences(name));

    [NvrtcTheory, MemberData(nameof(PeaAdapterGoldenTests.Cases), MemberType = typeof(PeaAdapterGoldenTests))]
    public void AdaptersOutputsAreTheReferences(string name) => OnDevice(() => new PeaAdapterGoldenTests().OutputsAreTheReferences(name));

    static void OnDevice(Action test) => ModelFixture.With(() => new CudaBackend(CudaTestDevice.Open()), test);
}
