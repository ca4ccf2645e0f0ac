"""Whether the rows by which people sign in, and mail servers hand mail in, are as the portal wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from portal.access import grants
from portal.ingest.granted import KIND as CONNECTOR
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.operations.doctor.finding import Finding, notice, well, wrong

CHECK, DOOR, RENEWAL = "ways to sign in", "connectors", "secret of seals"
MOST = 10_000
"""Of one kind at each look, others each time: a look must not take minutes. `manage.py grants list` takes all."""
_WHY = (
    "Somebody wrote the database; or a backup of it or of the keyring was put back, or an older version ran beside "
    "this one."
)
_MEND = (
    "manage.py grants list shows them. Drop what you do not know, and find out who wrote it; seal what you know "
    "(docs/threat-model.md)."
)


def rows() -> Iterator[Finding]:
    found = Counter(kind.name for kind in grants.kinds() if kind is not CONNECTOR for _ in grants.unfit(kind, MOST))
    if not found:
        yield well(CHECK, "The rows by which people sign in are as the portal wrote them.")
        return
    named = ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
    yield wrong(
        CHECK, f"{found.total()} rows are not as the portal wrote them, and let nobody in ({named}).", _WHY, _MEND
    )


def renewal() -> Iterator[Finding]:
    if keys().grants.is_renewing():
        yield notice(
            RENEWAL,
            "The secret of their seals is being renewed, or the command was cut short.",
            "Until it is finished both secrets count, also the one that was to be ended.",
            "manage.py grants renew --yes goes on with it.",
        )


def connectors() -> Iterator[Finding]:
    count, strange = CONNECTOR.model._default_manager.count(), sum(1 for _ in grants.unfit(CONNECTOR))
    if strange:
        said = f"{strange} of {count} connectors are not as the portal wrote them, and no mail comes by them."
        yield wrong(DOOR, said, _WHY, _MEND)
        return
    try:
        unposted = grants.unposted()
    except KeysError as error:
        yield wrong(DOOR, "The list that says which of them count cannot be read.", str(error), "manage.py prepare")
        return
    if unposted:
        yield wrong(
            DOOR,
            f"{unposted} connectors or brands are not on the list that says which count, and count as absent.",
            "Somebody took them off the list in the keyring, or a keyring of before was put back.",
            "manage.py prepare puts them there again.",
        )
    else:
        yield well(DOOR, "The connectors are as the portal wrote them.")
