"""Shops with secrets, events booked for them, and workers that send them, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from jivapay.config.clock import ShiftedClock
from jivapay.config.crypto import Cipher, new_callback_secret
from jivapay.database.models.callbacks import CallbackAttempt, CallbackDelivery
from jivapay.database.models.people import Merchant, MerchantStore, User
from jivapay.database.models.records import AuditLog
from jivapay.database.models.reference import Currency
from jivapay.database.session import Database
from jivapay.domain.identifiers import new_id
from jivapay.services import callback_service
from jivapay.services.callback_service import DeliveryCounts
from jivapay.utils.http_client import Answer, CallbackTransport, InMemoryTransport, Sent

NUMBERS = count(1)

Reply = Callable[[Sent], Awaitable[Answer]]


@dataclass(frozen=True)
class Shop:
    id: int
    public_id: UUID
    url: str | None
    secret: str
    previous_secret: str | None = None


@dataclass
class World:
    database: Database
    clock: ShiftedClock
    cipher: Cipher
    transport: InMemoryTransport = field(default_factory=InMemoryTransport)
    audit_before: int = 0

    async def begin(self) -> None:
        """Take what other tests left behind out of the push."""
        await self.number()
        async with self.database.write() as session:
            await session.execute(
                text(
                    "update callback_deliveries set state = 'skipped', leased_until = null"
                    " where state in ('pending', 'retrying')"
                )
            )
            self.audit_before = await session.scalar(select(func.max(AuditLog.id))) or 0

    async def add_shop(self, url: str | None = "https://shop.example/hook", *, rotating: bool = False) -> Shop:
        number, public_id = next(NUMBERS), new_id()
        secret, previous = new_callback_secret(), new_callback_secret() if rotating else None
        context = f"merchant_stores.callback_secret:{public_id}"
        async with self.database.write() as session:
            for code, kind, scale in (("RUB", "fiat", 2), ("USDT", "crypto", 6)):
                await session.execute(
                    upsert(Currency).values(code=code, kind=kind, scale=scale).on_conflict_do_nothing()
                )
            user = await session.scalar(
                insert(User)
                .values(public_id=new_id(), email=f"m{number}@example.com", role="merchant", password_hash="x")
                .returning(User.id)
            )
            merchant = await session.scalar(insert(Merchant).values(user_id=user).returning(Merchant.id))
            store_id = await session.scalar(
                insert(MerchantStore)
                .values(
                    public_id=public_id,
                    merchant_id=merchant,
                    name=f"Shop {number}",
                    fiat_currency="RUB",
                    crypto_currency="USDT",
                    upper_limit=1000,
                    callback_url=url,
                    callback_secret=self.cipher.encrypt(secret, context),
                    callback_secret_previous=self.cipher.encrypt(previous, context) if previous else None,
                )
                .returning(MerchantStore.id)
            )
        assert store_id is not None
        return Shop(store_id, public_id, url, secret, previous)

    async def book(
        self,
        shop: Shop,
        *,
        order: UUID | None = None,
        event: str = "order.assigned",
        payload: dict[str, Any] | None = None,
        url: str | None = None,
        numbered: bool = True,
    ) -> int:
        """Book one event and, unless told otherwise, number it; its id."""
        number, public_id = next(NUMBERS), order or new_id()
        async with self.database.write() as session:
            event_id = await callback_service.book(
                session,
                store_id=shop.id,
                order_type="order",
                order_id=number,
                public_order_id=public_id,
                status_version=1,
                event_type=event,
                order_status="pending",
                url=url or shop.url,
                payload={"type": event, "order_id": str(public_id), "amount_fiat": "4750.00", **(payload or {})},
                test=False,
            )
            found = await session.scalar(select(CallbackDelivery.id).where(CallbackDelivery.event_id == event_id))
        if numbered:
            await self.number()
        assert found is not None
        return found

    async def number(self) -> int:
        async with self.database.write() as session:
            return await callback_service.assign_sequence(session)

    async def deliver(self, transport: CallbackTransport | None = None, **options: float) -> DeliveryCounts:
        return await callback_service.deliver_due(
            self.database,
            transport or self.transport,
            self.cipher,
            self.clock,
            **options,  # type: ignore[arg-type]
        )

    def answer(self, answer: Answer | Reply) -> None:
        """What shops say from now on."""

        async def same(_sent: Sent) -> Answer:
            assert isinstance(answer, Answer)
            return answer

        self.transport.answer = same if isinstance(answer, Answer) else answer

    async def row(self, delivery_id: int) -> CallbackDelivery:
        async with self.database.read() as session:
            row = await session.get(CallbackDelivery, delivery_id)
        assert row is not None
        return row

    async def states(self, *ids: int) -> list[str]:
        async with self.database.read() as session:
            found = await session.execute(
                select(CallbackDelivery.id, CallbackDelivery.state).where(CallbackDelivery.id.in_(ids))
            )
            states = {row.id: row.state for row in found}
        return [states[delivery_id] for delivery_id in ids]

    async def attempts(self, delivery_id: int) -> Sequence[CallbackAttempt]:
        async with self.database.read() as session:
            statement = select(CallbackAttempt).where(CallbackAttempt.delivery_id == delivery_id)
            return (await session.scalars(statement.order_by(CallbackAttempt.id))).all()

    async def audit(self, action: str) -> Sequence[AuditLog]:
        async with self.database.read() as session:
            return (
                await session.scalars(
                    select(AuditLog).where(AuditLog.action == action, AuditLog.id > self.audit_before)
                )
            ).all()

    async def due_in(self, delivery_id: int) -> timedelta:
        """How long until the next attempt, by the database's clock."""
        async with self.database.read() as session:
            statement = text("select next_attempt_at - app_now() from callback_deliveries where id = :id")
            found = await session.scalar(statement, {"id": delivery_id})
        assert isinstance(found, timedelta)
        return found


class Gate:
    """A shop that answers only when it is let; counts who waits."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        self.most = 0

    async def __call__(self, _sent: Sent) -> Answer:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        return Answer(status=200)
