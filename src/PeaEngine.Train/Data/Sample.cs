using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>A sample that can be trained with: its picture as the shard has it, not yet decoded, and its captions.</summary>
/// <param name="Name">For messages: shard, byte and key.</param>
/// <param name="Picture">The bytes of the picture's file.</param>
/// <param name="Size">The picture's size as its file claims it.</param>
/// <param name="Bucket">The index of its aspect bucket.</param>
/// <param name="Captions">Its captions.</param>
public sealed record Sample(string Name, ReadOnlyMemory<byte> Picture, PixelSize Size, int Bucket, SampleCaptions Captions);
