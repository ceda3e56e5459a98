"""Hard case 5: the postings of a slower transaction are never lost to the balances of platform and world."""

from decimal import Decimal

from factories.world import World
from jivapay.services.balance_manager import AccountKey

PLATFORM = AccountKey.platform("USDT", test=False)


async def test_worked(world: World) -> None:
    one = await world.complete()
    await world.roll_up()
    assert (await world.balance(PLATFORM)).total == Decimal("1.027027")
    assert await world.statuses(one) == ("processed", "completed", "completed")
