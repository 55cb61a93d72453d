using PeaEngine.Backends;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.Train;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The golden trajectories on a GPU: the tests of the CPU with another backend. In F32 within their own bound; in F16 and BF16 within twice the error that the CPU makes where it rounds every activation to that type.
/// </summary>
public class CudaDistillerGoldenTests
{
    const string Small = "sd15-kd";

    [NvrtcTheory, MemberData(nameof(DistillerGoldenTests.Cases), MemberType = typeof(DistillerGoldenTests))]
    public void FollowsTheReferencesTrajectory(string name) => ModelFixture.With(() => new CudaBackend(CudaTestDevice.Open()), () => DistillerGoldenTests.Follow(name));

    /// <summary>
    /// The first gradients by their largest error. Of the trajectory what the golden files bound, each tensor's change as a vector: AdamW's first steps go by the signs of gradients, so that the largest error tells whether one of thousands that
    /// are next to nothing has turned. cuBLASLt takes a product's bias in 16 bits, the oracle keeps it in F32: in BF16 that is half as much error again.
    /// </summary>
    [NvrtcTheory, InlineData(DType.F16), InlineData(DType.BF16)]
    public void In16BitsATrajectoryIsAsExactAsRoundingAllows(DType type)
    {
        IReadOnlyList<(string Name, double Error)> Errors(Func<Backend> open) => GoldenTensors.ErrorsOf(() => ModelFixture.With(open, () => DistillerGoldenTests.Follow(Small)));
        RoundedErrors.AssertTwiceAtMost(RoundedErrors.Over([.. Enumerable.Range(0, 4).Select(draw => Errors(() => new RoundedBackend(type, draw)))]), Errors(() => new CudaBackend(CudaTestDevice.Open(), type)));
    }
}
