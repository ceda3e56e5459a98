"""`GET /gateway/capacity`: can an order like this be served now, asked before the shop offers the method."""

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.session import AnySession
from jivapay.domain.money import FIAT_SCALE, fits_scale
from jivapay.exceptions import PlatformFrozen, RateStale, ValidationFailed
from jivapay.schemas_enums.enums import Direction, OwnerType
from jivapay.schemas_enums.gateway import CapacityQuery, CapacityRead
from jivapay.services import commission_service, freeze_service, rate_service, reference_data, requisite_selector
from jivapay.services.api_key_service import StoreContext
from jivapay.services.requisite_selector import Wanted


async def get_capacity(
    session: AnySession, store: StoreContext, asked: CapacityQuery, rules: BusinessSettings
) -> CapacityRead:
    """A word about this moment, no promise. Raises ValidationFailed for what could never be served."""
    await _check(session, store, asked)
    reason = await _find_obstacle(session, store, asked, rules)
    return CapacityRead(available=reason is None, reason=reason)


async def _check(session: AnySession, store: StoreContext, asked: CapacityQuery) -> None:
    if not fits_scale(asked.amount, FIAT_SCALE):
        raise ValidationFailed.at("query", "amount", code="money.too_many_decimals")
    if asked.amount < store.lower_limit:
        raise ValidationFailed.at("query", "amount", code="order.amount_below_limit")
    if asked.amount > store.upper_limit:
        raise ValidationFailed.at("query", "amount", code="order.amount_above_limit")
    await reference_data.check_method_and_bank(session, store.fiat_currency, asked.payment_method, asked.bank)


async def _find_obstacle(
    session: AnySession, store: StoreContext, asked: CapacityQuery, rules: BusinessSettings
) -> str | None:
    direction = asked.direction
    enabled = store.pay_in_enabled if direction is Direction.PAY_IN else store.pay_out_enabled
    if not store.traffic_access or not enabled:
        return "store.switched_off"
    try:
        await freeze_service.refuse_when_frozen(session)
        rate = await rate_service.get_rate(
            session, fiat=store.fiat_currency, crypto=store.crypto_currency, direction=direction, rules=rules
        )
    except (PlatformFrozen, RateStale) as obstacle:
        return obstacle.code
    percent = await commission_service.find_percent(session, OwnerType.STORE, store.id, direction, asked.payment_method)
    if percent is None:
        return "configuration.commission_missing"
    wanted = Wanted(
        direction=direction,
        fiat_currency=store.fiat_currency,
        crypto_currency=store.crypto_currency,
        crypto_scale=(await reference_data.get_scales(session))[store.crypto_currency],
        amount=asked.amount,
        payment_method=asked.payment_method,
        bank=asked.bank,
        store_percent=percent,
        base_rate=rate.value,
        test=store.test,
    )
    return None if await requisite_selector.can_take(session, wanted) else "requisite.none_available"
