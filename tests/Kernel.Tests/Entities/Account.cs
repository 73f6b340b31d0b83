using System.Text.Json.Serialization;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Tests.Entities;

[JsonDerivedType(typeof(Deposit), "deposit")]
[JsonDerivedType(typeof(Withdraw), "withdraw")]
[JsonDerivedType(typeof(Balance), "balance")]
[JsonDerivedType(typeof(Break), "break")]
public abstract record AccountCommand;

public sealed record Deposit(long Amount) : AccountCommand;

public sealed record Withdraw(long Amount) : AccountCommand;

/// <summary>Reads without deciding.</summary>
public sealed record Balance : AccountCommand;

/// <summary>Goes wrong at a chosen place.</summary>
public sealed record Break(string Where) : AccountCommand;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Deposited), "deposited")]
[JsonDerivedType(typeof(Withdrawn), "withdrawn")]
[JsonDerivedType(typeof(Broken), "broken")]
public abstract record AccountEvent;

public sealed record Deposited(long Amount) : AccountEvent;

public sealed record Withdrawn(long Amount) : AccountEvent;

public sealed record Broken(string Where) : AccountEvent;

public sealed record AccountReply(bool Done, long Balance);

public sealed record AccountState(long Balance, int Changes);

/// <summary>The decider of the tests. It has open work while its balance is above 1,000,000.</summary>
public sealed class Account : IEntity<AccountState, AccountCommand, AccountEvent, AccountReply>
{
    public static string Type => "account";

    public static AccountState Initial(EntityId id) => new(0, 0);

    public static Decision<AccountEvent, AccountReply> Decide(AccountState state, AccountCommand command, DateTimeOffset now) => command switch
    {
        Deposit d => new([new Deposited(d.Amount)], new AccountReply(true, state.Balance + d.Amount)),
        Withdraw w when w.Amount > state.Balance => new([], new AccountReply(false, state.Balance)),
        Withdraw w => new([new Withdrawn(w.Amount)], new AccountReply(true, state.Balance - w.Amount)),
        Break { Where: "decide" } => throw new InvalidOperationException("broken in Decide"),
        Break b => new([new Broken(b.Where)], new AccountReply(true, state.Balance)),
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, "Not a command to an account."),
    };

    public static AccountState Evolve(AccountState state, AccountEvent @event) => @event switch
    {
        Deposited d => new(state.Balance + d.Amount, state.Changes + 1),
        Withdrawn w => new(state.Balance - w.Amount, state.Changes + 1),
        Broken { Where: "evolve" } => throw new InvalidOperationException("broken in Evolve"),
        Broken => state with { Changes = state.Changes + 1 },
        _ => throw new ArgumentOutOfRangeException(nameof(@event), @event, "Not an event of an account."),
    };

    public static bool HasOpenWork(AccountState state) => state.Balance > 1_000_000;
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AccountCommand))]
[JsonSerializable(typeof(AccountEvent))]
[JsonSerializable(typeof(AccountReply))]
[JsonSerializable(typeof(AccountState))]
public sealed partial class AccountJson : JsonSerializerContext;

/// <summary>What a test wants to do and see inside an account.</summary>
public class AccountBehavior : EntityBehavior<AccountState, AccountCommand, AccountEvent, AccountReply>
{
    public int AppliedSeq { get; private set; }

    protected internal override bool TryAnswer(AccountCommand command, CancellationToken cancellationToken, out ValueTask<AccountReply> answer)
    {
        answer = ValueTask.FromResult(new AccountReply(true, Context.State.Balance));
        return command is Balance;
    }

    protected internal override void Applied(Recorded<AccountEvent> recorded)
    {
        recorded.Seq.ShouldBe(AppliedSeq == 0 ? recorded.Seq : AppliedSeq + 1);
        recorded.Seq.ShouldBe(Context.Seq);
        AppliedSeq = (int)recorded.Seq;
    }
}
