"""What an operator may change while the platform runs: name, type, bounds, default and description of each.

The rows of `configuration_settings` hold these as text; `parse_setting` is the one reader of that text. A
malformed value is refused when written, and found in the table anyway it never means "no limit": the last good
value or the default is used (domain.md, "Settings"; CFG-09 to CFG-15).
"""

import re
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from jivapay.schemas_enums.enums import DepositNetwork, Role

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_RATE_LIMIT = re.compile(r"[1-9][0-9]{0,6}/(?:[1-9][0-9]{0,3} )?(?:second|minute|minutes|hour|hours|day)", re.ASCII)


def _integer(value: object) -> object:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError("must be a whole number")
    return value


def _rate_limit(value: str) -> str:
    if not _RATE_LIMIT.fullmatch(value):
        raise ValueError("must be like 100/minute or 30/15 minutes")
    return value


def _roles(value: object) -> object:
    """A comma-separated list; empty for nobody."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _amounts(value: object) -> object:
    """A JSON object of currency to amount, as decimal strings."""
    return orjson.loads(value) if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_integer)]
Count = Annotated[int, BeforeValidator(_integer)]
RateLimit = Annotated[str, AfterValidator(_rate_limit)]
Roles = Annotated[tuple[Role, ...], BeforeValidator(_roles)]
Fee = Annotated[Decimal, Field(ge=0, max_digits=20)]
PositiveAmount = Annotated[Decimal, Field(gt=0, max_digits=20)]
FeeByNetwork = Annotated[dict[DepositNetwork, Fee], BeforeValidator(_amounts)]
AmountByCurrency = Annotated[dict[str, PositiveAmount], BeforeValidator(_amounts)]

HOUR, DAY = 3600, 86_400


class BusinessSettings(BaseModel):
    """One frozen reading of all settings: a use case takes one and sees no change halfway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_order_retries: Count = Field(5, ge=0, le=100, description="Attempts to find a requisite")
    retry_delay_seconds: Seconds = Field(5, ge=1, le=HOUR, description="Delay before the second attempt")
    retry_backoff_factor: Count = Field(2, ge=1, le=10, description="What each further delay is multiplied by")
    retry_delay_seconds_max: Seconds = Field(300, ge=1, le=DAY, description="The longest delay between attempts")
    session_ttl_seconds: Seconds = Field(1800, ge=5, le=DAY, description="How long a payment page may be used")
    client_pay_seconds: Seconds = Field(900, ge=5, le=HOUR, description="Time to pay once the requisite is shown")
    trader_confirm_seconds: Seconds = Field(1800, ge=5, le=DAY, description="Time for the trader to confirm")
    payout_accept_seconds: Seconds = Field(300, ge=5, le=HOUR, description="Time for the trader to accept a pay-out")
    payout_pay_seconds: Seconds = Field(1800, ge=5, le=DAY, description="Time for the trader to pay a pay-out")
    late_payment_window_seconds: Seconds = Field(DAY, ge=5, le=7 * DAY, description="How long a late payment revives")
    late_rate_seconds: Seconds = Field(1800, ge=0, le=DAY, description="How long after expiry the rate still holds")
    payout_clearing_seconds: Seconds = Field(DAY, ge=0, le=30 * DAY, description="How long a pay-out credit is held")
    payout_rate_buffer_percent: Annotated[Decimal, Field(ge=0, le=20, max_digits=6)] = Field(
        Decimal(1), description="Set aside beyond a pay-out's cost until a trader is found, in per cent"
    )
    amount_cooldown_seconds: Seconds = Field(1800, ge=5, le=DAY, description="How long an unpaid amount stays taken")
    dispute_window_seconds: Seconds = Field(259_200, ge=5, le=90 * DAY, description="How long an order may be disputed")
    dispute_answer_seconds: Seconds = Field(HOUR, ge=5, le=7 * DAY, description="Time to answer in a dispute")
    dispute_review_seconds: Seconds = Field(DAY, ge=5, le=30 * DAY, description="Time for staff to look at a dispute")
    rate_limit_default: RateLimit = Field("100/minute", description="Requests where nothing else is said")
    rate_limit_gateway: RateLimit = Field("6000/minute", description="Gateway requests of one API key")
    rate_limit_page: RateLimit = Field("120/minute", description="Payment page requests of one address")
    rate_limit_user: RateLimit = Field("600/minute", description="Requests of one signed-in user")
    rate_limit_login: RateLimit = Field("30/15 minutes", description="Sign-in attempts of one address")
    rate_limit_refresh: RateLimit = Field("120/15 minutes", description="Renewals of sign-ins of one address")
    rate_max_age_seconds: Seconds = Field(300, ge=5, le=DAY, description="Age at which a rate is stale")
    rate_manual_ttl_seconds: Seconds = Field(DAY, ge=60, le=3650 * DAY, description="How long a manual rate is kept")
    rate_jump_percent_max: Count = Field(5, ge=1, le=100, description="A larger change of a rate needs a person")
    fraud_manual_review_threshold: AmountByCurrency = Field(
        {"RUB": Decimal(500_000)}, description="Amounts above go to a person, by currency"
    )
    fraud_deny_threshold: AmountByCurrency = Field(
        {"RUB": Decimal(2_000_000)}, description="Amounts above are denied, by currency"
    )
    payouts_approval_amount: AmountByCurrency = Field(
        {"RUB": Decimal(500_000)}, description="A payout request above needs a second person, by currency"
    )
    open_unpaid_max_per_customer: Count = Field(3, ge=1, le=100_000, description="Unpaid orders of one customer")
    open_unpaid_max_per_address: Count = Field(3, ge=1, le=100_000, description="Unpaid orders of one address")
    open_unpaid_max_per_store: Count = Field(10_000, ge=1, le=1_000_000, description="Unpaid orders of one store")
    late_claims_max_per_customer: Count = Field(
        2, ge=0, le=1000, description="Open late claims of one customer that may hold a deposit"
    )
    late_claims_max_per_address: Count = Field(
        5, ge=0, le=1000, description="Open late claims of one address that may hold a deposit"
    )
    claims_lost_percent_max: Count = Field(
        30, ge=0, le=100, description="A store that loses more of its late claims has every one judged by a person"
    )
    totp_required_roles: Roles = Field(
        (Role.ADMIN, Role.SUPPORT, Role.TEAMLEAD, Role.TRADER), description="Roles that need a second factor"
    )
    four_eyes_amount: Annotated[Decimal, Field(gt=0, max_digits=20)] = Field(
        Decimal(1000), description="Above this, in settlement currency, a second person decides"
    )
    withdrawal_address_cooling_seconds: Seconds = Field(
        DAY, ge=0, le=30 * DAY, description="How long a new withdrawal address must wait"
    )
    withdrawal_network_fees: FeeByNetwork = Field(
        {
            DepositNetwork.TRON: Decimal(2),
            DepositNetwork.ETHEREUM: Decimal(5),
            DepositNetwork.BSC: Decimal(1),
            DepositNetwork.TON: Decimal(1),
        },
        description="What a withdrawal pays its network; others are not offered",
    )


def setting_fields() -> dict[str, FieldInfo]:
    """Every setting by its name in the table (`MAX_ORDER_RETRIES`)."""
    return {name.upper(): field for name, field in BusinessSettings.model_fields.items()}


def parse_setting(key: str, value: str) -> Any:  # noqa: ANN401 - each setting has its own type
    """`value` as the setting's type. Raises KeyError for an unknown key, ValueError for a bad value."""
    name = key.lower()
    if key not in setting_fields():
        raise KeyError(key)
    try:
        return getattr(BusinessSettings.model_validate({name: value}), name)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None


def render_setting(value: object) -> str:
    """The text form of a setting's value, which `parse_setting` reads back."""
    if isinstance(value, dict):
        return orjson.dumps({str(key): str(amount) for key, amount in sorted(value.items())}).decode()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
