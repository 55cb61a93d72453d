using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>A sample as it is trained with at one step.</summary>
/// <param name="Place">Its number in the order, which its random numbers depend on.</param>
/// <param name="Name">For messages: shard, byte and key.</param>
/// <param name="Picture">The picture in its bucket's size, with the micro-conditioning.</param>
/// <param name="Caption">The student's caption.</param>
/// <param name="TeacherCaption">The English caption, or null where z = 1.</param>
public sealed record PictureSample(ulong Place, string Name, CroppedPicture Picture, Caption Caption, string? TeacherCaption);

/// <summary>One rank's part of a batch.</summary>
/// <param name="Step">The optimiser step that it is for, counted from 0.</param>
/// <param name="Size">The size of its pictures.</param>
/// <param name="Samples">Every so many of the whole batch's samples as there are ranks.</param>
/// <param name="After">Where the data stands after the batch: with it the next one begins.</param>
public sealed record PictureBatch(long Step, PixelSize Size, IReadOnlyList<PictureSample> Samples, DataPosition After);
