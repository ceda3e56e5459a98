"""Changing one's own password: the old one proves the person, the others' sessions end (reliability 4.D, D09)."""

from sqlalchemy import func, update

from jivapay.config.crypto import hash_password
from jivapay.database.models.people import User
from jivapay.domain.actors import Actor
from jivapay.domain.password_rules import find_password_problem
from jivapay.exceptions import ValidationFailed
from jivapay.services import audit_service, session_service
from jivapay.services.user_service.sign_in import prove
from jivapay.utils.resources import Resources


async def change_password(
    resources: Resources, actor: Actor, *, current: str, new: str, otp: str | None = None
) -> None:
    """Ends every other session of the user.

    Raises ValidationFailed `password.*`, and as `authenticate_user` when the current one is wrong.
    """
    problem = find_password_problem(new)
    if problem is None and new == current:
        problem = "password.unchanged"
    if problem is not None:
        raise ValidationFailed.at("body", "new_password", code=problem)
    user = await prove(resources, actor, password=current, otp=otp)
    hashed = await hash_password(new)
    async with resources.database.write() as session:
        await session.execute(
            update(User)
            .where(User.id == user.id)
            .values(password_hash=hashed, must_change_password=False, updated_at=func.app_now())
        )
        await session_service.end_all(session, user.id, but=actor.session_id)
        await audit_service.log_event(session, actor, "auth.password_changed", entity="user", entity_id=user.id)
