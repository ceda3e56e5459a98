"""Every route declares its permission, or the store's key, or stands on the public list with its reason.

The table is walked as FastAPI has built it, so that a guard inside a dependency counts and a forgotten one does not.
"""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from jivapay.domain.actors import Actor
from jivapay.domain.permissions import CATALOGUE
from jivapay.security.access import PermissionGuard, requires
from jivapay.security.public_routes import PUBLIC_ROUTES
from jivapay.security.store_auth import StoreAuth
from jivapay.servers import all_in_one
from jivapay.utils.routing import api_router, list_routes

Place = tuple[str, str]


def guards(route: APIRoute) -> list[PermissionGuard | StoreAuth]:
    return [call for call in _calls(route.dependant) if isinstance(call, PermissionGuard | StoreAuth)]


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def places(app: FastAPI) -> Iterator[tuple[Place, APIRoute]]:
    for path, route in list_routes(app):
        for method in route.methods - {"HEAD"}:
            yield (method, path), route


def unguarded(app: FastAPI) -> list[Place]:
    return [place for place, route in places(app) if not guards(route) and place not in PUBLIC_ROUTES]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return all_in_one.create_app()


def test_every_route_is_guarded_or_public(app: FastAPI) -> None:
    assert unguarded(app) == []


def test_public_routes_exist_and_need_no_permission(app: FastAPI) -> None:
    table = dict(places(app))
    assert [place for place in PUBLIC_ROUTES if place not in table] == []
    assert [place for place in PUBLIC_ROUTES if guards(table[place])] == []


def test_every_declared_permission_is_in_the_catalogue(app: FastAPI) -> None:
    declared = {
        guard.permission for _, route in places(app) for guard in guards(route) if isinstance(guard, PermissionGuard)
    }
    assert declared - set(CATALOGUE) == set()


def test_gateway_routes_belong_to_stores_and_the_others_to_people(app: FastAPI) -> None:
    wrong = [
        place
        for place, route in places(app)
        for guard in guards(route)
        if isinstance(guard, StoreAuth) != place[1].startswith(("/gateway/", "/api/payouts/"))
    ]
    assert wrong == []


def test_no_path_is_declared_twice(app: FastAPI) -> None:
    """The second declaration would never be called, whatever it guards."""
    seen = [place for place, _ in places(app)]
    assert sorted(place for place in set(seen) if seen.count(place) > 1) == []


def test_planted_route_without_permission() -> None:
    router = api_router("/api/admin")

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    @router.get("/guarded")
    async def guarded(actor: Annotated[Actor, Depends(requires("orders:read:any"))]) -> None: ...

    @router.get("/guarded-inside")
    async def guarded_inside(x: Annotated[None, Depends(inner)]) -> None: ...

    planted = FastAPI()
    planted.include_router(router)
    assert unguarded(planted) == [("GET", "/api/admin/forgotten")]


async def inner(actor: Annotated[Actor, Depends(requires("orders:read:any"))]) -> None:
    """A dependency that holds the guard."""
