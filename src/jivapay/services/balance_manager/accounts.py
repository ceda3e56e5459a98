"""Accounts: opening them at zero when first needed, reading what is available, moving them in one order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.ledger import Account, Posting
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.money import ZERO
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import AccountKind, OwnerType


@dataclass(frozen=True, slots=True)
class AccountKey:
    """What names an account. `owner_id` is None for the platform and the outside world."""

    owner_type: OwnerType
    owner_id: int | None
    kind: AccountKind
    currency: str
    test: bool

    @property
    def may_go_negative(self) -> bool:
        """Trader fiat only records; the outside owes what it brought; test traders need no deposit."""
        if self.owner_type is OwnerType.TRADER:
            return self.kind is AccountKind.FIAT or self.test
        return self.owner_type in {OwnerType.WORLD, OwnerType.PLATFORM}

    @property
    def rolled_up(self) -> bool:
        """Every deal touches these: they are insert-only, so that no row serialises all completions."""
        return self.owner_type in {OwnerType.WORLD, OwnerType.PLATFORM}

    @classmethod
    def trader_crypto(cls, trader_id: int, currency: str, *, test: bool) -> "AccountKey":
        return cls(OwnerType.TRADER, trader_id, AccountKind.CRYPTO, currency, test)

    @classmethod
    def trader_fiat(cls, trader_id: int, currency: str, *, test: bool) -> "AccountKey":
        return cls(OwnerType.TRADER, trader_id, AccountKind.FIAT, currency, test)

    @classmethod
    def store_crypto(cls, store_id: int, currency: str, *, test: bool) -> "AccountKey":
        return cls(OwnerType.STORE, store_id, AccountKind.CRYPTO, currency, test)

    @classmethod
    def platform(cls, currency: str, *, test: bool) -> "AccountKey":
        return cls(OwnerType.PLATFORM, None, AccountKind.CRYPTO, currency, test)

    @classmethod
    def world(cls, kind: AccountKind, currency: str, *, test: bool) -> "AccountKey":
        return cls(OwnerType.WORLD, None, kind, currency, test)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, in its currency; `total = held + available`."""

    kind: AccountKind
    currency: str
    total: Decimal
    held: Decimal

    @property
    def available(self) -> Decimal:
        return self.total - self.held


def _columns(account: type[Account]) -> tuple[object, ...]:
    return (account.owner_type, func.coalesce(account.owner_id, 0), account.kind, account.currency, account.test)


async def account_ids(session: WriteSession, keys: Iterable[AccountKey]) -> Mapping[AccountKey, int]:
    """The ids of `keys`, opening at zero what does not exist yet. Locks nothing."""
    wanted = {(k.owner_type.value, k.owner_id or 0, k.kind.value, k.currency, k.test): k for k in keys}
    found = await _find(session, wanted)
    missing = [key for key in wanted.values() if key not in found]
    if missing:
        await session.execute(insert(Account).on_conflict_do_nothing(), [_opening(key) for key in missing])
        found = await _find(session, wanted)
    return found


async def open_account(session: WriteSession, key: AccountKey) -> None:
    """Open an account at zero unless it exists."""
    await account_ids(session, [key])


async def lock_accounts(session: WriteSession, keys: Iterable[AccountKey]) -> None:
    """Lock those whose balance is moved in place, by id, opening what does not exist yet.

    For a caller that moves one of them before the rest; `move` locks in this order by itself.
    """
    ids = await account_ids(session, keys)
    moved = [account_id for key, account_id in ids.items() if not key.rolled_up]
    await session.execute(
        select(Account.id).where(Account.id.in_(moved)).order_by(Account.id).with_for_update(key_share=True)
    )


def _opening(key: AccountKey) -> dict[str, object]:
    return {
        "owner_type": key.owner_type,
        "owner_id": key.owner_id,
        "kind": key.kind,
        "currency": key.currency,
        "test": key.test,
        "may_go_negative": key.may_go_negative,
        "rolled_up": key.rolled_up,
    }


async def _find(
    session: AnySession, wanted: Mapping[tuple[str, int, str, str, bool], AccountKey]
) -> dict[AccountKey, int]:
    rows = await session.execute(
        select(
            Account.id,
            Account.owner_type,
            func.coalesce(Account.owner_id, 0),
            Account.kind,
            Account.currency,
            Account.test,
        ).where(tuple_(*_columns(Account)).in_(list(wanted)))
    )
    return {
        wanted[owner_type, owner, kind, currency, test]: key for key, owner_type, owner, kind, currency, test in rows
    }


async def move(
    session: WriteSession,
    transfer_id: int,
    legs: Sequence[tuple[AccountKey, Decimal]],
    *,
    released: Mapping[AccountKey, Decimal] | None = None,
) -> None:
    """Write the postings of a transfer and move the cached balances, accounts by id.

    `released` are holds that end with this movement. Legs of zero are left out. The sum per currency is asserted
    before anything is written. Raises InsufficientBalance when an account that may not would go below zero.
    """
    await move_together(session, [(transfer_id, legs)], released=released)


async def move_together(
    session: WriteSession,
    transfers: Sequence[tuple[int, Sequence[tuple[AccountKey, Decimal]]]],
    *,
    released: Mapping[AccountKey, Decimal] | None = None,
) -> None:
    """As `move`, for transfers that count as one movement: an account must afford only what is left of them all."""
    real = [(transfer_id, key, amount) for transfer_id, legs in transfers for key, amount in legs if amount != ZERO]
    for transfer_id, currency in {(transfer_id, key.currency) for transfer_id, key, _ in real}:
        if sum(amount for one, key, amount in real if (one, key.currency) == (transfer_id, currency)) != ZERO:
            raise AssertionError(f"transfer {transfer_id} does not sum to zero in {currency}")
    ids = await account_ids(session, {key for _, key, _ in real})
    postings = []
    for key in sorted(ids, key=lambda one: ids[one]):
        own = [(transfer_id, amount) for transfer_id, of, amount in real if of == key]
        running = None
        if not key.rolled_up:
            total = sum((amount for _, amount in own), ZERO)
            running = await _change(session, ids[key], total, (released or {}).get(key, ZERO)) - total
        for transfer_id, amount in own:
            running = None if running is None else running + amount
            postings.append(
                {"transfer_id": transfer_id, "account_id": ids[key], "amount": amount, "balance_after": running}
            )
    await session.execute(insert(Posting), postings)


async def _change(session: WriteSession, account_id: int, amount: Decimal, released: Decimal) -> Decimal:
    after: Decimal | None = await session.scalar(
        update(Account)
        .where(
            Account.id == account_id,
            Account.may_go_negative | (Account.balance + amount - (Account.held - released) >= 0),
        )
        .values(balance=Account.balance + amount, held=Account.held - released)
        .returning(Account.balance)
    )
    if after is None:
        raise InsufficientBalance
    return after


async def get_balance(session: AnySession, key: AccountKey) -> Balance:
    """One account's balance; zero when it has not been opened yet."""
    row = (
        await session.execute(
            select(Account.balance, Account.held).where(
                Account.owner_type == key.owner_type,
                Account.owner_id.is_not_distinct_from(key.owner_id),
                Account.kind == key.kind,
                Account.currency == key.currency,
                Account.test == key.test,
            )
        )
    ).one_or_none()
    total, held = (row[0], row[1]) if row else (ZERO, ZERO)
    return Balance(key.kind, key.currency, total, held)


async def list_account_ids(session: AnySession, owner_type: OwnerType, owner_id: int) -> list[int]:
    """Of all accounts of one owner."""
    found = await session.scalars(
        select(Account.id).where(Account.owner_type == owner_type, Account.owner_id == owner_id).order_by(Account.id)
    )
    return list(found)


async def list_balances(session: AnySession, owner_type: OwnerType, owner_id: int) -> list[Balance]:
    """All accounts of one owner, crypto before fiat."""
    rows = await session.execute(
        select(Account.kind, Account.currency, Account.balance, Account.held)
        .where(Account.owner_type == owner_type, Account.owner_id == owner_id)
        .order_by(text("kind"), text("currency"))
    )
    return [Balance(AccountKind(kind), currency, total, held) for kind, currency, total, held in rows]
