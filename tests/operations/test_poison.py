"""A mail that crashes its reader, never ends or eats all memory is parked alone, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.samples import large_mail
from tests import faults
from tests.mails import Mailbox, mail, send, until
from tests.servers import Portal, children_of

pytestmark = pytest.mark.servers

POISONS = ("crash", "loop", "memory")
SETTINGS = {
    "LETTERLOCK_DEMO": "off",
    "LETTERLOCK_LEASE_SECONDS": "3",
    "LETTERLOCK_SWEEP_SECONDS": "1",
    "LETTERLOCK_MAIL_CPU_SECONDS": "1",
    "LETTERLOCK_WORKER_MEMORY_BYTES": str(512 << 20),
}


def test_poisonous_mails_are_held_and_the_others_arrive(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", **SETTINGS, **faults.poison("portal.mime.reading:read")) as portal:
        worker = portal.processes()["worker-mail"]
        ids = {kind: send(portal.smtp, mail(text=f"POISON {kind}")) for kind in POISONS}
        people = [f"reader{number}@mail.example" for number in range(6)]
        for who in people:
            send(portal.smtp, mail(), who)
        for who in people:
            Mailbox(portal.outbox, who).wait("notice", seconds=60)

        def held() -> dict[str, str]:
            listed = portal.manage("held", "--json").stdout.splitlines()
            return {found["id"]: found["reason"] for found in map(json.loads, listed)}

        until(lambda: set(held()) == set(ids.values()), 60, "held poisons alone")
        reasons = {kind: held()[id_] for kind, id_ in ids.items()}
        assert reasons["crash"] == reasons["loop"]
        assert "LETTERLOCK_WORKER_MEMORY_BYTES" in reasons["memory"]
        assert "never came to an end" in reasons["crash"]
        assert "POISON" not in str(reasons)
        # The worker itself never died, and the next mail goes through at once.
        assert portal.processes()["worker-mail"] == worker
        send(portal.smtp, mail(), "after@mail.example")
        Mailbox(portal.outbox, "after@mail.example").wait("notice")
        assert portal.health()[0] == 200
        limits = [Path(f"/proc/{child}/limits").read_text() for child in children_of(worker)]
        assert all("Max address space" in found and "unlimited" not in line_of(found) for found in limits)


def line_of(limits: str) -> str:
    return next(line for line in limits.splitlines() if line.startswith("Max address space"))


LARGEST = """
from pathlib import Path
from django.conf import settings
from portal.ingest import isolation, pipeline, spool
writer = spool.SpoolWriter.begin(spool.Envelope("maya@a.example", ("jonas@b.example",), "smtp", True), 150 << 20)
writer.write(b"X-Letterlock-Protect: v=1\\r\\n" + Path("large.eml").read_bytes())
writer.commit()
isolation.enable(
    cpu_seconds=settings.LETTERLOCK.mail_cpu_seconds, memory_bytes=settings.LETTERLOCK.worker_memory_bytes
)
pipeline.process()
from portal.vault.models import Message
print(Message.objects.get().padded_size)
"""


def test_a_mail_of_the_largest_size_fits_into_a_workers_memory(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off")
    portal.manage("prepare")
    large_mail(tmp_path / "large.eml", 149 << 20)
    code = LARGEST.replace("large.eml", str(tmp_path / "large.eml"))
    assert int(portal.manage("shell", "-v0", "-c", code).stdout) > 150 << 20
