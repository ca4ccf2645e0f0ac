"""Many mails at once while parts are killed: what was answered 250 arrives, and once."""

from __future__ import annotations

import time
from collections import Counter

from tests.mails import mail, send, until
from tests.servers import Portal

SECRET = "it must arrive, once"
QUICK = {"LETTERLOCK_LEASE_SECONDS": "3", "LETTERLOCK_SWEEP_SECONDS": "1", "LETTERLOCK_DEMO": "off"}


def burst(portal: Portal, count: int, *, kill_worker_every: int, kill_door_every: int) -> list[str]:
    """Send `count` mails to one person each, killing as told; returns the people, all of whom have one notice."""
    people = [f"reader{number}@mail.example" for number in range(count)]
    for number, who in enumerate(people, start=1):
        raw = mail(f"[secure] {number}", SECRET)
        while True:
            try:
                send(portal.smtp, raw, who)
                break
            except OSError:  # the door was killed and is on its way back; smtplib's errors are of this kind too
                time.sleep(0.2)
        for part, every in (("worker-mail", kill_worker_every), ("door", kill_door_every)):
            if number % every == 0:
                until(lambda part=part: part in portal.processes(), 30, f"{part} after the last kill")
                portal.kill_part(part)
    until(lambda: set(people) <= set(told(portal)), 60 + count / 5, "notice for everyone")
    until(lambda: portal.health()[0] == 200, 60, "200 from the health page")
    time.sleep(4)  # a lease and a sweep: whatever would be sent a second time is sent by then
    # A door killed after it kept a mail and before its answer was read is asked again by its client, as RFC 5321
    # section 6.1 has it; so a mail may be there twice, but never without the client having tried twice.
    assert set(told(portal).values()) <= {1, 2}
    assert sum(number - 1 for number in told(portal).values()) <= count // kill_door_every
    return people


def told(portal: Portal) -> Counter[str]:
    """How many notices each address has."""
    found: Counter[str] = Counter()
    for path in (portal.outbox / "new").glob("*"):
        head = path.read_bytes().partition(b"\n\n")[0].partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        if fields.get("X-Letterlock", "").strip() == "notice":
            found[fields["Delivered-To"].strip()] += 1
    return found
