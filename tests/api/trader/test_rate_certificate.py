"""The rate certificate: both amounts computed again from the JSON alone; whose eyes it is for."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from factories import disputes
from factories.office import code_of, open_office
from factories.world import World, make_world
from jivapay.database.models.people import MerchantStore
from jivapay.schemas_enums.enums import Role
from jivapay.utils.resources import Resources

NOBODY = "0199aaaa-0000-7000-8000-000000000000"


def recompute(certificate: dict[str, Any], side: str) -> tuple[str, str]:
    """The crypto amount and the commission of one side, from nothing but the certificate."""
    rounding, rate = certificate["rounding"], certificate["rate"]
    assert rounding["mode"] == "half_even"

    def rounded(value: Decimal, decimals: int) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)

    fiat_per_crypto = Decimal(rate["base_rate"])
    if side == "store":
        sign = 1 if certificate["direction"] == "pay_in" else -1
        margin = Decimal(rate["margin_percent"])
        fiat_per_crypto = rounded(fiat_per_crypto * (1 + sign * margin / 100), rounding["rate_decimals"])
        assert fiat_per_crypto == Decimal(rate["rate"])
    amount = rounded(Decimal(certificate["amount_fiat"]) / fiat_per_crypto, rounding["crypto_decimals"])
    commission = rounded(amount * Decimal(certificate[side]["percent"]) / 100, rounding["crypto_decimals"])
    return f"{amount:f}", f"{commission:f}"


@pytest.fixture
async def priced(own_resources: Resources) -> World:
    return await make_world(own_resources, rate_margin_percent=Decimal("1.25"))


async def test_both_amounts_from_the_json_alone(priced: World) -> None:
    world = priced
    await world.advance(7, fresh_rate=False)
    incoming_id = await world.complete(Decimal("4750.37"))
    incoming, order = (await world.deal(incoming_id)).incoming, await world.order(incoming_id)
    path = f"/orders/{incoming.public_id}/rate-certificate"
    async with open_office(world.resources) as office:
        admin = await office.admin()
        whole = (await admin.get(path)).json()
        for side in ("store", "trader"):
            shown = whole[side]["amount_crypto"], whole[side]["commission"]
            assert recompute(whole, side) == shown
        assert Decimal(whole["store"]["amount_crypto"]) == order.amount_crypto
        assert Decimal(whole["trader"]["amount_crypto"]) == order.trader_amount_crypto
        assert whole["store"]["amount_crypto"] != whole["trader"]["amount_crypto"]
        moves = Decimal(whole["store"]["moves"]) + Decimal(whole["trader"]["moves"])
        assert moves + Decimal(whole["platform_profit"]) == 0
        assert (whole["rate"]["source"], whole["rate"]["margin_percent"]) == ("manual", "1.25")
        assert 7 <= whole["rate"]["age_seconds"] < 60
        assert whole["rate"]["is_late"] is False
        assert f"{(await world.store_balance()).total:f}" == whole["store"]["moves"]

        trader = await office.enter(world.trader.user_id, world.trader.user_public_id, Role.TRADER)
        own = (await trader.get(path)).json()
        assert (own["store"], own["platform_profit"], own["rate"]["rate"], own["rate"]["margin_percent"]) == (None,) * 4
        assert own["trader"] == whole["trader"]
        assert recompute(own, "trader") == (own["trader"]["amount_crypto"], own["trader"]["commission"])

        merchant = await office.shopkeeper(world.store.merchant_id)
        theirs = (await merchant.get(path)).json()
        assert (theirs["trader"], theirs["platform_profit"]) == (None, None)
        assert theirs["store"] == whole["store"]
        assert recompute(theirs, "store") == (theirs["store"]["amount_crypto"], theirs["store"]["commission"])

        for stranger in (await office.trader(), await office.merchant()):
            assert code_of(await stranger.get(path)) == (404, "not_found")
        missing = f"/orders/{NOBODY}/rate-certificate"
        for person in (admin, trader, merchant):
            assert code_of(await person.get(missing)) == (404, "not_found")


async def test_another_amount_is_certified_at_the_same_terms(priced: World) -> None:
    incoming_id = await priced.complete()
    dispute = await disputes.open_dispute(priced, incoming_id)
    assert await disputes.resolve(priced, dispute, "adjusted", amount="4000.00") == "resolved_adjusted"
    order_id = (await priced.deal(incoming_id)).incoming.public_id
    async with open_office(priced.resources) as office:
        admin = await office.admin()
        shown = (await admin.get(f"/orders/{order_id}/rate-certificate")).json()
    assert (shown["amount_fiat"], shown["amount_agreed"]) == ("4000.00", "4750.00")
    for side in ("store", "trader"):
        assert recompute(shown, side) == (shown[side]["amount_crypto"], shown[side]["commission"])


async def test_a_late_payment_is_certified_at_the_rate_it_came_at(priced: World) -> None:
    incoming_id = await priced.assign()
    await priced.advance(priced.rules.client_pay_seconds)
    await priced.expire_due()
    async with priced.database.write() as session:
        store = await session.get_one(MerchantStore, priced.store.id)
        store.rate_margin_percent = Decimal(2)
    await priced.advance(priced.rules.late_rate_seconds)
    await priced.set_rate(Decimal("95.10"))
    await priced.confirm_by_trader(incoming_id)
    order_id = (await priced.deal(incoming_id)).incoming.public_id
    async with open_office(priced.resources) as office:
        admin = await office.admin()
        shown = (await admin.get(f"/orders/{order_id}/rate-certificate")).json()
    rate = shown["rate"]
    assert (rate["base_rate"], rate["margin_percent"], rate["rate"], rate["is_late"]) == ("95.10", "2", "97.002", True)
    for side in ("store", "trader"):
        assert recompute(shown, side) == (shown[side]["amount_crypto"], shown[side]["commission"])


async def test_there_is_none_before_a_requisite_is_assigned(priced: World) -> None:
    waiting = (await priced.deal(await priced.accept())).incoming.public_id
    async with open_office(priced.resources) as office:
        admin = await office.admin()
        assert code_of(await admin.get(f"/orders/{waiting}/rate-certificate")) == (404, "not_found")
