"""A merchant's proof of a sealed day: checked offline by the script that ships, which refuses any that was tampered."""

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from architecture.house import ROOT
from factories.office import Office, Person, code_of, open_office
from factories.world import World
from jivapay.config.crypto import HeadSigner
from jivapay.database.models.people import Merchant, MerchantStore, User
from jivapay.schemas_enums.enums import Role
from jivapay.services import audit_chain, chain_heads, posting_chain
from jivapay.services.api_key_service import StoreContext

SCRIPT = ROOT / "docs" / "verify_statement.py"


async def enter_owner(office: Office, store: StoreContext) -> Person:
    async with office.resources.database.read() as session:
        user = (
            await session.execute(
                select(User.id, User.public_id)
                .join(Merchant, Merchant.user_id == User.id)
                .join(MerchantStore, MerchantStore.merchant_id == Merchant.id)
                .where(MerchantStore.id == store.id)
            )
        ).one()
    return await office.enter(user.id, user.public_id, Role.MERCHANT)


async def seal(world: World) -> str:
    """Today becomes a sealed day; which."""
    day: str = await world.scalar("select (app_now() at time zone 'utc')::date::text")
    left = await world.scalar(
        "select extract(epoch from date_trunc('day', app_now(), 'utc') + interval '1 day' - app_now())::float8"
    )
    await world.advance(left + 16 * 60)
    await audit_chain.append(world.database)
    await posting_chain.append(world.database)
    await chain_heads.seal_due(world.database, HeadSigner.from_settings(world.resources.settings))
    return day


@pytest.fixture
async def proven(world: World, tmp_path: Path) -> tuple[dict[str, Any], str, Callable[[Any], tuple[int, str]]]:
    """The statement of a store that was paid three times beside another one; the public key; the script."""
    other = await world.add_store()
    for _ in range(3):
        await world.complete()
        await world.complete(store=other)
    async with open_office(world.resources) as office:
        day = await seal(world)
        merchant = await enter_owner(office, world.store)
        answer = await merchant.get(f"/stores/{world.store.public_id}/proofs", params={"date": day})
        assert answer.status_code == 200, answer.text
        keys = (await office.client.get("/api/public/proof-keys")).json()["items"]

    def check(statement: Any) -> tuple[int, str]:  # noqa: ANN401 - any JSON
        path = tmp_path / "statement.json"
        path.write_text(json.dumps(statement), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(path), keys[0]["public_key"]], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr.strip()

    return answer.json(), keys[0]["public_key"], check


def test_the_script_is_short() -> None:
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) < 60


async def test_the_statement_is_proved_offline(proven: tuple[Any, str, Any], world: World) -> None:
    statement, _, check = proven
    (account,) = statement["accounts"]
    assert account["account"] == f"store:{world.store.public_id}:crypto:USDT:live"
    assert [posting["amount"] for posting in account["postings"]] == ["49.81081"] * 3
    assert [posting["balance_after"] for posting in account["postings"]] == ["49.81081", "99.62162", "149.43243"]
    assert len(account["path"]) >= 2
    assert check(statement) == (0, "")


async def test_nothing_of_anybody_else_is_in_it(proven: tuple[Any, str, Any], world: World) -> None:
    shown = json.dumps(proven[0])
    strangers = await world.scalar(
        "select array_agg(public_id::text) from (select public_id from users union all select public_id from"
        " merchant_stores where id <> :store) x",
        store=world.store.id,
    )
    assert len(strangers) >= 3
    assert [name for name in strangers if name in shown] == []


def change_amount(statement: Any) -> None:  # noqa: ANN401 - any JSON
    statement["accounts"][0]["postings"][1]["amount"] = "149.81081"


def change_balance(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["postings"][2]["balance_after"] = "1049.43243"


def change_time(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["postings"][0]["at"] = "2020-01-01T00:00:00.000000"


def change_transfer(statement: Any) -> None:  # noqa: ANN401
    postings = statement["accounts"][0]["postings"]
    postings[0]["transfer"] = postings[1]["transfer"]


def leave_out(statement: Any) -> None:  # noqa: ANN401
    del statement["accounts"][0]["postings"][1]


def leave_all_out(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["postings"] = []


def repeat(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["postings"].append(statement["accounts"][0]["postings"][0])


def swap(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["postings"].reverse()


def cut_path(statement: Any) -> None:  # noqa: ANN401
    del statement["accounts"][0]["path"][0]


def rename_account(statement: Any) -> None:  # noqa: ANN401
    statement["accounts"][0]["account"] = statement["accounts"][0]["account"].replace(":live", ":test")


def rename_store(statement: Any) -> None:  # noqa: ANN401
    statement["store_id"] = "0199aaaa-0000-7000-8000-000000000000"


def change_day(statement: Any) -> None:  # noqa: ANN401
    statement["date"] = "2020-01-01"


def change_root(statement: Any) -> None:  # noqa: ANN401
    payload = json.loads(statement["head"]["payload"])
    statement["head"]["payload"] = json.dumps(payload | {"root": "00" * 32})


def change_key(statement: Any) -> None:  # noqa: ANN401
    """A head signed by somebody else, with his own key beside it."""
    signer = HeadSigner({"p1": b"\x01" * 32})
    message = b"jivapay chain head\n" + statement["head"]["payload"].encode()
    statement["head"]["signature"] = base64.b64encode(signer.sign(message)).decode()
    statement["head"]["public_key"] = base64.b64encode(signer.public_keys["p1"]).decode()


TAMPERED = (
    *(change_amount, change_balance, change_time, change_transfer, leave_out, leave_all_out, repeat, swap, cut_path),
    *(rename_account, rename_store, change_day, change_root, change_key),
)


async def test_a_tampered_statement_is_refused(proven: tuple[Any, str, Any]) -> None:
    statement, _, check = proven
    for tamper in TAMPERED:
        changed = copy.deepcopy(statement)
        tamper(changed)
        code, said = check(changed)
        assert (code, bool(said), "Traceback" in said) == (1, True, False), (tamper.__name__, said)


async def test_who_may_ask_and_when(world: World) -> None:
    other = await world.add_store()
    await world.complete()
    async with open_office(world.resources) as office:
        owner, stranger = await enter_owner(office, world.store), await enter_owner(office, other)
        path = f"/stores/{world.store.public_id}/proofs"
        today = await world.scalar("select (app_now() at time zone 'utc')::date::text")
        assert code_of(await owner.get(path, params={"date": today})) == (409, "proof.not_sealed")
        day = await seal(world)
        owner, stranger = await enter_owner(office, world.store), await enter_owner(office, other)
        assert (await owner.get(path, params={"date": day})).status_code == 200
        assert code_of(await stranger.get(path, params={"date": day})) == (404, "not_found")
        idle = await stranger.get(f"/stores/{other.public_id}/proofs", params={"date": day})
        assert idle.json()["accounts"] == []
        assert code_of(await owner.get(path, params={"date": "2001-01-01"})) == (404, "not_found")
        for wrong in ("yesterday", "2026-02-30", "1", "20261120", ""):
            assert (await owner.get(path, params={"date": wrong})).status_code == 422
        assert (await owner.get(path)).status_code == 422
        anybody = await office.client.get(f"/api/merchant{path}", params={"date": day})
        assert code_of(anybody) == (401, "auth.required")


async def test_heads_are_published(world: World) -> None:
    await world.complete()
    async with open_office(world.resources) as office:
        day = await seal(world)
        published = (await office.client.get("/api/public/chain-heads")).json()
        assert (published["total"], [item["day"] for item in published["items"]]) == (1, [day])
        keys = (await office.client.get("/api/public/proof-keys")).json()["items"]
        assert [(key["key_id"], key["algorithm"]) for key in keys] == [("k1", "Ed25519")]
        assert keys[0]["public_key"] == published["items"][0]["public_key"]
        admin, trader = await office.admin("platform:read:any"), await office.trader()
        assert (await admin.get("/chain-heads")).json() == published
        assert code_of(await (await office.admin("orders:read:any")).get("/chain-heads")) == (403, "permission.denied")
        assert (await trader.call("GET", "/api/admin/chain-heads")).status_code == 401
