using PeaEngine.Backends;
using PeaEngine.Tests.Adapters;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.TextEncoders;

namespace PeaEngine.Tests.Cuda;

/// <summary>The golden files' gradients on a GPU, in F32: the tests of the CPU with another backend.</summary>
public class CudaGradientsGoldenTests
{
    [NvrtcTheory, MemberData(nameof(PeaAdapterGradientsGoldenTests.Cases), MemberType = typeof(PeaAdapterGradientsGoldenTests))]
    public void OfAdaptersAreTheReferences(string name) => OnDevice(() => new PeaAdapterGradientsGoldenTests().AreTheReferences(name));

    [NvrtcTheory, MemberData(nameof(TextGradientsGoldenTests.TrainedCases), MemberType = typeof(TextGradientsGoldenTests))]
    public void OfTextEncodersAreTheReferences(string name) => OnDevice(() => new TextGradientsGoldenTests().AreTheReferences(name));

    [NvrtcTheory, MemberData(nameof(UNetGradientsGoldenTests.TrainedCases), MemberType = typeof(UNetGradientsGoldenTests))]
    public void OfUNetsWeightsAreTheReferences(string name) => OnDevice(() => new UNetGradientsGoldenTests().OfWeights(name));

    static void OnDevice(Action test) => ModelFixture.With(() => new CudaBackend(CudaTestDevice.Open()), test);
}
