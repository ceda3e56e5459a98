"""Apps that outlive a test: given back by it and lent to another, with its resources.

FastAPI makes a route ready when the app is first asked for it, which costs more than most of what a test then asks.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from jivapay.servers.app_factory import create_app
from jivapay.utils.resources import Resources

_free: dict[tuple[Any, ...], list[FastAPI]] = {}
"""By the routers, and by whatever of the settings is built into an app."""


@contextmanager
def lent_app(routers: Sequence[APIRouter], resources: Resources, **options: Any) -> Iterator[FastAPI]:  # noqa: ANN401 - those of `create_app`
    """An app nobody else uses meanwhile."""
    settings = resources.settings
    kind = (
        *(id(router) for router in routers),
        *(settings.trusted_proxies, settings.public_base_url, settings.serves_api_docs),
        *sorted(options.items()),
    )
    free = _free.setdefault(kind, [])
    app = free.pop() if free else create_app("tests", routers, resources=resources, **options)
    app.state.resources = resources
    try:
        yield app
    finally:
        free.append(app)
