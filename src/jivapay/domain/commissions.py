"""What each party gets of a deal, to the last digit (domain.md, "Money").

The store's leg is computed at the rate with the store's margin, the trader's at the rate without it; the
platform takes the exact remainder, so that every transfer sums to zero by construction.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from jivapay.domain.money import PRECISION, RATE_SCALE, crypto_amount, money_round, percent_of
from jivapay.schemas_enums.enums import Direction


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deal is computed from; all of it is frozen on the order at assignment."""

    direction: Direction
    base_rate: Decimal
    """Fiat per crypto, without the store's margin."""
    margin_percent: Decimal
    store_percent: Decimal
    trader_percent: Decimal
    crypto_scale: int

    @property
    def store_rate(self) -> Decimal:
        return rate_with_margin(self.base_rate, self.margin_percent, self.direction)


@dataclass(frozen=True, slots=True)
class Quote:
    """The legs of a deal, in crypto unless named fiat. `trader_net` leaves (pay-in) or reaches the trader."""

    amount_fiat: Decimal
    rate: Decimal
    amount_crypto: Decimal
    trader_amount_crypto: Decimal
    store_commission: Decimal
    trader_commission: Decimal
    platform_profit: Decimal
    trader_net: Decimal
    store_net: Decimal

    @property
    def is_payable(self) -> bool:
        """False for amounts so small that a leg vanishes (`amount.too_small`, hard case 26)."""
        return self.trader_net > 0 and self.store_net > 0


def rate_with_margin(base_rate: Decimal, margin_percent: Decimal, direction: Direction) -> Decimal:
    """The store's rate: dearer crypto for pay-in, cheaper for pay-out; half-even to 8 decimals."""
    sign = 1 if direction is Direction.PAY_IN else -1
    with localcontext(prec=PRECISION):
        return money_round(base_rate * (1 + sign * margin_percent / 100), RATE_SCALE)


def calculate_quote(amount_fiat: Decimal, terms: Terms) -> Quote:
    """Both legs of `amount_fiat`; see `domain.md` for the worked numbers this reproduces."""
    return calculate_legs(
        amount_fiat,
        direction=terms.direction,
        rate=terms.store_rate,
        base_rate=terms.base_rate,
        store_percent=terms.store_percent,
        trader_percent=terms.trader_percent,
        crypto_scale=terms.crypto_scale,
    )


def calculate_legs(
    amount_fiat: Decimal,
    *,
    direction: Direction,
    rate: Decimal,
    base_rate: Decimal,
    store_percent: Decimal,
    trader_percent: Decimal,
    crypto_scale: int,
) -> Quote:
    """Both legs at rates and percentages that are frozen already: what an order would say of another amount."""
    amount = crypto_amount(amount_fiat, rate, crypto_scale)
    trader_amount = crypto_amount(amount_fiat, base_rate, crypto_scale)
    store_commission = percent_of(amount, store_percent, crypto_scale)
    trader_commission = percent_of(trader_amount, trader_percent, crypto_scale)
    if direction is Direction.PAY_IN:
        trader_net, store_net = trader_amount - trader_commission, amount - store_commission
        profit = trader_net - store_net
    else:
        trader_net, store_net = trader_amount + trader_commission, amount + store_commission
        profit = store_net - trader_net
    return Quote(
        amount_fiat=amount_fiat,
        rate=rate,
        amount_crypto=amount,
        trader_amount_crypto=trader_amount,
        store_commission=store_commission,
        trader_commission=trader_commission,
        platform_profit=profit,
        trader_net=trader_net,
        store_net=store_net,
    )
