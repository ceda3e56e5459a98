"""Reading the business settings: cached for five seconds, never failing open (CFG-16 to CFG-20).

Only reads; `settings_service` writes. A malformed value keeps the last good one and is reported once.
"""

import time

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings, parse_setting
from jivapay.config.logger import get_logger
from jivapay.database.models.reference import ConfigurationSetting
from jivapay.database.session import Database
from jivapay.exceptions import ConfigurationError
from jivapay.utils.notifications import report_critical_error

logger = get_logger(__name__)

CACHE_SECONDS = 5.0


class ConfigLoader:
    """One per process. `current()` is what use cases call, before they open their transaction."""

    def __init__(self, database: Database, *, cache_seconds: float = CACHE_SECONDS) -> None:
        self._database = database
        self._cache_seconds = cache_seconds
        self._settings = BusinessSettings()
        self._read_at: float | None = None
        self._reported: set[tuple[str, str]] = set()

    async def current(self) -> BusinessSettings:
        """The settings as they are now, at most five seconds old."""
        if self._read_at is None or time.monotonic() - self._read_at >= self._cache_seconds:
            async with self._database.read() as session:
                rows = (await session.execute(select(ConfigurationSetting.key, ConfigurationSetting.value))).all()
            self._settings = self._merge(dict(rows))
            self._read_at = time.monotonic()
        return self._settings

    def forget(self) -> None:
        """Read anew at the next call."""
        self._read_at = None

    def _merge(self, rows: dict[str, str]) -> BusinessSettings:
        good = {}
        for key, value in rows.items():
            try:
                good[key.lower()] = parse_setting(key, value)
            except KeyError:
                continue
            except ValueError as error:
                good[key.lower()] = getattr(self._settings, key.lower())
                self._report(key, value, error)
        return BusinessSettings().model_copy(update=good)

    def _report(self, key: str, value: str, error: ValueError) -> None:
        if (key, value) in self._reported:
            return
        self._reported.add((key, value))
        report_critical_error(ConfigurationError(f"setting {key} is malformed: {error}"), "configuration_settings")
