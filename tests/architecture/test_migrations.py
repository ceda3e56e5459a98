"""Migrations stand in one line: numbered without a gap, each after the one before, named by its number."""

import re

from architecture.house import SOURCE

VERSIONS = SOURCE / "database" / "migrations" / "versions"
FIELD = re.compile(r'^(revision|down_revision) = (?:"(\d{4})"|None)$', re.MULTILINE)


def test_one_line_of_revisions() -> None:
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    found = [(path.name[:4], dict(FIELD.findall(path.read_text()))) for path in files]
    wanted = [f"{number:04}" for number in range(len(files) + 1)]
    assert [(name, fields["revision"]) for name, fields in found] == [(name, name) for name in wanted[1:]]
    assert [fields["down_revision"] or "0000" for _, fields in found] == wanted[:-1]
