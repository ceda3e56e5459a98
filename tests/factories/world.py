"""A platform with a store and traders on it, and the moves of a pay-in, made by the real services.

`make_world` puts people, deposits, requisites and a rate into a database; the methods of `World` are what shops,
customers, traders and the scheduler do. Everything goes through the doors' own transactions and is committed.
"""
# ruff: noqa: ANN401 - columns, fields and values are of any type here

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from factories import people
from factories.payout_moves import AMOUNT, SYSTEM, PayoutMoves, stored_receipt
from factories.people import CRYPTO, FIAT, TraderHere
from jivapay.config.business_settings import BusinessSettings, render_setting
from jivapay.config.clock import ShiftedClock
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.models.records import Outbox
from jivapay.database.models.reference import ConfigurationSetting
from jivapay.database.models.requisites import Requisite
from jivapay.database.session import Database
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.outcomes import Assigned, Outcome
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import DepositNetwork, OrderStatus, OwnerType
from jivapay.services import (
    balance_manager,
    callback_service,
    deposit_service,
    freeze_service,
    order_processor,
    order_status_manager,
    rate_service,
    unmatched_service,
)
from jivapay.services.api_key_service import StoreContext
from jivapay.services.balance_manager import AccountKey, Balance
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.document_service import StoredReceipt
from jivapay.services.order_processor import Request, UrlRules
from jivapay.services.order_status_manager import PayerSaid, TraderAnswer
from jivapay.services.unmatched_service import Declared
from jivapay.utils.http_client import Answer, InMemoryTransport
from jivapay.utils.resources import Resources

RATE = Decimal("92.50")
DEPOSIT = Decimal(10_000)
PLENTY = {
    "OPEN_UNPAID_MAX_PER_CUSTOMER": 100_000,
    "OPEN_UNPAID_MAX_PER_ADDRESS": 100_000,
    "FOUR_EYES_AMOUNT": Decimal(1_000_000_000),
}
"""Settings of a world in which nobody is asked for a second person and customers are not counted."""


@dataclass
class World(PayoutMoves):
    """One platform in one database. `store` and `traders` are those it was made with."""

    resources: Resources
    clock: ShiftedClock
    rules: BusinessSettings
    staff: Actor
    store: StoreContext
    traders: list[TraderHere] = field(default_factory=list)
    transport: InMemoryTransport = field(default_factory=InMemoryTransport)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def database(self) -> Database:
        return self.resources.database

    @property
    def trader(self) -> TraderHere:
        return self.traders[0]

    # People and things

    async def add_store(self, *, test: bool = False, percent: Decimal = Decimal(3), **values: Any) -> StoreContext:
        async with self.database.write() as session:
            return await people.add_store(session, self.resources.cipher, test=test, percent=percent, values=values)

    async def add_trader(
        self,
        *,
        deposit: Decimal | None = DEPOSIT,
        requisites: int = 1,
        test: bool = False,
        percent: Decimal = Decimal(1),
        limits: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> TraderHere:
        """A trader in work, with `requisites` approved cards; a test trader needs no deposit."""
        async with self.database.write() as session:
            trader = await people.add_trader(session, test=test, percent=percent, values=values)
        for _ in range(requisites):
            await self.add_requisite(trader, limits=limits)
        if deposit and not test:
            await self.deposit(trader, deposit)
        self.traders.append(trader)
        return trader

    async def add_requisite(
        self,
        trader: TraderHere,
        *,
        method: str = "card",
        bank: str = "sber",
        limits: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> int:
        async with self.database.write() as session:
            return await people.add_requisite(
                session, self.resources.cipher, trader, method=method, bank=bank, limits=limits, values=values
            )

    async def deposit(self, trader: TraderHere, amount: Decimal) -> None:
        new = NewDeposit(
            owner_type=OwnerType.TRADER,
            owner_id=trader.user_public_id,
            amount=amount,
            currency=CRYPTO,
            network=DepositNetwork.TRON,
            tx_hash=new_id().hex,
            tx_output="",
            reason="brought in",
        )
        async with self.database.write() as session:
            await deposit_service.request_deposit(session, self.staff, new, self.rules)

    async def set_rate(self, rate: Decimal = RATE) -> None:
        async with self.database.write() as session:
            await rate_service.set_rate(session, self.staff, fiat=FIAT, crypto=CRYPTO, rate=rate)

    async def change_settings(self, **settings: object) -> None:
        """By the names of the table: `SESSION_TTL_SECONDS=60`."""
        async with self.database.write() as session:
            for key, value in settings.items():
                row = {"key": key, "value": render_setting(value)}
                await session.execute(
                    upsert(ConfigurationSetting)
                    .values(row)
                    .on_conflict_do_update(index_elements=["key"], set_={"value": row["value"]})
                )
        self.resources.config.forget()
        self.rules = await self.resources.config.current()

    # The store and its customer

    async def accept(
        self,
        amount: Decimal | None = AMOUNT,
        *,
        store: StoreContext | None = None,
        method: str | None = "card",
        hosted: bool = True,
        **fields: Any,
    ) -> int:
        """A store's request; the incoming order's internal id. `fields` are those of `Request`."""
        store = store or self.store
        number = next(self.numbers)
        asked = {"external_order_id": f"A-{number}", "currency": FIAT, "request_hash": b"%d" % number, **fields}
        request = Request(amount=amount, payment_method=method, hosted=hosted, **asked)
        urls = UrlRules(callback_service.callback_rules(self.resources.settings), allow_loopback_http=True)
        async with self.database.write() as session:
            accepted = await order_processor.accept(
                session, store.actor, store, request, rules=self.rules, urls=urls, cipher=self.resources.cipher
            )
        return accepted.incoming_order_id

    async def process(self, incoming_order_id: int) -> Outcome:
        """One attempt to find a requisite, as a worker makes it."""
        return await order_processor.process_incoming_order(self.database, incoming_order_id, self.rules, SYSTEM)

    async def process_together(self, incoming_order_ids: Sequence[int]) -> set[int]:
        """As a worker begins a message: those that have a requisite now."""
        work = dict.fromkeys(incoming_order_ids, SYSTEM)
        return await order_processor.assign_together(self.database, work, self.rules)

    async def assign(self, amount: Decimal = AMOUNT, **fields: Any) -> int:
        """Accept and find a requisite; the incoming order's internal id."""
        incoming_order_id = await self.accept(amount, **fields)
        outcome = await self.process(incoming_order_id)
        assert isinstance(outcome, Assigned), outcome
        return incoming_order_id

    async def confirm_by_customer(
        self,
        incoming_order_id: int,
        *,
        receipt: bool | StoredReceipt = False,
        receipt_lost: bool = False,
        actor: Actor | None = None,
        **said: Any,
    ) -> None:
        """The payer (or `actor`, the store) says that he has paid; `receipt` stands for a picture that was checked and
        stored, `said` is what else he says.
        """
        stored = receipt if isinstance(receipt, StoredReceipt) else stored_receipt() if receipt else None
        async with self.database.write() as session:
            await order_processor.finalize_order_after_client_confirmation(
                session,
                actor or Actor.customer(),
                incoming_order_id,
                receipt=stored,
                receipt_lost=receipt_lost,
                rules=self.rules,
                said=PayerSaid(**said),
            )

    async def cancel(self, incoming_order_id: int, actor: Actor | None = None) -> None:
        """By the store unless told otherwise, before the payer has confirmed."""
        async with self.database.write() as session:
            deal = await lock_deal_for_update(session, incoming_order_id)
            cancel = order_status_manager.cancel_order if deal.order else order_status_manager.cancel_waiting
            await cancel(session, actor or self.store.actor, deal, "changed his mind", self.rules)

    # Traders, staff, the scheduler

    async def confirm_by_trader(self, incoming_order_id: int, **answer: Any) -> None:
        """The order's own trader has the money; `answer` says what is not as agreed."""
        async with self.database.write() as session:
            await freeze_service.refuse_when_frozen(session)
            deal = await lock_deal_for_update(session, incoming_order_id)
            trader = next(one for one in self.traders if deal.order and one.id == deal.order.trader_id)
            await order_status_manager.confirm_order_by_trader(
                session, trader.actor, deal, self.rules, TraderAnswer(**answer)
            )

    async def complete(self, amount: Decimal = AMOUNT, **fields: Any) -> int:
        """A whole pay-in: assigned, confirmed by the payer, confirmed by the trader."""
        incoming_order_id = await self.assign(amount, **fields)
        await self.confirm_by_customer(incoming_order_id)
        await self.confirm_by_trader(incoming_order_id)
        return incoming_order_id

    async def decide(self, incoming_order_id: int, outcome: OrderStatus, *, amount: Decimal | None = None) -> None:
        """Staff's word about an order that waits for a person."""
        async with self.database.write() as session:
            deal = await lock_deal_for_update(session, incoming_order_id)
            await order_status_manager.decide(session, self.staff, deal, outcome, "looked", self.rules, amount=amount)

    async def declare(self, amount: Decimal, *, trader: TraderHere | None = None, **said: Any) -> UUID:
        """Money on the trader's first requisite that no order explains; the payment's public id."""
        trader = trader or self.trader
        requisite = await self.scalar(
            "select public_id from requisites where trader_id = :trader order by id limit 1", trader=trader.id
        )
        values = {"received_at": None, "payer_bank": None, "payer_name": None, "note": "", **said}
        async with self.database.write() as session:
            made = await unmatched_service.declare(
                session, trader.actor, Declared(requisite, amount, **values), self.rules
            )
        return made.thing.payment.public_id

    async def attach(self, payment: UUID, incoming_order_id: int) -> None:
        """Staff has found the order."""
        order_id = (await self.deal(incoming_order_id)).incoming.public_id
        async with self.database.write() as session:
            await unmatched_service.attach(session, self.staff, payment, order_id, "found", self.rules)

    async def return_unmatched(self, payment: UUID) -> None:
        async with self.database.write() as session:
            await unmatched_service.give_back(session, self.staff, payment, "sent back", self.rules)

    async def decide_review(self, incoming_order_id: int, *, approve: bool) -> None:
        async with self.database.write() as session:
            await order_processor.decide_review(
                session, self.staff, incoming_order_id, approve=approve, reason="looked", rules=self.rules
            )

    async def expire_due(self) -> int:
        return await order_processor.expire_due(self.database, SYSTEM, self.rules)

    async def roll_up(self) -> None:
        async with self.database.write() as session:
            await balance_manager.roll_up(session)

    async def relay(self) -> None:
        """The outbox is drained and booked callbacks get their numbers, as the relay does."""
        async with self.database.write() as session:
            await session.execute(
                update(Outbox).where(Outbox.dispatched_at.is_(None)).values(dispatched_at=func.app_now())
            )
            await callback_service.assign_sequence(session)

    async def deliver_callbacks(self, *answers: int) -> None:
        """One run of the callback worker; shops answer 200, or each of `answers` in turn."""
        told = iter(answers)

        async def answer(_sent: object) -> Answer:
            return Answer(status=next(told, 200))

        self.transport.answer = answer
        await callback_service.deliver_due(self.database, self.transport, self.resources.cipher, self.clock)

    async def advance(self, seconds: float, *, fresh_rate: bool = True) -> None:
        """Time goes by for Python and PostgreSQL alike; the rate stays fresh unless told otherwise."""
        self.clock.advance(timedelta(seconds=seconds))
        if fresh_rate:
            await self.set_rate()

    # Looking

    async def deal(self, incoming_order_id: int) -> Deal:
        async with self.database.read() as session:
            incoming = await session.get_one(IncomingOrder, incoming_order_id)
            order = await session.get(Order, incoming.assigned_order_id) if incoming.assigned_order_id else None
            page = await session.scalar(
                select(PaymentSession).where(PaymentSession.incoming_order_id == incoming_order_id)
            )
            return Deal(incoming, order, page)

    async def order(self, incoming_order_id: int) -> Order:
        """Raises NotFound, as our doors do, when it is nobody's at this moment."""
        deal = await self.deal(incoming_order_id)
        if deal.order is None:
            raise NotFound
        return deal.order

    async def statuses(self, incoming_order_id: int) -> tuple[str, str | None, str | None]:
        """Of the incoming order, the order and the page."""
        deal = await self.deal(incoming_order_id)
        return deal.incoming.status, deal.order and deal.order.status, deal.page and deal.page.status

    async def requisite(self, requisite_id: int) -> Requisite:
        async with self.database.read() as session:
            return await session.get_one(Requisite, requisite_id)

    async def trader_balance(self, trader: TraderHere | None = None) -> Balance:
        trader = trader or self.trader
        return await self.balance(AccountKey.trader_crypto(trader.id, CRYPTO, test=trader.test))

    async def store_balance(self, store: StoreContext | None = None) -> Balance:
        store = store or self.store
        return await self.balance(AccountKey.store_crypto(store.id, CRYPTO, test=store.test))

    async def balance(self, key: AccountKey) -> Balance:
        async with self.database.read() as session:
            return await balance_manager.get_balance(session, key)

    async def scalar(self, statement: str, **values: Any) -> Any:
        """One value, read as the application's role."""
        async with self.database.read() as session:
            return await session.scalar(text(statement), values)

    async def execute(self, statement: str, **values: Any) -> None:
        """A change nobody makes through a door, as the application's role."""
        async with self.database.write() as session:
            await session.execute(text(statement), values)


async def make_world(
    resources: Resources,
    *,
    traders: int = 1,
    requisites: int = 1,
    deposit: Decimal = DEPOSIT,
    rate: Decimal | None = RATE,
    limits: Mapping[str, Any] | None = None,
    settings: Mapping[str, object] | None = None,
    **store: Any,
) -> World:
    """A store, `traders` with `requisites` each and `deposit`, and a `rate` if any. `store` are columns of the store.

    Its settings are `PLENTY` and what `settings` says. The resources' clock must be a `ShiftedClock`.
    """
    assert isinstance(resources.clock, ShiftedClock)
    async with resources.database.write() as session:
        await people.add_reference_data(session)
        staff = await people.add_admin(session)
        shop = await people.add_store(session, resources.cipher, values=store)
    world = World(resources, resources.clock, BusinessSettings(), staff, shop)
    await world.change_settings(**{**PLENTY, **(settings or {})})
    if rate is not None:
        await world.set_rate(rate)
    for _ in range(traders):
        await world.add_trader(deposit=deposit, requisites=requisites, limits=limits)
    return world
