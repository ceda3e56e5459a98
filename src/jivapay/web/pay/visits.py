"""One visit of a customer: in which language, with which token, from where, and whether a form is the page's own."""

from dataclasses import dataclass
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from fastapi import Depends, Request

from jivapay.config.logger import current_request_id
from jivapay.domain.actors import Actor
from jivapay.exceptions import PermissionDenied
from jivapay.schemas_enums.gateway import MethodChoice, PaymentSessionRead
from jivapay.security.access import client_ip
from jivapay.security.dependencies import AppResources
from jivapay.services import dispute_service, gateway_service
from jivapay.services.gateway_service import Brought
from jivapay.utils.resources import Resources
from jivapay.web.ui.i18n import choose_language

CHOICE_WAIT_SECONDS = 5.0
"""How long the answer to a choice may wait for a requisite; after that the page says that it is looking."""
OWN_SITES = frozenset({"same-origin", "none"})


class PaymentDesk(Protocol):
    """What the page asks of the gateway, for the bearer of one token."""

    async def show(self) -> PaymentSessionRead: ...

    async def choose(self, choice: MethodChoice) -> PaymentSessionRead: ...

    async def confirm(self, brought: Brought) -> PaymentSessionRead: ...

    async def dispute(self, receipt: bytes | None) -> None: ...

    async def cancel(self) -> PaymentSessionRead: ...


@dataclass(frozen=True, slots=True)
class GatewayDesk:
    """The real one: each call is one of the gateway service's."""

    resources: Resources
    actor: Actor
    token: str

    async def show(self) -> PaymentSessionRead:
        return await gateway_service.get_payment_session_details(self.resources, self.token)

    async def choose(self, choice: MethodChoice) -> PaymentSessionRead:
        return await gateway_service.choose_method(
            self.resources, self.actor, self.token, choice, wait_seconds=CHOICE_WAIT_SECONDS
        )

    async def confirm(self, brought: Brought) -> PaymentSessionRead:
        made = await gateway_service.handle_payment_page_confirmation(self.resources, self.actor, self.token, brought)
        return made.thing

    async def dispute(self, receipt: bytes | None) -> None:
        async with self.resources.database.read() as session:
            incoming_id = await gateway_service.find_incoming_by_token(session, self.token)
        await dispute_service.claim_for_customer(self.resources, self.actor, incoming_id, receipt)

    async def cancel(self) -> PaymentSessionRead:
        return await gateway_service.cancel_payment_session(self.resources, self.actor, self.token)


def open_desk(request: Request, resources: AppResources, token: str) -> PaymentDesk:
    actor = Actor.customer(ip=client_ip(request), request_id=current_request_id())
    return GatewayDesk(resources, actor, token)


Desk = Annotated[PaymentDesk, Depends(open_desk)]


def language_of(request: Request) -> str:
    return choose_language(request.query_params, request.cookies, request.headers.get("accept-language", ""))


def refuse_foreign_form(request: Request, resources: AppResources) -> None:
    """A form comes from the page itself. Raises PermissionDenied `csrf.failed`.

    The browser says so in `Sec-Fetch-Site`. Older ones have only `Origin`, which a page that sends no referrer
    makes `null`: that passes, because whoever wrote the form still had to know the token.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in OWN_SITES
    else:
        origin = request.headers.get("origin", "null")
        is_own = origin == "null" or _is_own_origin(origin, request, resources.settings.public_base_url)
    if not is_own:
        raise PermissionDenied("The form was not sent from the payment page.", code="csrf.failed")


def _is_own_origin(origin: str, request: Request, public_base_url: str) -> bool:
    public = urlsplit(public_base_url)
    return origin == f"{public.scheme}://{public.netloc}" or urlsplit(origin).netloc == request.headers.get("host")
