"""What a test of backups asks of one installation, in a process of its own with that installation's settings.

The argument is a JSON list of steps; printed is the JSON list of their answers. Without one, each line that is read is
such a list, and answered by a process of its own that holds no opened key from before: what costs most is to load
Django, once for all of them. Steps: ["seal", SUBJECT, SIZE] a mail
for Jonas and Karin, with a file of SIZE bytes, gives its id; ["process"] runs the pipeline; ["open"] gives for every
message and address the SHA-256 of the file, or why it does not open; ["extend", ID, DAYS] lets it close that many days
later, or never (null);
["due", DAYS] destroys what is due that many days from now; ["rotate"] makes new generations of all epochs, moves every
wrap, and makes a new root version.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import sys
from datetime import timedelta

import django


def seal(subject: str, size: int) -> str:
    from portal.ingest import pipeline, spool
    from portal.ingest.models import Spooled
    from tests.mails import JONAS, KARIN, MAYA, mail

    content = random.Random(subject).randbytes(size)
    raw = mail(f"[secure] {subject}", "Dear both.", files=[("scan.bin", "application/octet-stream", content)])
    writer = spool.SpoolWriter.begin(
        spool.Envelope(sender=MAYA, recipients=(JONAS, KARIN), source="smtp", trusted=True), len(raw)
    )
    writer.write(raw)
    id_ = writer.commit()
    pipeline.process()
    assert Spooled.objects.get(pk=id_).state == Spooled.State.DONE
    return str(id_)


def process() -> int:
    from portal.ingest import pipeline

    return pipeline.process()


def open_all() -> dict[str, dict[str, str]]:
    from portal.vault import readers
    from portal.vault.models import Message, Reader
    from portal.vault.opening import open_message

    found: dict[str, dict[str, str]] = {}
    for reader in Reader.objects.select_related("message__brand").exclude(role=Reader.Role.AUTHOR):
        # A copy taken before says that it is open, and whoever holds the copy can write what they like into it.
        Message.objects.filter(pk=reader.message_id).update(state=Message.State.OPEN)
        try:
            opened = open_message(reader)
            told = hashlib.sha256(b"".join(opened.chunks(opened.toc.files[0]))).hexdigest()
        except Exception as error:
            told = type(error).__name__
        found.setdefault(str(reader.message_id), {})[readers.address_of(reader)] = told
    return found


def extend(id_: str, days: int | None) -> None:
    from uuid import UUID

    from portal.lifecycle.changing import change_date
    from portal.vault.models import Message

    until = Message.objects.get(pk=id_).open_until
    assert until is not None
    change_date(UUID(id_), None if days is None else until + timedelta(days=days))


def due(days: float) -> str:
    from django.utils import timezone

    from portal.vault.destroying import destroy_due

    return repr(destroy_due(timezone.now() + timedelta(days=days)))


def rotate() -> None:
    from django.utils import timezone

    from portal.keys.renewing import renew_root
    from portal.keys.service import configured
    from portal.vault import rotating

    rotating.begin(rotating.used_epochs(), timezone.now())
    rotating.make()
    moved = rotating.move(lambda _: None)
    assert moved.moved and not moved.damaged
    assert not rotating.unfinished()
    provider, keyring, _ = configured()
    renew_root(provider, keyring, lambda: None, settle_seconds=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    steps = {"seal": seal, "process": process, "open": open_all, "extend": extend, "due": due, "rotate": rotate}

    def answer(asked: str) -> None:
        print(json.dumps([steps[name](*given) for name, *given in json.loads(asked)]), flush=True)  # type: ignore[operator]

    if len(sys.argv) > 1:
        answer(sys.argv[1])
    else:
        for module in ("portal.ingest.pipeline", "portal.lifecycle.changing", "portal.vault.destroying", "tests.mails"):
            importlib.import_module(module)
        for line in sys.stdin:
            if (child := os.fork()) == 0:
                answer(line)
                sys.stdout.flush()
                os._exit(0)
            if os.waitpid(child, 0)[1]:
                sys.exit(1)
