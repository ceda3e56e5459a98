"""All walks there are, to be told one after the other, or a pause at a time among other things; and all moves."""

from model import moves_disputes, moves_money, walks_deliveries, walks_disputes, walks_money, walks_payouts
from model.moves import MOVES
from model.walks import WALKS, Stage

__all__ = ["MOVES", "WALKS", "tell"]

KNOWN = [moves_disputes, moves_money, walks_deliveries, walks_disputes, walks_money, walks_payouts]
"""Imported: what stands in them is in MOVES and WALKS."""


async def tell(stage: Stage) -> None:
    """Every walk to its end. Raises Otherwise where it does not come as told."""
    for walk in WALKS.values():
        async for _ in walk(stage):
            pass
