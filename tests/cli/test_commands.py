"""Every command explains itself, and says in one line what is wrong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jivapay.cli.main import app
from jivapay.embedded import Stack

GIVEN_BY_TESTS = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET_NAME", "STORAGE_DIR", "JIVAPAY_HOME", "ENV")


def commands(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def all_commands() -> list[tuple[str, ...]]:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    return list(commands(root))


def jivapay(
    *arguments: str, env: dict[str, str] | None = None, seconds: float = 60, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name not in GIVEN_BY_TESTS} | (env or {})
    return subprocess.run(
        [sys.executable, "-m", "jivapay", *arguments],
        env=surroundings,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def test_the_commands_are_those_of_the_documentation() -> None:
    assert set(all_commands()) >= {
        ("up",),
        ("serve",),
        ("worker",),
        ("relay",),
        ("scheduler",),
        ("check",),
        ("reconcile",),
        ("unfreeze",),
        ("tasks", "failed"),
        ("tasks", "requeue"),
        ("db", "upgrade"),
        ("db", "current"),
        ("db", "seed"),
        ("rate", "set"),
        ("rate", "show"),
        ("user", "create"),
    }


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_help_of(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    assert "Usage: " in shown.output
    command = typer.main.get_command(app)
    for name in path:
        assert isinstance(command, typer.core.TyperGroup)
        command = command.commands[name]
    assert command.help
    for option in command.params:
        assert getattr(option, "help", None), f"{' '.join(path)}: {option.name} explains nothing"


@pytest.mark.parametrize(
    ("arguments", "env", "line"),
    [
        pytest.param(
            ["up"],
            {"DATABASE_POOL_SIZE": "many"},
            "jivapay: wrong setting: DATABASE_POOL_SIZE: Input should be a valid integer",
            id="setting",
        ),
        pytest.param(["worker"], {"ENV": "staging"}, "jivapay: wrong setting: ENV: Input should be", id="mode"),
        pytest.param(
            ["check"],
            {"ALGORITHM": "none"},
            "jivapay: wrong setting: ALGORITHM: Value error, must be one of HS256",
            id="algorithm",
        ),
        pytest.param(
            ["check"],
            {"SECRET_KEY_FILE": "/nowhere"},
            "jivapay: wrong setting: SECRET_KEY_FILE: /nowhere cannot be read: No such file or directory",
            id="mounted secret",
        ),
        pytest.param(
            ["check"],
            {"DATABASE_URL": "mysql://x/y"},
            "jivapay: wrong setting: DATABASE_URL must begin with postgresql://",
            id="another database",
        ),
        pytest.param(["up", "--host", "0.0.0.0"], {}, "jivapay: ENV is development", id="open development"),  # noqa: S104
        pytest.param(["serve", "admin", "--host", "::"], {}, "jivapay: ENV is development", id="open server"),
        pytest.param(["worker", "--queues", "spam"], {}, "jivapay: there is no queue spam", id="queue"),
        pytest.param(["check", "--home", "/nowhere/at/all"], {}, "jivapay: there is no data in /nowhere", id="no data"),
        pytest.param(["rate", "set", "USDT", "92.50"], {}, "jivapay: 'USDT' is not a pair like", id="pair"),
        pytest.param(["rate", "set", "USDT/RUB", "1e2"], {}, "jivapay: '1e2' is not a rate like", id="rate"),
        pytest.param(["relay"], {}, "jivapay: ", id="no connections"),
        pytest.param(
            ["db", "upgrade", "--home", "/proc/1/home"], {}, "jivapay: cannot use /proc/1/home as home", id="home"
        ),
    ],
)
def test_what_is_wrong_takes_one_line(arguments: list[str], env: dict[str, str], line: str) -> None:
    done = jivapay(*arguments, env=env)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_value_of_a_wrong_setting_is_not_shown() -> None:
    done = jivapay("up", env={"DATABASE_POOL_SIZE": "s3cret"})
    assert "s3cret" not in done.stderr


def test_production_says_everything_that_is_unsafe() -> None:
    done = jivapay("relay", env={"ENV": "production"})
    lines = done.stderr.splitlines()
    assert done.returncode == 78
    assert "jivapay: not started in production: DATABASE_URL is not set" in lines
    assert "jivapay: not started in production: SECRET_KEY is not set" in lines


def test_a_second_up_names_the_first(tmp_path: Path) -> None:
    with Stack(tmp_path / "home", need_postgres=False, need_valkey=False):
        done = jivapay("up", "--home", str(tmp_path / "home"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"jivapay: already running on {tmp_path / 'home'} (pid {os.getpid()})")
    assert done.stderr.count("\n") == 1


def test_byte_code_goes_home_where_python_may_write_none_beside_the_sources(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from jivapay.cli.environment import keep_byte_code;"
        "keep_byte_code(pathlib.Path(sys.argv[1])); import colorsys"
    )
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path / "nothing")}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "home")], env=env, check=True)
    assert len(list((tmp_path / "home" / "bytecode").rglob("colorsys.*.pyc"))) == 1
    assert not (tmp_path / "nothing").exists()
