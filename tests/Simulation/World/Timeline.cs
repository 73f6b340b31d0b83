using System.Globalization;

namespace RagCluster.Simulation.World;

/// <summary>What happened, told for people: kept only where somebody will read it.</summary>
internal sealed class Timeline(bool kept)
{
    private readonly List<(TimeSpan At, string Who, string What)> _entries = [];

    public bool IsKept => kept;

    /// <summary>Formats nothing where nothing is kept.</summary>
    public void Add(TimeSpan at, string who, FormattableString what)
    {
        if (kept)
        {
            _entries.Add((at, who, what.ToString(CultureInfo.InvariantCulture)));
        }
    }

    public void AddText(TimeSpan at, string who, string what)
    {
        if (kept)
        {
            _entries.Add((at, who, what));
        }
    }

    /// <summary>The faults, and whatever names one of the subjects; all of it where there are none.</summary>
    public IEnumerable<string> About(IReadOnlyCollection<string> subjects)
    {
        foreach (var (at, who, what) in _entries)
        {
            if (subjects.Count == 0 || who is "fault" or "run" || subjects.Any(subject => subject.Length > 0 && (what.Contains(subject, StringComparison.Ordinal) || who.Contains(subject, StringComparison.Ordinal))))
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,10:0.000000}  {who,-14}  {what}");
            }
        }
    }
}
