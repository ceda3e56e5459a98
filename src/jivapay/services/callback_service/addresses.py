"""Where this installation sends callbacks: the rules out of its settings, and the checks that use them."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from jivapay.config.settings import Settings
from jivapay.database.models.callbacks import DisabledCallbackAddress
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain import signatures
from jivapay.domain.actors import Actor
from jivapay.domain.urls import CallbackRules, find_callback_url_problem, own_endpoints, parse_nets, parse_target
from jivapay.services import audit_service
from jivapay.utils import address_filter
from jivapay.utils.http_client import HttpTransport

ADDRESS_BLOCKED = "callback.address_blocked"
REFUSALS = (ADDRESS_BLOCKED,)


def callback_rules(settings: Settings) -> CallbackRules:
    """Raises ValueError when `JIVAPAY_CALLBACK_ALLOW_NETS` is no list of networks."""
    return CallbackRules(
        allow_nets=parse_nets(settings.jivapay_callback_allow_nets), own=own_endpoints([settings.public_base_url])
    )


def find_url_problem(url: str, rules: CallbackRules) -> str | None:
    """An error code for a store's or an order's `callback_url`, or None. Resolves nothing: names are judged
    when connecting.
    """
    problem = find_callback_url_problem(url, rules)
    if problem is not None:
        return problem
    target = parse_target(url)
    address = target.address if target else None
    if address is not None and not rules.exempts(address) and not address_filter.is_public(address):
        return ADDRESS_BLOCKED
    return None


def find_start_problems(settings: Settings) -> list[str]:
    """One line for each reason not to start, no secret in it (reliability 6.2)."""
    problems = []
    try:
        nets = parse_nets(settings.jivapay_callback_allow_nets)
    except ValueError as error:
        problems.append(f"JIVAPAY_CALLBACK_ALLOW_NETS: {error}")
        nets = ()
    if nets and settings.is_production:
        problems.append("JIVAPAY_CALLBACK_ALLOW_NETS must be empty in production: callbacks go to public addresses")
    for name, self_test in (("address filter", address_filter.self_test), ("signatures", signatures.self_test)):
        try:
            self_test()
        except AssertionError as error:
            problems.append(f"self-test of the {name}: {error}")
    return problems


def open_transport(settings: Settings) -> HttpTransport:
    """The transport of a worker, for its lifetime; `aclose()` it at the end."""
    return HttpTransport(callback_rules(settings))


async def list_disabled(session: AnySession, store_id: int) -> Sequence[DisabledCallbackAddress]:
    """The store's addresses that answered 410, oldest first."""
    found = await session.scalars(
        select(DisabledCallbackAddress)
        .where(DisabledCallbackAddress.store_id == store_id)
        .order_by(DisabledCallbackAddress.disabled_at, DisabledCallbackAddress.url)
    )
    return found.all()


async def enable_addresses(session: WriteSession, actor: Actor, store_id: int) -> int:
    """Send to them again from now on; how many. What was disabled meanwhile is sent again by hand."""
    enabled = await session.scalars(
        delete(DisabledCallbackAddress)
        .where(DisabledCallbackAddress.store_id == store_id)
        .returning(DisabledCallbackAddress.url)
    )
    count = len(enabled.all())
    if count:
        await audit_service.log_event(
            session, actor, "callback.addresses_enabled", entity="store", entity_id=store_id, details={"count": count}
        )
    return count
