import pytest
from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings, parse_setting, setting_fields
from jivapay.database.models.records import AuditLog
from jivapay.database.models.reference import ConfigurationSetting, ConfigurationSettingHistory
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound, ValidationFailed
from jivapay.services import settings_service
from jivapay.utils.resources import Resources

SYSTEM = Actor.system("tests")


async def stored(resources: Resources, key: str) -> str | None:
    async with resources.database.read() as session:
        return await session.scalar(select(ConfigurationSetting.value).where(ConfigurationSetting.key == key))


async def history(resources: Resources, key: str) -> list[tuple[str | None, str]]:
    async with resources.database.read() as session:
        rows = await session.scalars(
            select(ConfigurationSettingHistory)
            .where(ConfigurationSettingHistory.key == key)
            .order_by(ConfigurationSettingHistory.id)
        )
        return [(row.old_value, row.new_value) for row in rows]


async def test_every_setting_gets_a_row_once_and_keeps_it(own_resources: Resources) -> None:
    async with own_resources.database.write() as session:
        await settings_service.set_setting(session, SYSTEM, "MAX_ORDER_RETRIES", "7")
        added = await settings_service.add_missing_settings(session)
    assert added == len(setting_fields()) - 1
    async with own_resources.database.write() as session:
        assert await settings_service.add_missing_settings(session) == 0
        rows = dict((await session.execute(select(ConfigurationSetting.key, ConfigurationSetting.value))).all())
    read = BusinessSettings(**{key.lower(): parse_setting(key, value) for key, value in rows.items()})
    assert read == BusinessSettings(max_order_retries=7)


async def test_a_change_is_kept_with_its_history_and_audited(own_resources: Resources) -> None:
    database = own_resources.database
    for value, changed in (("60", True), ("60", False), ("90", True)):
        async with database.write() as session:
            assert await settings_service.set_setting(session, SYSTEM, "CLIENT_PAY_SECONDS", value) is changed
    assert await stored(own_resources, "CLIENT_PAY_SECONDS") == "90"
    assert await history(own_resources, "CLIENT_PAY_SECONDS") == [(None, "60"), ("60", "90")]
    async with database.read() as session:
        details = (await session.scalars(select(AuditLog.details).where(AuditLog.action == "setting.changed"))).all()
    assert [(found["key"], found["before"], found["after"]) for found in details] == [
        ("CLIENT_PAY_SECONDS", None, "60"),
        ("CLIENT_PAY_SECONDS", "60", "90"),
    ]
    own_resources.config.forget()
    assert (await own_resources.config.current()).client_pay_seconds == 90


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CLIENT_PAY_SECONDS", "4"),
        ("CLIENT_PAY_SECONDS", "soon"),
        ("FOUR_EYES_AMOUNT", "0"),
        ("RATE_LIMIT_PAGE", "often"),
        ("TOTP_REQUIRED_ROLES", "admin,cleaner"),
        ("FRAUD_DENY_THRESHOLD", '{"RUB": "-1"}'),
    ],
)
async def test_a_malformed_value_changes_nothing(own_resources: Resources, key: str, value: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        async with own_resources.database.write() as session:
            await settings_service.set_setting(session, SYSTEM, key, value)
    assert [error.code for error in raised.value.errors] == ["config.out_of_range"]
    assert await stored(own_resources, key) is None
    assert await history(own_resources, key) == []


async def test_an_unknown_setting_is_not_found(own_resources: Resources) -> None:
    with pytest.raises(NotFound):
        async with own_resources.database.write() as session:
            await settings_service.set_setting(session, SYSTEM, "NO_SUCH_SETTING", "1")


async def test_values_are_kept_in_one_spelling(own_resources: Resources) -> None:
    async with own_resources.database.write() as session:
        assert await settings_service.set_setting(session, SYSTEM, "FOUR_EYES_AMOUNT", "1E+3")
        assert await settings_service.set_setting(session, SYSTEM, "TOTP_REQUIRED_ROLES", "admin, trader")
        assert not await settings_service.set_setting(session, SYSTEM, "TOTP_REQUIRED_ROLES", "admin,trader")
        changed = await settings_service.set_settings(
            session, SYSTEM, {"TOTP_REQUIRED_ROLES": (), "FOUR_EYES_AMOUNT": 1000, "SESSION_TTL_SECONDS": 30}
        )
    assert changed == ["SESSION_TTL_SECONDS", "TOTP_REQUIRED_ROLES"]
    assert await stored(own_resources, "FOUR_EYES_AMOUNT") == "1000"
    assert await stored(own_resources, "TOTP_REQUIRED_ROLES") == ""
