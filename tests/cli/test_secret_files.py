from pathlib import Path

from typer.testing import CliRunner

from jivapay.cli.main import app
from jivapay.config.settings import Settings
from jivapay.config.start_checks import migration_refusals, refusals
from jivapay.embedded.home import APPLICATION_SECRETS

NAMES = {
    *(name.lower() for name in APPLICATION_SECRETS),
    *("database_owner_password", "database_password", "valkey_password", "jivapay_admin_password"),
    *("database_owner_url", "database_url", "redis_url"),
}


def made(folder: Path, *options: str) -> dict[str, str]:
    done = CliRunner().invoke(app, ["secrets", str(folder), *options], catch_exceptions=False)
    assert done.exit_code == 0
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert [value for value in found.values() if value in done.output] == []
    return found


def test_production_takes_them(tmp_path: Path) -> None:
    found = made(tmp_path / "secrets")
    assert set(found) == NAMES
    assert {(path.stat().st_mode & 0o777) for path in (tmp_path / "secrets").iterdir()} == {0o400}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    given = {name: value for name, value in found.items() if name in Settings.model_fields}
    rest = {"env": "production", "public_base_url": "https://pay.jivapay-test.net", "storage_dir": "/srv/receipts"}
    settings = Settings.model_validate(given | rest)
    paths = {f"{name.upper()}_FILE": str(tmp_path / "secrets" / name) for name in given}
    assert refusals(settings, paths) == []
    assert migration_refusals(settings) == []


def test_what_is_there_is_kept_and_completed(tmp_path: Path) -> None:
    (tmp_path / "database_password").write_text("of-the-managed-server\n", encoding="utf-8")
    (tmp_path / "redis_url").write_text("rediss://managed:6380/0", encoding="utf-8")
    first = made(tmp_path, "--postgres", "db.internal:5433")
    assert first["database_url"].endswith("//jivapay_app:of-the-managed-server" + "@db.internal:5433/jivapay")
    assert first["database_owner_password"] in first["database_owner_url"]
    assert first["redis_url"] == "rediss://managed:6380/0"
    assert made(tmp_path, "--postgres", "elsewhere") == first


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["secrets", str(tmp_path / "file")])
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
