"""Asking for money: what is checked, and what is held, before anybody looks at it."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.people import MerchantStore, Trader
from jivapay.database.models.treasury import Withdrawal
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.addresses import canonical_address
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import fits_scale
from jivapay.exceptions import ConfigurationError, Conflict, NotFound, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind, DepositNetwork, OwnerType, Role
from jivapay.services import (
    approval_service,
    balance_manager,
    freeze_service,
    idempotency,
    reference_data,
    steps,
)
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.withdrawal_service.book import get_usable_address
from jivapay.services.withdrawal_service.deciding import APPROVE, sensitive
from jivapay.services.withdrawal_service.looking import WithdrawalView, get_view
from jivapay.services.withdrawal_service.record import record


@dataclass(frozen=True, slots=True)
class NewWithdrawal:
    """`store_id` is a merchant's, who has several; a trader has one balance."""

    amount: Decimal
    currency: str
    address_id: UUID
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PlatformWithdrawal:
    """Of the platform's profit; it has no address book, but always two persons."""

    amount: Decimal
    currency: str
    network: DepositNetwork
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Owner:
    type: OwnerType
    id: int
    currency: str
    test: bool


async def request_withdrawal(
    session: WriteSession,
    actor: Actor,
    new: NewWithdrawal,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[WithdrawalView]:
    """Hold amount and fee on the actor's own balance.

    Raises NotFound (store or address, also somebody else's), ValidationFailed, InsufficientBalance, PlatformFrozen,
    Conflict `withdrawal.test_world`, `address.cooling` or `withdrawal.blocked`.
    """

    async def make() -> tuple[int, WithdrawalView]:
        await freeze_service.refuse_when_frozen(session)
        owner = await _own(session, actor, new.store_id)
        if owner.test:
            raise Conflict("Test accounts take no withdrawals.", code="withdrawal.test_world")
        if new.currency != owner.currency:
            raise ValidationFailed.at("body", "currency", code="withdrawal.currency_mismatch")
        address = await get_usable_address(session, actor, new.address_id)
        row = _row(actor, owner.type, owner.id, new.amount, new.currency, DepositNetwork(address.network), rules)
        row.address = address.address
        await _insert(session, actor, row, "requested")
        await _hold(session, row, rules)
        return row.id, await get_view(session, row.id)

    async def load(withdrawal_id: int) -> WithdrawalView:
        return await get_view(session, withdrawal_id)

    return await idempotency.make_once(session, claim, resource_type="withdrawal", make=make, load=load)


async def request_platform_withdrawal(
    session: WriteSession,
    actor: Actor,
    new: PlatformWithdrawal,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[WithdrawalView]:
    """Never more than is rolled up and there; a second person always decides. Raises as above."""

    async def make() -> tuple[int, WithdrawalView]:
        await freeze_service.refuse_when_frozen(session)
        row = _row(actor, OwnerType.PLATFORM, None, new.amount, new.currency, new.network, rules)
        address = canonical_address(new.network, new.address)
        if address is None:
            raise ValidationFailed.at("body", "address", code="address.invalid")
        row.address = address
        await _insert(session, actor, row, new.reason)
        what = await sensitive(session, row, APPROVE, new.reason)
        await approval_service.begin(session, actor, what, rules, always=True)
        await _hold(session, row, rules)
        return row.id, await get_view(session, row.id)

    async def load(withdrawal_id: int) -> WithdrawalView:
        return await get_view(session, withdrawal_id)

    return await idempotency.make_once(session, claim, resource_type="withdrawal", make=make, load=load)


def _row(
    actor: Actor,
    owner_type: OwnerType,
    owner_id: int | None,
    amount: Decimal,
    currency: str,
    network: DepositNetwork,
    rules: BusinessSettings,
) -> Withdrawal:
    fee = rules.withdrawal_network_fees.get(network)
    if fee is None:
        raise ValidationFailed.at("body", "network", code="network.unavailable")
    if actor.id is None:
        raise PermissionDenied
    return Withdrawal(
        public_id=new_id(),
        owner_type=owner_type,
        owner_id=owner_id,
        currency=currency,
        amount=amount,
        network_fee=fee,
        network=network,
        requested_by=actor.id,
    )


async def _insert(session: WriteSession, actor: Actor, row: Withdrawal, reason: str) -> None:
    currency = await reference_data.get_currency(session, row.currency, CurrencyKind.CRYPTO)
    if not fits_scale(row.amount, currency.scale):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
    if not fits_scale(row.network_fee, currency.scale):
        raise ConfigurationError("The network's fee has too many decimals.")
    await steps.announce(session, actor, reason)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await record(session, actor, row)


async def _hold(session: WriteSession, row: Withdrawal, rules: BusinessSettings) -> None:
    key = balance_manager.owner_account(row.owner_type, row.owner_id, row.currency)
    await balance_manager.lock_owner(session, key)
    if await balance_manager.is_blocked(session, (OwnerType(row.owner_type), row.owner_id)):
        raise Conflict("Withdrawals wait until an open case is settled.", code="withdrawal.blocked")
    await balance_manager.hold_withdrawal(session, row, rules)


async def _own(session: AnySession, actor: Actor, store_id: UUID | None) -> _Owner:
    if actor.role is Role.TRADER and store_id is None:
        trader = await session.get(Trader, actor.owner_id or 0)
        if trader is not None:
            return _Owner(OwnerType.TRADER, trader.id, trader.crypto_currency, trader.test)
    if actor.role is Role.MERCHANT and store_id is not None:
        # An archived one as well: what reaches it late is nobody else's.
        store = await session.scalar(
            select(MerchantStore).where(
                MerchantStore.public_id == store_id, MerchantStore.merchant_id == (actor.owner_id or 0)
            )
        )
        if store is not None:
            return _Owner(OwnerType.STORE, store.id, store.crypto_currency, store.test)
    raise NotFound
