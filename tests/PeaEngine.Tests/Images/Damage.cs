namespace PeaEngine.Tests.Images;

/// <summary>What happens to files: bits flip, bytes change, go missing, the end is lost.</summary>
static class Damage
{
    /// <summary>A copy with one to four faults.</summary>
    public static byte[] Of(byte[] good, System.Random random)
    {
        var file = (byte[])good.Clone();
        for (var count = random.Next(1, 5); count > 0 && file.Length > 0; count--)
        {
            // Half of the changes hit the first bytes, where the structure is.
            var at = random.Next(random.Next(2) == 0 ? Math.Min(file.Length, 120) : file.Length);
            switch (random.Next(4))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file[at] = (byte)random.Next(256);
                    break;
                case 2:
                    file = [.. file[..at], .. file[Math.Min(file.Length, at + random.Next(1, 9))..]];
                    break;
                default:
                    file = file[..at];
                    break;
            }
        }
        return file;
    }
}
