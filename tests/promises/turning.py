"""The workers' wheel turned once, in a process of its own that a test may kill: pipeline, then what is due to leave.

Prints the state of every mail and how often it was sealed, as JSON.
"""

from __future__ import annotations

import json
import os

import django


def turn() -> None:
    """Until nothing is left to do; Django is set up."""
    from portal.audit.models import Entry
    from portal.delivery.sending import send_due
    from portal.ingest.models import Spooled
    from portal.ingest.pipeline import process

    while process() + send_due(["notice", "reply", "relay", "passcode"]):
        pass
    sealed = Entry.objects.filter(kind="message.sealed")
    print(
        json.dumps({str(row.id): [row.state, sealed.filter(message=row.id).count()] for row in Spooled.objects.all()})
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    turn()
