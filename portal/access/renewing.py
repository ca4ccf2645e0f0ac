"""A new secret for the seals of rows that grant: all are sealed anew while the portal runs, then the old one goes.

Hosts keep what they opened of the keyring for some minutes. So the new secret is first accepted everywhere, then seals,
then what other hosts sealed under the old one meanwhile is sealed anew as well. Cut short at any point, it goes on from
there when it is called again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy

from django.db import transaction

from portal.access import grants
from portal.access.grants import Kind
from portal.audit.record import COMMAND_LINE, record
from portal.keys.service import keys


def renew(settle: float, say: Callable[[str], None], wait: Callable[[float], None] | None = None) -> int:
    """Renew the secret; how many rows were sealed anew by this call. `settle` is the longest time, in seconds, for
    which any host keeps what it opened. Raises KeysError: call it again.
    """
    held, wait = keys().grants, wait or time.sleep
    with transaction.atomic():
        if held.begin_renewal():
            record("grants.renewing", by=COMMAND_LINE)
    say(f"The new secret is there. Waiting {settle:.0f} s until every host accepts it.")
    wait(settle)
    held.use_new()
    count = sum(map(_seal_anew, grants.kinds()))
    say(f"{count} rows are sealed anew. Waiting {settle:.0f} s until no host seals under the old secret any more.")
    wait(settle)
    count += sum(map(_seal_anew, grants.kinds()))
    with transaction.atomic():
        record("grants.renewed", rows=count, by=COMMAND_LINE)
        held.finish_renewal()
    return count


def _seal_anew(kind: Kind) -> int:
    """Seal the rows of a kind that are whole under the old secret; how many. Others stay as they are."""
    numbers, count = list(grants.rows_of(kind).values_list("pk", flat=True)), 0
    for start in range(0, len(numbers), grants.PIECE):
        with transaction.atomic():
            found = grants.rows_of(kind).filter(pk__in=numbers[start : start + grants.PIECE])
            rows = [row for row in found.select_for_update(of=("self",)) if grants.is_under_old(row)]
            before = [copy(row) for row in rows]
            if rows:
                grants.write_seals(kind, rows)
            if rows and kind.posted:
                grants.post(*rows)
        # After the transaction, unlike elsewhere: nothing was taken away here, and cut short before it was written it
        # would shut people out for good. What is ended is a copy of a row that says the same.
        if before:
            grants.end(*before)
        count += len(rows)
    return count
