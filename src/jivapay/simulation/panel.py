"""Who decides what a machine must not: one of the support, and administrators as second persons."""

import asyncio

from jivapay.simulation.http import CONFLICTS, Refused
from jivapay.simulation.purchases import Json
from jivapay.simulation.traders import SignedIn

PAGE_SIZE = 200
ASKS_SECOND, HAS_A_PART = "requested", "approval.same_user"
PROVEN_SECONDS = 120.0
"""Money asks for a person who has just proved himself; how long we rely on that."""


class Panel:
    """The second person is the first of `seconds` who has no part in the case."""

    def __init__(self, support: SignedIn, *seconds: SignedIn) -> None:
        self._support = support
        self._seconds = seconds
        self._proven_at: dict[SignedIn, float] = {}

    async def list_all(self, path: str, **filters: str) -> list[Json]:
        """Every page of a list, as it is seen while turning them."""
        items: list[Json] = []
        page = 1
        while True:
            listed = await self._support.get(path, page=page, page_size=PAGE_SIZE, **filters)
            items += listed["items"]
            if not listed["items"] or len(items) >= listed.get("total", 0):
                return items
            page += 1

    async def look(self, path: str) -> Json:
        return await self._support.get(path)

    async def decide(self, path: str, body: Json) -> bool:
        """By two persons where the platform asks for it.

        False when it was decided already, its time is over, or nobody is left who has no part in it.
        """
        try:
            await self._prove(self._support)
            decided = await self._support.post(path, body)
            return decided["status"] != ASKS_SECOND or await self._approve(decided["id"])
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise
            return False

    async def _approve(self, approval_id: str) -> bool:
        for second in self._seconds:
            await self._prove(second)
            try:
                await second.post(f"/approvals/{approval_id}/approve")
            except Refused as refusal:
                if refusal.code != HAS_A_PART:
                    raise
            else:
                return True
        return False

    async def _prove(self, person: SignedIn) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._proven_at.get(person, -PROVEN_SECONDS) >= PROVEN_SECONDS:
            await person.sign_in()
            self._proven_at[person] = now
