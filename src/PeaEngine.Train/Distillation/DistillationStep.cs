using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Distillation;

/// <summary>
/// A step over the samples of one pass: the teacher's part, then the student's with the losses and the way back. Each is ops alone; between them may be told how far the teacher's features are from each other.
/// </summary>
/// <param name="p">The pass, whose memory it uses.</param>
/// <param name="inputs">What it is computed from; uploaded.</param>
/// <param name="draw">How the noise is drawn, or null: it is among the inputs.</param>
/// <param name="taught">How many samples have a teacher; they come first.</param>
/// <param name="options">The loss.</param>
sealed class DistillationStep(Pass p, DistillationInputs inputs, NoiseDraw? draw, int taught, DistillationOptions options)
{
    readonly int count = inputs.Timesteps.Shape[0];
    readonly UNetFeatures teacherFeatures = new();
    (Tensor Noise, Tensor Noisy) mixed;
    Tensor? taughtPrediction;

    /// <summary>Mixes the noisy latents and runs the teacher.</summary>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    public void Teach(UNet2DConditionModel unet, TrainingTarget target)
    {
        mixed = Mix();
        target.BeforeTeacher();
        if (taught > 0) taughtPrediction = Teach(unet, mixed.Noisy, ComparesFeatures ? teacherFeatures : null);
    }

    /// <summary>Sums over the teacher's blocks; null where no sample has a teacher.</summary>
    public FeatureMoments? Moments { get; private set; }

    /// <summary>Takes the <see cref="Moments"/>, after <see cref="Teach(UNet2DConditionModel, TrainingTarget)"/>.</summary>
    public void Survey()
    {
        if (ComparesFeatures) Moments = new(p, teacherFeatures);
    }

    /// <summary>Runs the student; adds the gradients of what is trained, and the losses.</summary>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    /// <param name="losses">[3] F64, added to.</param>
    public void Learn(UNet2DConditionModel unet, TrainingTarget target, Tensor losses)
    {
        Pass student = p.Saving(target.Gradients, options.Recomputes), training = target.TrainsAdapter ? p.Saving(target.Gradients) : p;
        var (text, c, dPrediction, dFeatures) = Compare(student, training, unet, target, losses);
        unet.Backward(student, c, dPrediction, dFeatures);
        Tensor dSequence = p.New(text.Sequence.Shape);
        Tensor? dPooled = text.Pooled is { } pooled ? p.New(pooled.Shape) : null;
        unet.ConditionBackward(student, c, text.Sequence, dSequence, dPooled);
        if (target.TrainsAdapter) text.Backward(dSequence, dPooled);
    }

    /// <summary>Adds the losses alone.</summary>
    /// <inheritdoc cref="Learn"/>
    public void Evaluate(UNet2DConditionModel unet, TrainingTarget target, Tensor losses) => Compare(p, p, unet, target, losses);

    bool ComparesFeatures => options.FeatureWeight > 0 && taught > 0;

    /// <summary>The student beside the teacher.</summary>
    (StudentText Text, UNetConditioning Conditioning, Tensor DPrediction, UNetFeatures? DFeatures) Compare(Pass student, Pass training, UNet2DConditionModel unet, TrainingTarget target, Tensor losses)
    {
        target.BeforeStudent();
        var text = new StudentText(training, inputs, options.DropsPooled, target.Adapter);
        var c = unet.Condition(student, text.Sequence, text.Pooled, inputs.TimeIds);
        var studentFeatures = new UNetFeatures();
        var prediction = unet.Forward(student, mixed.Noisy, inputs.Timesteps, c, ComparesFeatures ? studentFeatures : null);

        var terms = new LossTerms(p, inputs, taught);
        var dPrediction = terms.Prediction(prediction, taughtPrediction, mixed.Noise);
        var dFeatures = ComparesFeatures ? terms.Features(teacherFeatures, studentFeatures) : null;
        terms.AddTo(losses);
        return (text, c, dPrediction, dFeatures);
    }

    /// <summary>The noise, and the noisy latents, x_t = √ᾱ·x + √(1 − ᾱ)·ε, both [B, h, w, C].</summary>
    (Tensor Noise, Tensor Noisy) Mix()
    {
        Shape image = [count, inputs.Image[2], inputs.Image[3], inputs.Image[1]];
        Tensor noise = p.Keep(image), noisy = p.Keep(image);
        using var scope = p.Scratch();
        Tensor turned = p.New(image, DType.F32), turnedNoisy = p.New(image, DType.F32), mixed = p.New([1, inputs.Pixels.Shape[2]], DType.F32);
        for (var i = 0; i < count; i++)
        {
            var pixels = inputs.Pixels.Slice(i, 1).Reshape([2, inputs.Pixels.Shape[2]]);
            if (draw != null) p.Backend.Normals(draw.Seed, (uint)draw.Stream, inputs.Positions!.Value.Slice(i, 1), pixels.Slice(1, 1));
            p.Backend.ToChannelsLast(pixels.Slice(1, 1).Reshape(inputs.Image), turned.Slice(i, 1));
            // A product of one row, √ᾱ and √(1 − ᾱ), with two.
            p.Backend.LinearBackward(inputs.Mixture.Slice(i, 1), pixels, mixed);
            p.Backend.ToChannelsLast(mixed.Reshape(inputs.Image), turnedNoisy.Slice(i, 1));
        }
        p.Backend.Copy(turned, noise);
        p.Backend.Copy(turnedNoisy, noisy);
        return (noise, noisy);
    }

    /// <summary>The teacher's prediction for the samples that have one, [taught, h, w, C].</summary>
    Tensor Teach(UNet2DConditionModel unet, Tensor noisy, UNetFeatures? features)
    {
        var prediction = p.Keep([taught, noisy.Shape[1], noisy.Shape[2], unet.Config.OutChannels]);
        using var scope = p.Scratch();
        var c = unet.Condition(p, inputs.TeacherSequence, inputs.TeacherPooled, inputs.TimeIds?.Slice(0, taught));
        p.Backend.Copy(unet.Forward(p, noisy.Slice(0, taught), inputs.Timesteps.Slice(0, taught), c, features), prediction);
        return prediction;
    }
}
