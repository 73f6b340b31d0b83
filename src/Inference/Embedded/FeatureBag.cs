namespace RagCluster.Inference.Embedded;

/// <summary>A feature of a text: how often it occurs, and the word that its n-grams are made of, if it has any.</summary>
internal struct Feature
{
    public ulong Key;
    public float Weight;
    public int Count;
    public int Start;
    public int Length;
}

/// <summary>
/// Counts features, in the order of their first occurrence. Reused from text to text, so that counting allocates
/// nothing once it has grown to the size of the texts.
/// </summary>
internal sealed class FeatureBag
{
    /// <summary>A text's further features are left out: it would be longer than anything that one vector can stand for.</summary>
    private const int MaxFeatures = 1 << 16;

    private const int KeptSlots = 4096;

    private Feature[] _features = new Feature[512];
    private int[] _slots = new int[1024];
    private char[] _characters = new char[4096];
    private int _count;
    private int _used;

    public ReadOnlySpan<Feature> Features => _features.AsSpan(0, _count);

    public bool IsFull => _count >= MaxFeatures;

    public ReadOnlySpan<char> WordOf(in Feature feature) => _characters.AsSpan(feature.Start, feature.Length);

    public void Clear()
    {
        _count = 0;
        _used = 0;
        if (_slots.Length > KeptSlots)
        {
            // One long text must not slow down all the short ones that follow.
            _features = new Feature[KeptSlots / 2];
            _slots = new int[KeptSlots];
            _characters = new char[4096];
            return;
        }

        Array.Clear(_slots);
    }

    /// <summary>Counts one occurrence. <paramref name="word"/> is kept from the first.</summary>
    public void Add(ulong key, float weight, ReadOnlySpan<char> word)
    {
        var mask = _slots.Length - 1;
        var slot = (int)key & mask;
        while (_slots[slot] != 0)
        {
            ref var seen = ref _features[_slots[slot] - 1];
            if (seen.Key == key)
            {
                seen.Count++;
                return;
            }

            slot = (slot + 1) & mask;
        }

        if (_count == _features.Length)
        {
            Grow();
            Add(key, weight, word);
            return;
        }

        if (_used + word.Length > _characters.Length)
        {
            Array.Resize(ref _characters, _characters.Length * 2);
        }

        word.CopyTo(_characters.AsSpan(_used));
        _features[_count] = new Feature { Key = key, Weight = weight, Count = 1, Start = _used, Length = word.Length };
        _used += word.Length;
        _slots[slot] = ++_count;
    }

    private void Grow()
    {
        Array.Resize(ref _features, _features.Length * 2);
        _slots = new int[_features.Length * 2];
        var mask = _slots.Length - 1;
        for (var i = 0; i < _count; i++)
        {
            var slot = (int)_features[i].Key & mask;
            while (_slots[slot] != 0)
            {
                slot = (slot + 1) & mask;
            }

            _slots[slot] = i + 1;
        }
    }
}
