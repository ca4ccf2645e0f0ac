"""`manage.py doctor --mail`: a protected test message goes the whole way, and every hop is looked at.

In at the door as the organisation's mail server would, sealed, its notice handed to the relay, back where it can be
seen; then it is withdrawn. Written to a reserved address of the portal unless the operator names a mailbox.
"""

from __future__ import annotations

import email.policy
import smtplib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from portal.audit.models import Entry
from portal.configuration import Configuration
from portal.delivery.models import Outbound
from portal.ids import id_of
from portal.ingest import probes
from portal.ingest.models import Spooled
from portal.lifecycle.withdrawing import withdraw
from portal.operations.certificates import unproved
from portal.operations.doctor.finding import Finding, notice, well, wrong
from portal.operations.health import reachable
from portal.operations.logs import hide
from portal.values import Address
from portal.vault.models import Message
from portal.vault.sealing import mail_id_lookup

CONNECT_SECONDS = 10
LOOK_SECONDS = 0.2
T = TypeVar("T")
S = Outbound.State
_TEXT = "This is a test message of manage.py doctor --mail. It is withdrawn as soon as it has arrived.\n"


@dataclass
class Probe:
    """One test message on its way."""

    number: UUID
    address: str
    mail_id: str
    until: float
    """time.monotonic() at which patience ends."""
    message: UUID | None = None

    def wait(self, look: Callable[[], T | None]) -> T | None:
        """The first answer of `look`, or None when patience ends."""
        while True:
            answer = look()
            if answer is not None or time.monotonic() > self.until:
                return answer
            time.sleep(LOOK_SECONDS)


def prove(
    configuration: Configuration, address: str = "", via: Address | None = None, seconds: float = 60
) -> Iterator[Finding]:
    """Each hop as it is passed; ends with the first that is missing, and takes the message away in any case."""
    number, own = probes.new_address()
    host = configuration.public_host
    probe = Probe(number, address or own, f"<doctor-{number.hex}@{host}>", time.monotonic() + seconds)
    try:
        for hop in (hand_in, _seal, _tell, _arrive):
            for finding in hop(probe, configuration, via):
                yield finding
                if finding.state != 0:
                    return
    finally:
        _take_away(probe, configuration)


def hand_in(probe: Probe, configuration: Configuration, via: Address | None) -> Iterator[Finding]:
    where = via or Address(reachable(configuration.smtp.host), configuration.smtp.port)
    check, whose = "handed in", "Your mail server" if via else "The door"
    try:
        with smtplib.SMTP(where.host, where.port, configuration.public_host, CONNECT_SECONDS) as smtp:
            smtp.ehlo()
            if smtp.has_extn("starttls"):
                smtp.starttls(context=unproved())
                smtp.ehlo()
            smtp.mail(_sender(configuration))
            code, said = smtp.rcpt(probe.address)
            if code == 250:
                code, said = smtp.data(_mail(probe, configuration))
    except smtplib.SMTPResponseException as error:
        code, said = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
    except (OSError, smtplib.SMTPException) as error:
        yield wrong(
            check,
            f"{whose} at {where} does not answer ({type(error).__name__}).",
            "No mail can come in.",
            "Start it, or name the right place with --via HOST:PORT." if via else "Start it: manage.py door",
        )
        return
    answer = hide(said.decode("utf-8", "replace").replace("\n", " "))[:200]
    if code != 250:
        yield wrong(
            check,
            f"{whose} refused it: {code} {answer}",
            "Mail of your people would be refused like this one.",
            "Do what the answer says; for 5.7.1 of the door add the server's address to LETTERLOCK_NETWORKS.",
        )
        return
    if via is None:
        probe.message = id_of(answer.rpartition(" ")[2])
    yield well(check, f"{whose} at {where} took it: {code} {answer}")


def _seal(probe: Probe, configuration: Configuration, via: Address | None) -> Iterator[Finding]:
    def look() -> Message | Spooled | None:
        found = Message.objects.filter(mail_id_lookup=mail_id_lookup(probe.mail_id)).defer("container").first()
        if found is not None:
            return found
        if probe.message is None:
            return None
        stuck = Spooled.objects.filter(state__in=[Spooled.State.HELD, Spooled.State.RELAYING])
        return stuck.filter(pk=probe.message).first()

    found = probe.wait(look)
    if isinstance(found, Message):
        probe.message = found.id
        yield well("sealed", f"It is in the vault as {found.id}.")
    elif isinstance(found, Spooled) and found.state == Spooled.State.HELD:
        fix = f"Mend that, then try it again at /admin/; manage.py trace {found.id} tells more."
        yield wrong("sealed", f"It is held: {found.last_error}", "Every mail may be held like this.", fix)
    elif isinstance(found, Spooled):
        fix = "See the rules at /admin/; the tag [secure] and the header X-Letterlock-Protect must protect."
        yield wrong(
            "sealed", "The rules passed it on unprotected.", "Mail that asks for protection leaves in clear.", fix
        )
    elif via is not None:
        yield wrong(
            "handed over",
            "Your mail server took it, and it did not reach the door in time.",
            "Mail that must be protected takes another way.",
            f"Look into your mail server's log and queue for {probe.mail_id}; it must hand [secure] mail to the door.",
        )
    else:
        yield wrong(
            "sealed",
            "It waits in the spool.",
            "Nothing is sealed while no worker takes it up.",
            "Start one: manage.py worker --queues seal; and see manage.py doctor for keys and storage.",
        )


def _tell(probe: Probe, configuration: Configuration, via: Address | None) -> Iterator[Finding]:
    rows = Outbound.objects.filter(message=probe.message, kind=Outbound.Kind.NOTICE)

    def look() -> Outbound | None:
        return rows.filter(state__in=[S.SENT, S.FAILED, S.DROPPED]).first()

    found = probe.wait(look) or rows.first()
    to = "the outbox" if not configuration.relay_url else "the relay"
    why = "No recipient hears of their message."
    if found is not None and found.state == S.SENT:
        yield well("notice sent", f"Taken by {to}: {found.last_answer}.")
    elif found is None or not found.attempts:
        yield wrong("notice sent", "The notice waits.", why, "Start a worker: manage.py worker --queues notice.")
    else:
        yield wrong(
            "notice sent",
            f"It was not taken by {to}: {found.last_answer or 'no answer yet'}.",
            why,
            "See that the relay LETTERLOCK_RELAY_URL takes mail from this host for any receiver.",
        )


def _arrive(probe: Probe, configuration: Configuration, via: Address | None) -> Iterator[Finding]:
    if not configuration.relay_url:
        if probe.wait(lambda: _in_outbox(probe, configuration)) is not None:
            yield well("received", f"The notice lies in {configuration.outbox}, which stands for the outside world.")
        else:
            fix = f"See the rights of {configuration.outbox} and the log of worker-mail."
            yield wrong("received", "The notice is not in the outbox.", "Nobody can read it.", fix)
        return
    if not probes_own(probe, configuration):
        yield notice(
            "received",
            "Could not be checked: the mailbox is not ours.",
            "A notice that is taken may still end as spam.",
            "Look into the mailbox for a message from this portal, in the spam folder too.",
        )
        return
    back = Entry.objects.filter(kind=probes.RETURNED, message=probe.number)
    if probe.wait(lambda: back.first()) is not None:
        yield well("received", "The notice came back through the relay to the door.")
        return
    host = configuration.public_host
    yield notice(
        "received",
        f"The relay took the notice, and it did not come back to the door for {host}.",
        "Then bounces for that domain do not come back either; mail to others may be well.",
        f"Let the relay route mail for {host} to the door at {configuration.smtp}, or name a mailbox of yours: "
        "manage.py doctor --mail you@example.org",
    )


def probes_own(probe: Probe, configuration: Configuration) -> bool:
    """Whether it was written to the reserved address."""
    return probe.address.startswith(f"doctor-{probe.number.hex}-")


def _take_away(probe: Probe, configuration: Configuration) -> None:
    """Nobody shall meet the test message later."""
    if probe.message is not None and Message.objects.filter(pk=probe.message).exists():
        withdraw(probe.message, "test message", now=True)
    if not configuration.relay_url and (file := _in_outbox(probe, configuration)) is not None:
        file.unlink(missing_ok=True)


def _in_outbox(probe: Probe, configuration: Configuration) -> Path | None:
    for row in Outbound.objects.filter(message=probe.message, kind=Outbound.Kind.NOTICE):
        for file in (*configuration.outbox.glob(f"new/{row.id}*"), *configuration.outbox.glob(f"cur/{row.id}*")):
            return file
    return None


def _mail(probe: Probe, configuration: Configuration) -> bytes:
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"] = f"Letterlock doctor <{_sender(configuration)}>"
    made["To"] = probe.address
    made["Subject"] = "[secure] Test message"
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = probe.mail_id
    made["X-Letterlock-Protect"] = "v=1"
    made.set_content(_TEXT)
    return made.as_bytes()


def _sender(configuration: Configuration) -> str:
    return f"messages@{configuration.public_host}"
