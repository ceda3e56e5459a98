"""Errors as a database driver raises them."""


class _Refused(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def sqlstate_error(code: str) -> Exception:
    """For `DBAPIError(statement, parameters, sqlstate_error("23514"))`."""
    return _Refused(code)
