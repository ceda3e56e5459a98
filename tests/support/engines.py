"""Engines that outlive a test: closed by it and opened by another, on another database.

An engine's first statements are dear: SQLAlchemy writes each as text once an engine, and asks the server who it is.
A test that has a database of its own would pay for that again; here the next one gets the engine that was given back.
"""

from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from jivapay.database import session
from jivapay.database.engine import make_engine

_free: dict[tuple[tuple[str, Any], ...], list[AsyncEngine]] = {}
"""By the options of `make_engine`."""
_targets: dict[AsyncEngine, URL] = {}


def reuse_engines() -> None:
    """From now on every `Database` of this process takes an engine that was given back, if one is like its own."""
    session.make_engine = _take


def _take(url: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - those of `make_engine`
    kind = tuple(sorted(options.items()))
    free = _free.setdefault(kind, [])
    if free:
        engine = free.pop()
    else:
        engine = make_engine(url, **options)
        event.listen(engine.sync_engine, "do_connect", lambda *given: _redirect(engine, given[-1]))
        event.listen(engine.sync_engine, "engine_disposed", lambda _: _give_back(engine, free))
    _targets[engine] = make_url(url)
    return engine


def _redirect(engine: AsyncEngine, parameters: dict[str, Any]) -> None:
    parameters.update(_targets[engine].translate_connect_args(username="user"))


def _give_back(engine: AsyncEngine, free: list[AsyncEngine]) -> None:
    if engine not in free:
        free.append(engine)
