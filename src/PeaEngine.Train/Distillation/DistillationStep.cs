using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Distillation;

/// <summary>A step over the samples of one pass: the two runs of the UNet, the losses and the way back. It is ops alone, but where statistics are asked for.</summary>
/// <param name="p">The pass, whose memory it uses.</param>
/// <param name="inputs">What it is computed from; uploaded.</param>
/// <param name="draw">How the noise is drawn, or null: it is among the inputs.</param>
/// <param name="taught">How many samples have a teacher; they come first.</param>
/// <param name="options">The loss.</param>
sealed class DistillationStep(Pass p, DistillationInputs inputs, NoiseDraw? draw, int taught, DistillationOptions options)
{
    readonly int count = inputs.Timesteps.Shape[0];

    /// <summary>Adds the gradients of what is trained, and the losses.</summary>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    /// <param name="losses">[3] F64, added to.</param>
    /// <param name="survey">Told of the teacher's blocks before they are compared; null where nobody asks.</param>
    public void Run(UNet2DConditionModel unet, TrainingTarget target, Tensor losses, Action<UNetFeatures>? survey)
    {
        Pass student = p.Saving(target.Gradients, options.Recomputes), training = target.TrainsAdapter ? p.Saving(target.Gradients) : p;
        var (text, c, dPrediction, dFeatures) = Forward(student, training, unet, target, losses, survey);
        unet.Backward(student, c, dPrediction, dFeatures);
        Tensor dSequence = p.New(text.Sequence.Shape);
        Tensor? dPooled = text.Pooled is { } pooled ? p.New(pooled.Shape) : null;
        unet.ConditionBackward(student, c, text.Sequence, dSequence, dPooled);
        if (target.TrainsAdapter) text.Backward(dSequence, dPooled);
    }

    /// <summary>Adds the losses alone.</summary>
    /// <inheritdoc cref="Run"/>
    public void Evaluate(UNet2DConditionModel unet, TrainingTarget target, Tensor losses, Action<UNetFeatures>? survey) => Forward(p, p, unet, target, losses, survey);

    /// <summary>Runs the teacher alone, for the statistics of its blocks.</summary>
    public void Survey(UNet2DConditionModel unet, TrainingTarget target, Action<UNetFeatures> survey)
    {
        if (taught == 0) return;
        var (_, noisy) = Mix();
        var features = new UNetFeatures();
        target.BeforeTeacher();
        Teach(unet, noisy, features);
        survey(features);
    }

    /// <summary>The teacher and the student, the one in a pass that leaves nothing.</summary>
    (StudentText Text, UNetConditioning Conditioning, Tensor DPrediction, UNetFeatures? DFeatures) Forward(
        Pass student, Pass training, UNet2DConditionModel unet, TrainingTarget target, Tensor losses, Action<UNetFeatures>? survey)
    {
        var (noise, noisy) = Mix();
        UNetFeatures teacherFeatures = new(), studentFeatures = new();
        var withFeatures = options.FeatureWeight > 0 && taught > 0;
        target.BeforeTeacher();
        Tensor? taughtPrediction = taught == 0 ? null : Teach(unet, noisy, withFeatures ? teacherFeatures : null);
        survey?.Invoke(teacherFeatures);

        target.BeforeStudent();
        var text = new StudentText(training, inputs, options.DropsPooled, target.Adapter);
        var c = unet.Condition(student, text.Sequence, text.Pooled, inputs.TimeIds);
        var prediction = unet.Forward(student, noisy, inputs.Timesteps, c, withFeatures ? studentFeatures : null);

        var terms = new LossTerms(p, inputs, taught);
        var dPrediction = terms.Prediction(prediction, taughtPrediction, noise);
        var dFeatures = withFeatures ? terms.Features(teacherFeatures, studentFeatures) : null;
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
