"""What the environment says: connections, secrets and the mode. Values an operator changes while it runs
live in `configuration_settings` instead (`config/business_settings.py`). Source: CFG-01 to CFG-08, CFG-22.

Every variable may be given as `NAME_FILE`, a path to a mounted secret.
"""

import os
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Self
from uuid import UUID

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jivapay.config.plaintext import LOOPBACK_NETS
from jivapay.schemas_enums.enums import PayoutExecutor


class WrongSetting(ValueError):
    """The message names the variable, and never its value."""


class Environment(StrEnum):
    """Where the process runs; `development` unless said otherwise, and then loopback only."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class PayoutsAccess(StrEnum):
    KEY = "key"
    """Only with a store's API key of the scope `payouts`."""
    INTERNAL = "internal"
    """Also without one, from `PAYOUTS_INTERNAL_NETWORKS`, as the service's document shows it."""


class Settings(BaseSettings):
    """One field a variable. Secrets are `SecretStr`, so that no log and no repr shows them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    env: Environment = Environment.DEVELOPMENT
    """`development` (loopback only), `test` or `production` (refuses unsafe settings)."""
    log_level: str = "INFO"
    """`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."""
    public_base_url: str = "http://127.0.0.1:8080"
    """Where customers reach the platform; payment links begin with it."""

    database_url: SecretStr | None = None
    """The application's own role; owns no table."""
    database_owner_url: SecretStr | None = None
    """The role that owns the tables, for what migrates; the application's when unset, refused in production."""
    database_ca_file: Path | None = None
    """Certificates (PEM) of the authorities whose word counts for a database outside `plaintext_nets`; the system's
    when unset."""
    database_pool_size: int = Field(default=8, ge=1, le=64)
    """Connections of each process."""
    redis_url: SecretStr | None = None
    """Valkey or Redis: broker, rate limits, hints."""
    celery_broker_url: SecretStr | None = None
    """A broker of its own; `redis_url` when unset."""

    storage_dir: Path | None = None
    """Where receipts lie when no bucket is set."""
    s3_bucket_name: str | None = None
    """The bucket for receipts."""
    s3_endpoint_url: str | None = None
    """The object store's address; AWS when unset."""
    s3_region: str = "us-east-1"
    """The bucket's region."""
    s3_access_key: SecretStr | None = None
    """Who signs requests to the bucket."""
    s3_secret_key: SecretStr | None = None
    """What the requests are signed with."""

    secret_key: SecretStr | None = None
    """Signs access tokens."""
    algorithm: str = "HS256"
    """How access tokens are signed: `HS256`, `HS384` or `HS512`."""
    access_token_expire_minutes: int = Field(default=10, ge=1, le=60)
    """How long an access token is good for."""
    data_keys: SecretStr | None = None
    """`keyid:base64[,keyid:base64…]`, 32 bytes each; the first encrypts, the others still decrypt."""
    proof_keys: SecretStr | None = None
    """Like `data_keys`: the seeds of Ed25519 keys; the first signs the heads of days, the others are still known."""
    blind_index_key: SecretStr | None = None
    """Finds encrypted numbers without decrypting them."""
    api_key_pepper: SecretStr | None = None
    """Keys the hashes of API keys."""

    trusted_proxies: str = ""
    """CIDRs, separated by commas, whose forwarding headers are believed."""
    plaintext_nets: str = LOOPBACK_NETS
    """CIDRs to which plain connections (database, broker, storage) are allowed."""
    jivapay_callback_allow_nets: str = ""
    """CIDRs that callbacks may reach although they are not public; refused in production."""
    api_docs: bool | None = None
    """Whether `/docs` and `/openapi.json` are served; unset: everywhere but in production."""
    sentry_dsn: SecretStr | None = None
    """Where errors are reported; nowhere when unset."""

    payouts_access: PayoutsAccess = PayoutsAccess.KEY
    """Whether the payouts service may be called without a key; production refuses `internal`."""
    payouts_internal_networks: str = ""
    """CIDRs of the direct peers that call it without a key."""
    payouts_internal_store: UUID | None = None
    """Whose payouts those peers see and make."""
    payouts_executor: PayoutExecutor = PayoutExecutor.MANUAL
    """Who carries new payout requests out: somebody else (`manual`), the platform's traders (`jivapay`) or nobody
    (`sandbox`, which production refuses)."""

    jivapay_admin_email: str | None = None
    """The first administrator, made when the platform is seeded."""
    jivapay_admin_password: SecretStr | None = None
    """His initial password, which only allows changing it; generated and shown once when unset."""
    jivapay_home: Path | None = None
    """Where embedded servers keep their data; `./var` when unset."""
    jivapay_alive_path: Path | None = None
    """Touched every few seconds by a worker, relay or scheduler that turns; its age is a liveness probe."""

    @field_validator("algorithm")
    @classmethod
    def _known_algorithm(cls, value: str) -> str:
        if value not in {"HS256", "HS384", "HS512"}:
            raise ValueError("must be one of HS256, HS384, HS512")
        return value

    @model_validator(mode="after")
    def _internal_access_is_whole(self) -> Self:
        for part in filter(None, (part.strip() for part in self.payouts_internal_networks.split(","))):
            ip_network(part)
        if self.payouts_access is PayoutsAccess.INTERNAL and not (
            self.payouts_internal_networks.strip() and self.payouts_internal_store
        ):
            raise ValueError("PAYOUTS_ACCESS=internal needs PAYOUTS_INTERNAL_NETWORKS and PAYOUTS_INTERNAL_STORE")
        return self

    @classmethod
    def load(cls) -> Self:
        """Read the environment, following `NAME_FILE`. Raises pydantic's ValidationError, WrongSetting."""
        given: dict[str, str] = {}
        for name in cls.model_fields:
            path = os.environ.get(f"{name.upper()}_FILE")
            if path and name.upper() not in os.environ:
                given[name] = _read_secret(f"{name.upper()}_FILE", Path(path))
        return cls(**given)  # type: ignore[arg-type]  # pydantic converts each field from its text

    @property
    def is_production(self) -> bool:
        return self.env is Environment.PRODUCTION

    @property
    def serves_api_docs(self) -> bool:
        return not self.is_production if self.api_docs is None else self.api_docs

    @property
    def broker_url(self) -> str:
        return _required(self.celery_broker_url or self.redis_url, "REDIS_URL")

    @property
    def async_database_url(self) -> str:
        return asyncpg_url(_required(self.database_url, "DATABASE_URL"))

    @property
    def async_database_owner_url(self) -> str:
        return asyncpg_url(_required(self.database_owner_url or self.database_url, "DATABASE_URL"))


def asyncpg_url(url: str) -> str:
    """Any of `postgres://`, `postgresql://`, `postgresql+x://` as SQLAlchemy's asyncpg URL."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise WrongSetting("DATABASE_URL must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise WrongSetting(f"{name}: {path} cannot be read: {reason}") from error


def _required(value: SecretStr | None, name: str) -> str:
    if value is None:
        raise WrongSetting(f"{name} is not set")
    return value.get_secret_value()


@lru_cache
def get_settings() -> Settings:
    """The process's settings, read once. `get_settings.cache_clear()` after the environment changed."""
    return Settings.load()
