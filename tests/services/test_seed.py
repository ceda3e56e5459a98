from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from jivapay.config.crypto import parse_api_key
from jivapay.config.settings import Environment
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.outcomes import Assigned, NoRequisite, Outcome
from jivapay.exceptions import ConfigurationError, ValidationFailed
from jivapay.schemas_enums.enums import Role
from jivapay.services import order_processor, reference_data, seed_service, user_service
from jivapay.services.api_key_service import StoreContext, find_key_use
from jivapay.services.callback_service import callback_rules
from jivapay.services.order_processor import Request, UrlRules
from jivapay.services.seed_service import DemoStore, Pace
from jivapay.services.user_service import Caller, Credentials
from jivapay.utils.resources import Resources

CONTENTS = """
select 'currencies', count(*) from currencies union all select 'methods', count(*) from payment_methods
union all select 'banks', count(*) from banks union all select 'bank_methods', count(*) from bank_methods
union all select 'settings', count(*) from configuration_settings union all select 'users', count(*) from users
union all select 'stores', count(*) from merchant_stores union all select 'keys', count(*) from store_api_keys
union all select 'requisites', count(*) from requisites union all select 'deposits', count(*) from deposits
union all select 'rates', count(*) from exchange_rates
union all select 'settings changed', count(*) from configuration_setting_history
"""


async def contents(resources: Resources) -> dict[str, int]:
    async with resources.database.read() as session:
        return dict((await session.execute(text(CONTENTS))).all())  # type: ignore[arg-type]


def with_settings(resources: Resources, **values: Any) -> Any:  # noqa: ANN401
    return resources.settings.model_copy(update=values)


async def sign_in(resources: Resources, role: Role, email: str, password: str) -> None:
    await user_service.sign_in(resources, Credentials(email, password), role=role, caller=Caller())


async def test_seeding_twice_is_seeding_once(own_resources: Resources) -> None:
    first = await seed_service.seed(own_resources.database, own_resources.settings)
    assert first.email == "admin@jivapay.example"
    assert first.password is not None
    await sign_in(own_resources, Role.ADMIN, first.email, first.password)
    before = await contents(own_resources)
    assert before["users"] == 1
    assert before["currencies"] == 2
    assert before["stores"] == before["rates"] == 0

    again = await seed_service.seed(own_resources.database, own_resources.settings)
    assert again.password is None
    assert await contents(own_resources) == before
    await sign_in(own_resources, Role.ADMIN, first.email, first.password)


async def test_the_first_administrator_may_be_named(own_resources: Resources) -> None:
    given = with_settings(
        own_resources, jivapay_admin_email="root@shop.example", jivapay_admin_password=SecretStr("correct horse 7")
    )
    seeded = await seed_service.seed(own_resources.database, given)
    assert (seeded.email, seeded.password) == ("root@shop.example", None)
    await sign_in(own_resources, Role.ADMIN, "root@shop.example", "correct horse 7")


async def test_a_weak_first_password_is_refused(own_resources: Resources) -> None:
    given = with_settings(own_resources, jivapay_admin_password=SecretStr("short"))
    with pytest.raises(ValidationFailed):
        await seed_service.seed(own_resources.database, given)
    assert (await contents(own_resources))["users"] == 0


async def test_the_demo_world_is_refused_in_production(own_resources: Resources) -> None:
    production = replace(own_resources, settings=with_settings(own_resources, env=Environment.PRODUCTION))
    with pytest.raises(ConfigurationError):
        await seed_service.seed_demo_world(production, Pace.LIFE)
    assert (await contents(own_resources))["users"] == 0


async def test_the_demo_world_has_its_people_and_can_be_repeated(own_resources: Resources) -> None:
    world = await seed_service.seed_demo_world(own_resources, Pace.SHORT)
    assert [person.role for person in world.users].count("trader") == 5
    assert {person.role for person in world.users} == set(Role)
    assert [store.test for store in world.stores] == [False, True, False]
    before = await contents(own_resources)
    assert before["requisites"] == 30
    assert before["deposits"] == 6
    for person in world.users:
        await sign_in(own_resources, Role(person.role), person.email, person.password)
    policies = text("select amount_policy, amount_percent from merchant_stores where not test order by id")
    async with own_resources.database.read() as session:
        rows = (await session.execute(policies)).all()
    assert [tuple(row) for row in rows] == [("accept_within_percent", Decimal(5)), ("always_ask", Decimal(0))]

    assert await seed_service.seed_demo_world(own_resources, Pace.SHORT, world) == world
    assert await contents(own_resources) == before
    own_resources.config.forget()
    assert (await own_resources.config.current()).client_pay_seconds == 30

    await seed_service.seed_demo_world(own_resources, Pace.LIFE, world)
    own_resources.config.forget()
    assert (await own_resources.config.current()).client_pay_seconds == 900


async def test_a_world_from_before_there_were_payouts_is_mended(own_resources: Resources) -> None:
    world = await seed_service.seed_demo_world(own_resources, Pace.SHORT)
    shut = (
        "update requisite_settings set pay_out = false",
        "update merchant_stores set pay_out_enabled = false",
        "update supports set granted_permissions = '[\"orders:read:any\"]'",
    )
    async with own_resources.database.write() as session:
        for statement in shut:
            await session.execute(text(statement))
    assert await seed_service.seed_demo_world(own_resources, Pace.SHORT, world) == world
    async with own_resources.database.read() as session:
        assert await session.scalar(text("select bool_and(pay_out) from requisite_settings"))
        assert await session.scalar(text("select bool_and(pay_out_enabled) from merchant_stores"))
        decides = text("""select granted_permissions @> '["orders:decide:any"]' from supports""")
        assert await session.scalar(decides)


async def test_what_nobody_remembers_is_issued_anew(own_resources: Resources) -> None:
    world = await seed_service.seed_demo_world(own_resources, Pace.LIFE)
    before = await contents(own_resources)
    again = await seed_service.seed_demo_world(own_resources, Pace.LIFE)
    assert [store.id for store in again.stores] == [store.id for store in world.stores]
    for old, new in zip(world.stores, again.stores, strict=True):
        assert not await is_live(own_resources, old.api_key)
        assert await is_live(own_resources, new.api_key)
        assert old.callback_secret != new.callback_secret
    for person in again.users:
        await sign_in(own_resources, Role(person.role), person.email, person.password)
    assert await contents(own_resources) == before | {"keys": 6}


async def is_live(resources: Resources, key: str) -> bool:
    parts = parse_api_key(key)
    assert parts is not None
    async with resources.database.read() as session:
        return await find_key_use(session, parts.kid) is not None


async def test_every_store_s_pay_in_is_assigned(own_resources: Resources) -> None:
    world = await seed_service.seed_demo_world(own_resources, Pace.LIFE)
    own_resources.config.forget()
    async with own_resources.database.read() as session:
        offered = {info.code: set(info.payment_methods) for info in await reference_data.list_banks(session)}
    assert offered == {bank: {"sbp", "card"} for bank in ("sberbank", "tbank", "alfabank")}
    ways = [(method, bank) for method in ("sbp", "card") for bank in (None, "sberbank", "tbank", "alfabank")]
    for store in world.stores:
        amounts = ["100.00", "100000.00", *(f"{number}000.00" for number in range(4, 10))]
        for (method, bank), amount in zip(ways, amounts, strict=True):
            assert isinstance(await ask(own_resources, store, Decimal(amount), method, bank), Assigned)
    # One more of the same amount than there are traders, which nobody may be sent.
    outcomes = [await ask(own_resources, world.stores[0], Decimal(777), "card", None) for _ in range(5)]
    assert [type(outcome) for outcome in outcomes] == [Assigned] * 4 + [NoRequisite]


async def ask(resources: Resources, store: DemoStore, amount: Decimal, method: str, bank: str | None) -> Outcome:
    """One request of a store and one attempt to find a requisite for it."""
    rules = await resources.config.current()
    parts = parse_api_key(store.api_key)
    assert parts is not None
    async with resources.database.write() as session:
        use = await find_key_use(session, parts.kid)
        assert use is not None
        context = StoreContext.of(use.store, key_id=parts.kid, actor=Actor.store(use.store.id))
        request = Request(
            external_order_id=new_id().hex,
            amount=amount,
            currency="RUB",
            payment_method=method,
            bank=bank,
            hosted=False,
            request_hash=b"x",
        )
        urls = UrlRules(callback_rules(resources.settings), allow_loopback_http=True)
        accepted = await order_processor.accept(
            session, context.actor, context, request, rules=rules, urls=urls, cipher=resources.cipher
        )
    return await order_processor.process_incoming_order(
        resources.database, accepted.incoming_order_id, rules, Actor.system("tests")
    )
