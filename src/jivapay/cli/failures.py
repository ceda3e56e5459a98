"""One clear line instead of a traceback: what a person at the terminal can do something about.

Defects of ours keep their traceback. Exit codes: 2 for what is configured or available wrongly, 1 for a command that
ran and found something wrong.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError

from pydantic import ValidationError

from jivapay.config.settings import Settings, WrongSetting
from jivapay.embedded import EmbeddedError

EXIT_FOUND = 1
EXIT_UNUSABLE = 2


class CommandFailure(Exception):
    """A command cannot go on; the message is the line to show."""

    def __init__(self, message: str, exit_code: int = EXIT_UNUSABLE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def clear_line() -> Iterator[None]:
    """The outermost shell of every command and of every process of `up`. Leaves by SystemExit."""
    try:
        yield
    except CommandFailure as failure:
        _leave(str(failure), failure.exit_code)
    except EmbeddedError as error:
        _leave(str(error))
    except SSLCertVerificationError as error:  # all others are their own libraries' errors
        _leave(f"the database's certificate is not believed ({error.verify_message}): see DATABASE_CA_FILE")
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        _leave(wrong_settings(error))
    except WrongSetting as error:
        _leave(f"wrong setting: {error}")
    except Exception as error:
        from jivapay.utils.failures import failure_of

        known = failure_of(error)
        if known is None:
            raise
        _leave(known.detail)


def wrong_settings(error: ValidationError) -> str:
    """Which variables are wrong and why. Never their values: they may be secrets."""
    found = (f"{'.'.join(map(str, one['loc'])).upper() or 'settings'}: {one['msg']}" for one in error.errors())
    return f"wrong setting: {'; '.join(found)}"


def _leave(message: str, exit_code: int = EXIT_UNUSABLE) -> None:
    for line in message.splitlines():
        sys.stderr.write(f"jivapay: {line}\n")
    raise SystemExit(exit_code)
