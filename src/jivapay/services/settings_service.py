"""Writing the business settings: refused when malformed, kept with who changed what, audited (CFG-09 to CFG-15).

The one writer of `configuration_settings`; `utils/config_loader.py` reads, and sees a change within five seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from jivapay.config.business_settings import parse_setting, render_setting, setting_fields
from jivapay.database.models.reference import ConfigurationSetting, ConfigurationSettingHistory
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound, ValidationFailed
from jivapay.schemas_enums.enums import ActorKind
from jivapay.services import audit_service
from jivapay.utils.resources import Resources


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as people see it, values as text."""

    key: str
    value: str
    default: str
    description: str
    updated_at: datetime | None
    """None where no row says otherwise than the default."""


async def list_settings(session: AnySession) -> list[SettingView]:
    """Every setting there is, by name. A malformed value is shown as it stands in the table."""
    rows = {row.key: row for row in await session.scalars(select(ConfigurationSetting))}
    return [_view(key, rows.get(key)) for key in sorted(setting_fields())]


async def change_setting(resources: Resources, actor: Actor, key: str, value: str) -> SettingView:
    """`set_setting` in a transaction of its own; this process sees it at once. Raises as that."""
    async with resources.database.write() as session:
        await set_setting(session, actor, key, value)
        row = await session.get(ConfigurationSetting, key, populate_existing=True)
        view = _view(key, row)
    resources.config.forget()
    return view


def _view(key: str, row: ConfigurationSetting | None) -> SettingView:
    default = render_setting(setting_fields()[key].get_default())
    value, updated_at = (default, None) if row is None else (row.value, row.updated_at)
    return SettingView(key, value, default, _description(key), updated_at)


async def set_setting(session: WriteSession, actor: Actor, key: str, value: str) -> bool:
    """Give a setting the value that `value` is the text of; whether that changed it. Locks the row.

    Raises NotFound for an unknown key, ValidationFailed `config.out_of_range`.
    """
    text = _canonical(key, value)
    row = await session.scalar(
        select(ConfigurationSetting)
        .where(ConfigurationSetting.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    before = None if row is None else row.value
    if before == text:
        return False
    user_id = actor.id if actor.kind is ActorKind.USER else None
    changed = {"value": text, "updated_by": user_id, "updated_at": func.app_now()}
    await session.execute(
        insert(ConfigurationSetting)
        .values({"key": key, "description": _description(key), **changed})
        .on_conflict_do_update(index_elements=[ConfigurationSetting.key], set_=changed)
    )
    session.add(ConfigurationSettingHistory(key=key, old_value=before, new_value=text, changed_by=user_id))
    await session.flush()
    details = {"key": key, "before": before, "after": text}
    await audit_service.log_event(session, actor, "setting.changed", entity="configuration_setting", details=details)
    return True


async def set_settings(session: WriteSession, actor: Actor, values: Mapping[str, Any]) -> list[str]:
    """Several at once, given as values and not as text; the keys that changed. Raises as `set_setting`."""
    return [
        key for key, value in sorted(values.items()) if await set_setting(session, actor, key, render_setting(value))
    ]


async def add_missing_settings(session: WriteSession) -> int:
    """A row with its default for every setting that has none; how many were missing. What is there stays."""
    rows = [
        {"key": key, "value": render_setting(field.get_default()), "description": field.description or ""}
        for key, field in setting_fields().items()
    ]
    added = await session.scalars(
        insert(ConfigurationSetting).values(rows).on_conflict_do_nothing().returning(ConfigurationSetting.key)
    )
    return len(added.all())


def _canonical(key: str, value: str) -> str:
    try:
        parsed = parse_setting(key, value)
    except KeyError:
        raise NotFound(f"There is no setting {key}.") from None
    except ValueError:
        raise ValidationFailed.at("body", "value", code="config.out_of_range") from None
    # 1E+3 and 1000 are one amount, and the table is read by people.
    return f"{parsed:f}" if isinstance(parsed, Decimal) else render_setting(parsed)


def _description(key: str) -> str:
    return setting_fields()[key].description or ""
