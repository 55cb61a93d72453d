using PeaEngine.Backends;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.Train;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The golden trajectories on a GPU: the tests of the CPU with another backend. In F32 within their own bound; in F16 and BF16 the first gradients within twice the error that the CPU makes where it rounds every activation to that type.
/// A virtual device makes a case's first step, with its gradients and their norm, and of the smallest UNet all.
/// </summary>
public class CudaDistillerGoldenTests
{
    const string Small = "sd15-kd";

    [NvrtcTheory, MemberData(nameof(DistillerGoldenTests.Cases), MemberType = typeof(DistillerGoldenTests))]
    public void FollowsTheReferencesTrajectory(string name) => ModelFixture.With(() => new CudaBackend(CudaTestDevice.Open()), () => DistillerGoldenTests.Follow(name, CudaTestDevice.IsReal || name == Small ? int.MaxValue : 1));

    [NvrtcTheory, InlineData(DType.F16), InlineData(DType.BF16)]
    public void In16BitsTheFirstGradientsAreAsExactAsRoundingAllows(DType type)
    {
        IReadOnlyList<(string Name, double Error)> Errors(Func<Backend> open) => GoldenTensors.ErrorsOf(() => ModelFixture.With(open, () => DistillerGoldenTests.Follow(Small, 1)));
        RoundedErrors.AssertTwiceAtMost(Errors(() => new RoundedBackend(type)), Errors(() => new CudaBackend(CudaTestDevice.Open(), type)));
    }
}
