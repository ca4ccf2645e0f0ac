"""Whether the rows by which people sign in are as the portal wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from portal.access import grants
from portal.operations.doctor.finding import Finding, well, wrong

CHECK = "ways to sign in"
MOST = 10_000
"""Of one kind at each look, others each time: a look must not take minutes. `manage.py grants list` takes all."""


def rows() -> Iterator[Finding]:
    found = Counter(kind.name for kind in grants.kinds() for _ in grants.unfit(kind, MOST))
    if not found:
        yield well(CHECK, "The rows by which people sign in are as the portal wrote them.")
        return
    named = ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
    yield wrong(
        CHECK,
        f"{found.total()} rows are not as the portal wrote them, and let nobody in ({named}).",
        "Somebody wrote the database; or a backup of it or of the keyring was put back, or an older version ran beside "
        "this one.",
        "manage.py grants list shows them. Drop what you do not know, and find out who wrote it; seal what you know "
        "(docs/threat-model.md).",
    )
