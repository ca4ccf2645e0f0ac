"""What our management commands share: no checks that slow a start, and refusals as one sentence without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError

from portal.audit.errors import AuditError
from portal.delivery.errors import DeliveryError
from portal.ingest.errors import IngestError
from portal.keys.errors import KeysError
from portal.lifecycle.errors import LifecycleError
from portal.operations.errors import OperationsError
from portal.rules.errors import RulesError
from portal.vault.errors import VaultError

_OURS = (
    AuditError, DeliveryError, IngestError, KeysError, LifecycleError, OperationsError, RulesError, VaultError,
)  # fmt: skip


@contextmanager
def sentences() -> Iterator[None]:
    """Ends the program with exit status 1 and the sentence of what went wrong."""
    try:
        yield
    except (
        OperationsError,
        AuditError,
        RulesError,
        DeliveryError,
        IngestError,
        KeysError,
        LifecycleError,
        VaultError,
    ) as error:
        sys.exit(str(error))
    except DatabaseError as error:
        sys.exit(_of_database(error))


def _of_database(error: DatabaseError) -> str:
    # Only now: what it needs would slow every start.
    from portal.operations.health import pending

    with suppress(DatabaseError, OSError):
        if pending():
            return "The database (LETTERLOCK_DATABASE_URL) is older than this program. Run: manage.py prepare."
    return (
        f"The database (LETTERLOCK_DATABASE_URL) cannot be used ({type(error).__name__}). "
        "Start it, or mend the setting."
    )
