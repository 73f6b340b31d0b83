using System.Text;

namespace RagCluster.Actors.Conversations;

/// <summary>
/// Makes pieces of an answer durable as they come, without waiting for each: what arrives while one piece is being
/// journaled becomes the next. So a fast model costs few commits, and a slow one shows every token at once.
/// </summary>
internal sealed class DeltaWriter(IAnswerSink sink, CancellationToken cancellationToken)
{
    private readonly StringBuilder _pending = new();
    private Task<bool> _writing = Task.FromResult(true);

    /// <summary>Takes a piece. False once the question has ended: stop writing.</summary>
    public async ValueTask<bool> WriteAsync(string text)
    {
        _pending.Append(text);
        if (!_writing.IsCompleted)
        {
            return true;
        }

        if (!await _writing)
        {
            return false;
        }

        Start();
        return true;
    }

    /// <summary>Waits until all that was written is durable. False if the question has ended.</summary>
    public async ValueTask<bool> FlushAsync()
    {
        while (await _writing)
        {
            if (_pending.Length == 0)
            {
                return true;
            }

            Start();
        }

        return false;
    }

    private void Start()
    {
        if (_pending.Length == 0)
        {
            return;
        }

        var text = _pending.ToString();
        _pending.Clear();
        _writing = sink.DeltaAsync(text, cancellationToken).AsTask();
    }
}
