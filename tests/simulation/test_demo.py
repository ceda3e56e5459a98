"""`jivapay demo` as a person runs it: the world is there, its people work, and the numbers add up."""

import json
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from jivapay.schemas_enums.enums import Role
from jivapay.simulation import Cast, Traffic
from jivapay.simulation.http import Refused, open_client
from jivapay.simulation.traders import TOP_UP, SignedIn, paymaster_of
from support.demo import clean_environment, command, demo_without_traffic

pytestmark = pytest.mark.timeout(300)

QUICK_SEED = "s3119"
"""Of its first ten orders four are pay-outs: some traders decline, one shop cancels. One pay-in is paid with more than
was agreed, one is cancelled. They come from every store, and nobody in them waits for a time-out.
"""
ALL_AGREE = 10


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="jivapay-demo-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def command_lines_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text().replace("\0", " ")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with demo_without_traffic(home) as url:
        yield url


@pytest.fixture
def cast(address: str, home: Path) -> Cast:
    found = Cast.read(json.loads((home / "demo.json").read_text(encoding="utf-8")))
    assert found.base_url == address
    return found


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(address) as opened:
        yield opened


def test_the_file_is_as_promised_and_private(cast: Cast, home: Path) -> None:
    path = home / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text(encoding="utf-8"))
    assert sorted(content) == ["base_url", "stores", "users"]
    assert {tuple(user) for user in content["users"]} == {("role", "email", "password")}
    assert {tuple(store) for store in content["stores"]} == {("id", "name", "api_key", "callback_secret", "test")}
    assert [store.test for store in cast.stores].count(True) == 1
    assert len(cast.stores) == 3
    assert {Role(person.role) for person in cast.users} == set(Role)


async def test_everybody_can_sign_in_through_his_door(cast: Cast, client: httpx2.AsyncClient) -> None:
    for person in cast.users:
        me = await SignedIn(client, person).get("/auth/me")
        assert (me["email"], me["role"]) == (person.email, person.role)


@pytest.mark.parametrize(
    ("method", "bank", "amount"),
    [
        ("sbp", None, "100.00"),
        ("card", None, "100000.00"),
        ("sbp", "sberbank", "4750.00"),
        ("card", "tbank", "99.99e3"),
        ("card", "alfabank", "33333.33"),
    ],
)
async def test_any_pay_in_is_assigned_at_once(
    cast: Cast, client: httpx2.AsyncClient, method: str, bank: str | None, amount: str
) -> None:
    for store in cast.stores:
        body: dict[str, Any] = {
            "external_order_id": uuid4().hex,
            "amount": f"{Decimal(amount):.2f}",
            "currency": "RUB",
            "payment_method": method,
            "bank": bank,
            "wait_seconds": 5,
        }
        made = await client.post("/gateway/payin/init", json=body, headers={"X-API-Key": store.api_key})
        assert made.status_code == 201, made.text
        assert made.json()["status"] == "assigned"
        assert made.json()["rate"] == "92.50"
        assert made.json()["test"] is store.test
        assert bank in {None, made.json()["requisite"]["bank"]}


async def test_any_payout_is_offered_at_once_and_a_shop_that_lacks_the_money_is_told(
    cast: Cast, client: httpx2.AsyncClient
) -> None:
    for store in cast.stores:
        body: dict[str, Any] = {
            "external_order_id": uuid4().hex,
            "amount": "4750.00",
            "currency": "RUB",
            "payment_method": "card",
            "recipient": {"number": "2200701234567896"},
            "wait_seconds": 5,
        }
        made = await client.post("/gateway/payout/init", json=body, headers={"X-API-Key": store.api_key})
        if store.test:  # nobody pays test money in, so it has to earn some first
            assert (made.status_code, made.json()["code"]) == (422, "balance.insufficient")
        else:
            assert (made.status_code, made.json()["order_history_status"]) == (201, "pending"), made.text


async def test_a_deposit_takes_two_people_and_the_sandbox_takes_none(cast: Cast, client: httpx2.AsyncClient) -> None:
    paymaster = paymaster_of(client, cast.users)
    trader = SignedIn(client, cast.people(Role.TRADER)[0])

    async def available() -> Decimal:
        return Decimal((await trader.get("/balances"))["items"][0]["available"])

    before = await available()
    await paymaster.top_up((await trader.get("/auth/me"))["id"], "USDT")
    assert await available() == before + TOP_UP
    sandbox = SignedIn(client, next(person for person in cast.users if person.email.startswith("sandbox")))
    with pytest.raises(Refused) as refused:
        await paymaster.top_up((await sandbox.get("/auth/me"))["id"], "USDT")
    assert refused.value.code == "deposit.test_world"


async def test_simulated_people_agree_with_the_platform(cast: Cast) -> None:
    traffic = Traffic(cast, ALL_AGREE, 600, QUICK_SEED, f"t{uuid4().hex[:8]}")
    report = await traffic.live()
    assert report.problems == []
    assert report.stumbles == {}
    assert (report.asked, report.accounted, report.waiting) == (ALL_AGREE, ALL_AGREE, 0)
    assert (report.payins.asked, report.payouts.asked) == (6, 4)
    assert set(report.payins.outcomes) == {"completed", "cancelled"}
    assert report.payouts.outcomes["completed"] >= 3
    assert report.payouts.moved_crypto < 0 < report.payins.moved_crypto
    assert report.inbox.counts.total() == 1
    assert report.callbacks >= ALL_AGREE


def test_a_home_in_use_is_refused(address: str, home: Path) -> None:
    assert address
    second = subprocess.run(
        command("--home", str(home), "--port", "0"),
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 2
    assert "already running" in second.stderr


def test_production_is_refused(home: Path) -> None:
    refused = subprocess.run(
        command("--home", str(home)),
        env=clean_environment(ENV="production"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stderr == "jivapay: demo data is refused in production: unset ENV\n"


def test_a_run_of_orders_ends_with_a_summary_and_leaves_nothing_behind() -> None:
    home = Path(tempfile.mkdtemp(prefix="jivapay-demo-"))
    try:
        run = subprocess.run(
            command("--home", str(home), "--port", "0", "--orders", "10", "--rate", "600", "--seed", QUICK_SEED),
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert "orders      10 asked, 10 accounted for, 0 of them wait for a person\n" in run.stdout
        assert "pay-ins     6: completed 5, cancelled 1\n" in run.stdout
        assert "pay-outs    4: completed " in run.stdout
        assert "invariants  all " in run.stdout
        assert "problem" not in run.stdout
        leftovers = command_lines_with(str(home))
        assert leftovers == []
    finally:
        shutil.rmtree(home, ignore_errors=True)
