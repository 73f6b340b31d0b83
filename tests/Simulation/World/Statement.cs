namespace RagCluster.Simulation.World;

/// <summary>One statement on its way to the simulated database and back.</summary>
internal abstract class Statement
{
    /// <summary>Its place among those under way; null once it is not.</summary>
    public LinkedListNode<Statement>? Place { get; set; }

    /// <summary>The connection breaks: what has not begun never does.</summary>
    public abstract void Break();
}

/// <inheritdoc/>
/// <param name="machine">Of its sender.</param>
/// <param name="work">What the database does, at once.</param>
internal sealed class Statement<T>(Database database, string machine, Func<ValueTask<T>> work, TaskCompletionSource<T> done) : Statement
{
    private bool _broken;
    private T? _answer;
    private Exception? _failure;

    public void Send() => database.After(static state => ((Statement<T>)state!).Arrive(), this);

    public override void Break()
    {
        _broken = true;
        done.TrySetException(new ConnectionBrokenException());
    }

    private void Arrive()
    {
        if (_broken || !database.Reaches(machine))
        {
            database.Lost(this);
            return;
        }

        try
        {
            var working = work();
            _answer = working.IsCompleted ? working.GetAwaiter().GetResult() : throw new InvalidOperationException("The simulated database's store is to answer at once.");
        }
        catch (Exception e)
        {
            _failure = e;
        }

        database.After(static state => ((Statement<T>)state!).Answer(), this);
    }

    private void Answer()
    {
        if (!database.Answers(machine))
        {
            database.Lost(this);
            return;
        }

        database.Ended(this);
        if (_failure is { } failure)
        {
            done.TrySetException(failure);
        }
        else
        {
            done.TrySetResult(_answer!);
        }
    }
}
