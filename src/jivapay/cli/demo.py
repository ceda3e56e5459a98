"""`jivapay demo`: the platform of `jivapay up` with a world in it, and people who use it over HTTP.

The world is prepared before anything serves it, so that its settings are in force from the first request. The
platform then runs as a child; this process is its shops, customers and traders, and watches the books.
Source: issue 2, section 1.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jivapay.cli.demo_view import Books, live_table, progress_line, summary
from jivapay.cli.environment import HomeOption, data_services, load_settings, resolve_home
from jivapay.cli.failures import EXIT_FOUND, CommandFailure
from jivapay.cli.platform import running_platform
from jivapay.config.clock import Clock
from jivapay.config.settings import Settings
from jivapay.embedded.home import refuse_second_owner

if TYPE_CHECKING:
    from jivapay.services.seed_service import DemoWorld, Pace
    from jivapay.simulation import Cast, Report, Traffic

FILE = "demo.json"
RATE = 120
"""Orders a minute: two cores keep up with it easily, and 200 orders take less than three minutes."""
PATIENCE_SECONDS, PATIENCE_SECONDS_EACH = 60.0, 3.0
LOOK_EVERY_SECONDS = 0.5
LINE_EVERY_SECONDS = 5.0
CHECK_EVERY_SECONDS = 20.0
PULSE_EVERY_SECONDS = 2.0
PULSES_MISSED_MAX = 5
LOOPBACK_NET, LOOPBACK_NET_6 = "127.0.0.0/8", "::1/128"


def demo(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="Port to serve; 0 picks a free one.", min=0, max=65535)] = 8080,
    orders: Annotated[
        int | None,
        typer.Option(help="End after so many orders, with a summary; default: never.", min=1, show_default=False),
    ] = None,
    rate: Annotated[float, typer.Option(help="How many orders a minute the shops ask for.", min=0.1, max=6000)] = RATE,
    no_traffic: Annotated[
        bool, typer.Option("--no-traffic", help="Start the same world with everybody ready, and ask for nothing.")
    ] = False,
    seed: Annotated[
        str | None, typer.Option(help="The same seed gives the same orders and the same people.", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that look for requisites.", min=1, max=64)] = 2,
) -> None:
    """Run everything with a demo world: shops, customers and traders who use the public interfaces.

    Who they are, with passwords and API keys, stands in HOME/demo.json.

    With --orders it exits 0 only if every order is accounted for (ended, or
    waiting for a person) and every invariant holds. Refused in production.
    """
    if no_traffic and orders is not None:
        raise CommandFailure("--orders needs traffic")
    if load_settings().is_production:
        raise CommandFailure("demo data is refused in production: unset ENV")
    place = resolve_home(home)
    refuse_second_owner(place)
    _end_like_ctrl_c()
    _allow_loopback_callbacks()
    try:
        _say("preparing the demo world …")
        world = _prepare(place, with_traffic=not no_traffic)
        _open_payouts_service(world)
        with running_platform(place, port=port, workers=workers) as address:
            cast = _write(place, address, world)
            _say(f"ready {address}\npeople, passwords and keys: {place / FILE}")
            with data_services(place) as settings:
                if no_traffic:
                    asyncio.run(_idle(cast))
                    return
                _run(cast, settings, orders=orders, rate=rate, seed=seed or secrets.token_hex(4))
    except KeyboardInterrupt:
        _say("stopped")


def _run(cast: "Cast", settings: Settings, *, orders: int | None, rate: float, seed: str) -> None:
    from jivapay.simulation import Traffic

    run = f"{Clock().now():%m%d%H%M%S}{secrets.token_hex(2)}"
    traffic = Traffic(cast, orders, rate, seed, run)
    books = Books()
    _say(f"seed {seed}")
    report = asyncio.run(_simulate(traffic, settings, books))
    for line in summary(report, books, was_stopped=orders is None):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if orders is not None and (report.problems or report.asked != orders or books.violated or not books.checked):
        raise typer.Exit(EXIT_FOUND)


async def _simulate(traffic: "Traffic", settings: Settings, books: Books) -> "Report":
    """Until all orders rest, patience ends, or somebody stops it. Raises CommandFailure when the platform is gone."""
    loop = asyncio.get_running_loop()
    living = loop.create_task(traffic.live())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, living.cancel)
    watchers = [
        loop.create_task(_show(traffic, books)),
        loop.create_task(_check_books(settings, books)),
        loop.create_task(_feel_pulse(traffic.cast.base_url)),
    ]
    patience = None if traffic.orders is None else PATIENCE_SECONDS + PATIENCE_SECONDS_EACH * traffic.orders
    try:
        done, _ = await asyncio.wait([living, watchers[-1]], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if watchers[-1] in done:
            watchers[-1].result()
        if living not in done:
            report = traffic.interim()
            report.problems.append(f"gave up after {patience:.0f} s")
        elif living.cancelled():
            report = traffic.interim()
        else:
            report = living.result()
    finally:
        for task in (living, *watchers):
            task.cancel()
        await asyncio.gather(living, *watchers, return_exceptions=True)
    if traffic.orders is not None:
        await _check_once(settings, books)
    return report


async def _show(traffic: "Traffic", books: Books) -> None:
    """A table where there is a terminal, a line now and then where there is none."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_EVERY_SECONDS)
            console.print(progress_line(traffic.snapshot(), traffic.orders, books), soft_wrap=True, highlight=False)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(live_table(traffic.cast.base_url, traffic.snapshot(), books), refresh=True)
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _check_books(settings: Settings, books: Books) -> None:
    from jivapay.exceptions import JivaPayException

    while True:
        await asyncio.sleep(CHECK_EVERY_SECONDS)
        with contextlib.suppress(JivaPayException, OSError):  # the platform may be restarting a part of itself
            await _check_once(settings, books)


async def _check_once(settings: Settings, books: Books) -> None:
    from jivapay.services import invariant_service
    from jivapay.utils.resources import open_resources

    async with open_resources(settings, application_name="jivapay-demo") as resources:
        results = await invariant_service.run_all(resources.database)
    books.checked = len(results)
    books.violated = [result.name for result in results if not result.holds]


async def _feel_pulse(base_url: str) -> None:
    """Ends only by raising CommandFailure: nothing has answered for ten seconds."""
    import httpx2

    missed = 0
    async with httpx2.AsyncClient(base_url=base_url, timeout=PULSE_EVERY_SECONDS, trust_env=False) as client:
        while missed < PULSES_MISSED_MAX:
            await asyncio.sleep(PULSE_EVERY_SECONDS)
            try:
                await client.get("/livez")
                missed = 0
            except httpx2.ConnectError:
                missed += 1
            except httpx2.TransportError:
                continue  # busy is not dead
    raise CommandFailure("the platform has stopped; its log is up.log in the home directory", EXIT_FOUND)


async def _idle(cast: "Cast") -> None:
    """Until somebody stops it."""
    loop = asyncio.get_running_loop()
    pulse = loop.create_task(_feel_pulse(cast.base_url))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, pulse.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await pulse


def _prepare(home: Path, *, with_traffic: bool) -> "DemoWorld":
    """The world, on data services of our own that have ended when the platform starts."""
    from jivapay.cli.db import migrate
    from jivapay.services.seed_service import Pace

    async def make(settings: Settings) -> "DemoWorld":
        await migrate(settings)
        return await _make_world(settings, Pace.SHORT if with_traffic else Pace.LIFE, _read(home))

    with _own_environment(), data_services(home, create=True) as settings:
        return asyncio.run(make(settings))


async def _make_world(settings: Settings, pace: "Pace", known: "DemoWorld") -> "DemoWorld":
    from jivapay.services import seed_service
    from jivapay.utils.resources import open_resources

    async with open_resources(settings, application_name="jivapay-demo") as resources:
        return await seed_service.seed_demo_world(resources, pace, known)


def _read(home: Path) -> "DemoWorld":
    """What an earlier demo on this home left; nothing when it left nothing readable."""
    from jivapay.services.seed_service import DemoPerson, DemoStore, DemoWorld
    from jivapay.simulation import Cast

    try:
        cast = Cast.read(json.loads((home / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return DemoWorld((), ())
    return DemoWorld(
        tuple(DemoPerson(one.role, one.email, one.password) for one in cast.users),
        tuple(DemoStore(one.id, one.name, one.api_key, one.callback_secret, one.test) for one in cast.stores),
    )


def _write(home: Path, address: str, world: "DemoWorld") -> "Cast":
    """Leave `demo.json`, readable by us alone."""
    from jivapay.simulation import Cast, Person, Store

    cast = Cast(
        address,
        tuple(Person(one.role, one.email, one.password) for one in world.users),
        tuple(Store(one.id, one.name, one.api_key, one.callback_secret, one.test) for one in world.stores),
    )
    draft = home / f"{FILE}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(cast.content(), file, ensure_ascii=False, indent=1)
        file.write("\n")
    draft.replace(home / FILE)
    return cast


@contextmanager
def _own_environment() -> Iterator[None]:
    """What the block adds to the environment is gone afterwards: the platform must not take it for given."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        load_settings()


def _allow_loopback_callbacks() -> None:
    """The simulated shops live on this machine."""
    given = os.environ.get("JIVAPAY_CALLBACK_ALLOW_NETS", "")
    if LOOPBACK_NET not in given:
        os.environ["JIVAPAY_CALLBACK_ALLOW_NETS"] = ",".join(filter(None, [given, LOOPBACK_NET]))


def _open_payouts_service(world: "DemoWorld") -> None:
    """Whoever calls from this machine needs no key, as in the service's document; nobody pays anything."""
    given = {
        "PAYOUTS_ACCESS": "internal",
        "PAYOUTS_INTERNAL_NETWORKS": f"{LOOPBACK_NET},{LOOPBACK_NET_6}",
        "PAYOUTS_INTERNAL_STORE": world.stores[0].id,
        "PAYOUTS_EXECUTOR": "sandbox",
    }
    if "PAYOUTS_ACCESS" not in os.environ:
        os.environ.update(given)


def _end_like_ctrl_c() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
