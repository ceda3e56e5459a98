"""The last full administrator stays, the first one is made once, whoever comes at the same time."""

import asyncio

import pytest
from sqlalchemy import func, select

from jivapay.database.models.people import Admin, User
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import FULL
from jivapay.exceptions import Conflict, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.enums import ActorKind, Role
from jivapay.services import permission_service, user_service
from jivapay.services.user_service import NewUser
from jivapay.utils.resources import Resources

PASSWORD = "correct horse battery"


async def administrator(resources: Resources, email: str) -> tuple[User, Actor]:
    async with resources.database.write() as session:
        new = NewUser(email, Role.ADMIN, password=PASSWORD, permissions=(FULL,))
        user = (await user_service.create_user(session, Actor.system("tests"), new)).user
    return user, Actor(ActorKind.USER, id=user.id, role=Role.ADMIN, permissions=(FULL,))


async def test_first_administrator_is_made_once(own_resources: Resources) -> None:
    async def make(number: int) -> bool:
        async with own_resources.database.write() as session:
            return await user_service.create_first_administrator(session, f"a{number}@b.example", PASSWORD)

    made = await asyncio.gather(*(make(number) for number in range(4)))
    assert sorted(made) == [False, False, False, True]
    async with own_resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1
        assert await session.scalar(select(Admin.granted_permissions)) == [FULL]
        assert await session.scalar(select(User.must_change_password)) is True


async def test_last_full_administrator_stays(own_resources: Resources) -> None:
    only, actor = await administrator(own_resources, "only@b.example")
    operator = Actor.system("cli")
    async with own_resources.database.write() as session:
        with pytest.raises(Conflict, match="last full") as refused:
            await user_service.block_user(session, operator, only.public_id, reason="r")
        assert refused.value.code == "admin.last"
        with pytest.raises(Conflict) as refused:
            await permission_service.update_user_permissions(session, actor, only, ["users:read:any"])
        assert refused.value.code == "admin.last"


async def test_two_cannot_remove_each_other(own_resources: Resources) -> None:
    people = [await administrator(own_resources, f"{name}@b.example") for name in ("one", "two")]

    async def block(actor: Actor, user: User) -> str:
        try:
            async with own_resources.database.write() as session:
                await user_service.block_user(session, actor, user.public_id, reason="r")
        except Conflict as refused:
            return refused.code
        return "blocked"

    outcomes = await asyncio.gather(block(people[0][1], people[1][0]), block(people[1][1], people[0][0]))
    assert sorted(outcomes) == ["admin.last", "blocked"]


async def test_a_blocked_one_does_not_count(own_resources: Resources) -> None:
    (first, _), (second, actor) = [await administrator(own_resources, f"{name}@b.example") for name in ("one", "two")]
    async with own_resources.database.write() as session:
        await user_service.block_user(session, actor, first.public_id, reason="r")
    async with own_resources.database.write() as session:
        with pytest.raises(Conflict):
            await permission_service.update_user_permissions(session, actor, second, [])


async def test_common_password_is_refused(own_resources: Resources) -> None:
    async with own_resources.database.write() as session:
        with pytest.raises(ValidationFailed) as refused:
            await user_service.create_first_administrator(session, "a@b.example", "password123")
    assert refused.value.code == "password.too_common"


def test_checks() -> None:
    actor = Actor(ActorKind.USER, id=1, role=Role.ADMIN, permissions=("orders:read:any",))
    permission_service.check_permission(actor, "orders:read:any")
    permission_service.check_specific_or_any_permission(actor, "orders:decide:any", "orders:read:any")
    with pytest.raises(PermissionDenied):
        permission_service.check_permission(actor, "orders:decide:any")
    with pytest.raises(PermissionDenied):
        permission_service.check_specific_or_any_permission(actor, "orders:decide:any", "users:read:any")
