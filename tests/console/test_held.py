"""Held mail: listed without a word of it, tried again one by one or all, or ended with a word to its sender."""

from __future__ import annotations

import io
import json
import os
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.audit.record import timeline
from portal.delivery.letters import prepare
from portal.delivery.models import Outbound
from portal.ingest import holding, pipeline, spool, spoolfolder
from portal.ingest.models import Spooled
from tests.mails import JONAS, KARIN, MAYA, mail, text_of
from tests.seals import default_brand

pytestmark = pytest.mark.django_db
S = Spooled.State


def held(reason: str = "The spool file of this mail is damaged.", *, sender: str = MAYA, trusted: bool = True) -> UUID:
    """A mail that the pipeline holds."""
    default_brand()
    writer = spool.SpoolWriter.begin(spool.Envelope(sender, (JONAS, KARIN), "smtp", trusted), 0)
    writer.write(mail("[secure] Kanarienvogel", "Kanarienvogel"))
    id_ = writer.commit()
    (row,) = pipeline.leases.claim(Spooled.objects.filter(pk=id_), limit=1)
    pipeline._hold(row, reason)
    return id_


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def state(id_: UUID) -> str:
    return Spooled.objects.get(pk=id_).state


def test_held_mails_are_listed_with_reason_and_time_and_nothing_else() -> None:
    first, second = held(), held("There is no door key.")
    listed = run("held")
    assert f"{first}  {timezone.localtime():%Y-%m-%d}" in listed
    assert "There is no door key." in listed
    assert "2 held." in listed
    assert not any(word in listed for word in ("Kanarienvogel", "jonas", "maya", "aldervalley"))
    (line,) = run("held", "--reason-like", "DOOR KEY", "--json").splitlines()
    assert json.loads(line)["id"] == str(second)


def test_nothing_held_is_said() -> None:
    assert run("held") == "Nothing is held.\n"


def test_all_or_those_with_a_reason_are_released() -> None:
    first, second, third = held(), held(), held("There is no door key.")
    assert "2 mails try again" in run("release", "--all", "--reason-like", "damaged")
    assert [state(id_) for id_ in (first, second, third)] == [S.RECEIVED, S.RECEIVED, S.HELD]
    assert "1 mails try again" in run("release", "--all")
    pipeline.process()
    assert {state(id_) for id_ in (first, second, third)} == {S.DONE}


@pytest.mark.parametrize("arguments", [("release",), ("release", "--reason-like", "x"), ("held", "refuse")])
def test_half_a_command_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


def test_a_sealed_mail_that_is_held_is_not_sealed_twice() -> None:
    id_ = held()
    holding.release(Spooled.objects.get(pk=id_))
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(pipeline, "_drop", lambda _: None)  # as if the process had ended before the file went
        pipeline.process()
    assert state(id_) == S.SEALED
    Spooled.objects.filter(pk=id_).update(leased_until=None)
    (row,) = pipeline.leases.claim(Spooled.objects.filter(pk=id_), limit=1)
    pipeline._hold(row, "x")
    holding.release(Spooled.objects.get(pk=id_))
    assert state(id_) == S.SEALED
    pipeline.process()
    assert state(id_) == S.DONE
    assert Outbound.objects.filter(message=id_).count() == 2


def refusal_of(id_: UUID) -> EmailMessage:
    prepared = prepare(Outbound.objects.get(message=id_, kind="refusal"))
    assert prepared is not None
    assert (prepared.envelope_sender, prepared.recipient) == ("", MAYA)
    return message_from_bytes(b"".join(prepared.data), policy=policy.default)  # type: ignore[return-value]


def test_a_refusal_ends_it_and_tells_its_sender_in_plain_words() -> None:
    id_ = held()
    reason = "The recipient takes no mail of this size; please send a link."
    assert "its sender is told" in run("held", "refuse", str(id_), "--reason", reason)
    assert state(id_) == S.REFUSED
    assert not (spoolfolder.folder() / str(id_)).exists()
    told = refusal_of(id_)
    assert told["Subject"].startswith("Not sent: your message of ")
    assert (told["X-Letterlock"], told["Auto-Submitted"]) == ("refusal", "auto-replied")
    words = " ".join(text_of(told).split())
    assert reason in words
    assert "was not sent to anybody" in words
    assert str(id_) in words
    assert "Kanarienvogel" not in str(told)
    assert reason.encode() not in bytes(Outbound.objects.get(kind="refusal").words)
    facts = {entry.kind: entry.facts for entry in timeline(id_)}
    assert facts["message.refused"] == {"told": True}
    assert "An administrator refused it; its sender is told why." in run("trace", str(id_))


def test_who_has_a_relayed_mail_already_is_counted_and_the_rest_is_dropped() -> None:
    default_brand()
    writer = spool.SpoolWriter.begin(spool.Envelope(MAYA, (JONAS, KARIN), "smtp", True), 0)
    writer.write(mail("Lunch"))
    id_ = writer.commit()
    pipeline.process()
    first, second = Outbound.objects.filter(message=id_)
    Outbound.objects.filter(pk=first.pk).update(state=Outbound.State.SENT)
    Spooled.objects.update(due_at=timezone.now())
    (row,) = pipeline.leases.claim(Spooled.objects.filter(pk=id_), limit=1)
    pipeline._hold(row, "x")
    run("held", "refuse", str(id_), "--reason", "No.")
    assert "reached 1 of its 2 recipients" in " ".join(text_of(refusal_of(id_)).split())
    assert Outbound.objects.get(pk=second.pk).state == Outbound.State.DROPPED


@pytest.mark.parametrize(("sender", "trusted"), [("", True), ("somebody@elsewhere.example", False)])
def test_nobody_is_told_who_may_be_forged_or_is_a_bounce(sender: str, trusted: bool) -> None:
    id_ = held(sender=sender, trusted=trusted)
    assert "not told" in run("held", "refuse", str(id_), "--reason", "No.")
    assert state(id_) == S.REFUSED
    assert not Outbound.objects.filter(kind="refusal").exists()


def test_a_mail_whose_file_is_gone_can_still_be_ended() -> None:
    id_ = held()
    (spoolfolder.folder() / str(id_)).unlink()
    assert "not told" in run("held", "refuse", str(id_), "--reason", "No.")
    assert state(id_) == S.REFUSED


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_without_a_usable_reason_nothing_is_ended(reason: str) -> None:
    id_ = held()
    with pytest.raises(SystemExit, match="characters why"):
        run("held", "refuse", str(id_), "--reason", reason)
    assert state(id_) == S.HELD


def test_what_is_not_held_cannot_be_refused() -> None:
    id_ = held()
    run("release", str(id_))
    with pytest.raises(SystemExit, match="not held"):
        run("held", "refuse", str(id_), "--reason", "No.")
    assert state(id_) == S.RECEIVED
    assert not Outbound.objects.exists()


def test_a_file_that_could_not_be_removed_is_swept_later(monkeypatch: pytest.MonkeyPatch) -> None:
    id_, other = held(), held()
    with monkeypatch.context() as broken:

        def fail(_: Spooled) -> None:
            raise OSError

        broken.setattr(spool, "remove", fail)
        run("held", "refuse", str(id_), "--reason", "No.")
    for path in spoolfolder.folder().iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    spoolfolder.sweep_orphans()
    assert not (spoolfolder.folder() / str(id_)).exists()
    assert (spoolfolder.folder() / str(other)).exists()
