"""X-Letterlock-Seal: what left here passes the door untouched when it comes back, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from portal.audit.record import timeline
from portal.delivery import passage
from portal.delivery.letters import Prepared, prepare
from portal.delivery.models import Outbound
from portal.ingest import pipeline
from portal.ingest.models import Spooled
from portal.keys.service import keys
from portal.mime.fields import raw_fields
from portal.vault.models import Message
from tests.ingest.doors import Line, RunningDoor
from tests.ingest.test_smtp import configure
from tests.mails import JONAS, MAYA, mail
from tests.seals import default_brand

S = Spooled.State
A, B = b"a" * 32, b"b" * 32
FORGED = b"X-Letterlock-Seal: v=1; t=1763900000; m=0123456789abcdef; s=" + b"A" * 43 + b"\r\n"
SENDER, ID = "maya@aldervalley.example", "<1@aldervalley.example>"


class TestTheSealItself:
    """Pure: made and verified without a database."""

    OUT = UUID("3f2a9c0d-41b7-4865-8ff7-ee1b2bd1d348")
    NOW = timezone.now()

    def fields(self, **changed: str) -> list[tuple[str, str]]:
        value = passage.make(A, self.OUT, self.NOW, SENDER, ID)
        return [("Message-ID", changed.get("id", ID)), ("x-letterlock-SEAL", changed.get("seal", value))]

    def test_it_is_as_the_contract_says(self) -> None:
        value = passage.make(A, self.OUT, self.NOW, SENDER, ID)
        assert re.fullmatch(rf"v=1; t={int(self.NOW.timestamp())}; m=3f2a9c0d41b74865; s=[A-Za-z0-9_-]{{43}}", value)

    def test_it_holds_for_what_it_was_made_for(self) -> None:
        assert passage.verify((A,), self.NOW, SENDER, self.fields()) == "3f2a9c0d41b74865"
        assert passage.verify((A,), self.NOW, "Maya@AlderValley.example", self.fields()) == "3f2a9c0d41b74865"

    def test_it_holds_while_the_secret_rotates(self) -> None:
        assert passage.verify((B, A), self.NOW, SENDER, self.fields())
        assert not passage.verify((B,), self.NOW, SENDER, self.fields())
        assert not passage.verify((), self.NOW, SENDER, self.fields())

    def test_it_is_worth_nothing_on_another_mail_or_from_another_sender(self) -> None:
        assert not passage.verify((A,), self.NOW, "eve@aldervalley.example", self.fields())
        assert not passage.verify((A,), self.NOW, "", self.fields())
        assert not passage.verify((A,), self.NOW, SENDER, self.fields(id="<2@aldervalley.example>"))
        assert not passage.verify((A,), self.NOW, SENDER, self.fields()[1:])
        assert not passage.verify((A,), self.NOW, SENDER, [*self.fields(), ("Message-ID", ID)])

    def test_it_is_worth_nothing_twice(self) -> None:
        assert not passage.verify((A,), self.NOW, SENDER, [*self.fields(), self.fields()[1]])

    def test_it_ages(self) -> None:
        fresh, early = timedelta(seconds=passage.FRESH_SECONDS), timedelta(seconds=passage.EARLY_SECONDS)
        second = timedelta(seconds=2)
        assert passage.verify((A,), self.NOW + fresh - second, SENDER, self.fields())
        assert not passage.verify((A,), self.NOW + fresh + second, SENDER, self.fields())
        assert passage.verify((A,), self.NOW - early + second, SENDER, self.fields())
        assert not passage.verify((A,), self.NOW - early - second, SENDER, self.fields())

    @pytest.mark.parametrize(
        "forged",
        [
            lambda v: v.replace("t=1", "t=2"),
            lambda v: v.replace("m=3", "m=4"),
            lambda v: v.replace("v=1", "v=2"),
            lambda v: v[:-1] + ("A" if v[-1] != "A" else "B"),
            lambda v: v[: v.index("s=")] + "s=" + "A" * 43,
            lambda v: v + "; x=1",
            lambda v: v[:-1],
            lambda v: "v=1",
            lambda v: "",
            lambda v: v.replace("v=1", "v=\N{SUPERSCRIPT ONE}"),
        ],
    )
    def test_a_forged_one_is_worth_nothing(self, forged: Callable[[str], str]) -> None:
        value = passage.make(A, self.OUT, self.NOW, SENDER, ID)
        assert forged(value) != value
        assert not passage.verify((A,), self.NOW, SENDER, self.fields(seal=forged(value)))


# ------------------------------------------------------------------------------- through the door and the pipeline


def hand_in(door: RunningDoor, raw: bytes, sender: str, recipient: str) -> Spooled:
    """By SMTP, and one step on."""
    with Line(door.port) as line:
        line.to_data(sender, recipient)
        line.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        reply = line.reply()
    assert reply.startswith("250"), reply
    pipeline.process()
    return Spooled.objects.get(pk=reply.split()[-1])


def leaves(outbound: Outbound) -> tuple[Prepared, bytes]:
    prepared = prepare(outbound)
    assert prepared is not None
    return prepared, b"".join(prepared.data)


@pytest.fixture
def protecting(door: RunningDoor, monkeypatch: pytest.MonkeyPatch) -> RunningDoor:
    """A door of an installation that protects all that no rule speaks of, and that gets its own mail handed back."""
    configure(monkeypatch, default_action="protect", inside_domains=("aldervalley.example",))
    return door


@pytest.fixture
def notice(protecting: RunningDoor) -> tuple[Prepared, bytes]:
    """The notice of a protected mail, as it leaves."""
    default_brand()
    hand_in(protecting, mail("Your results"), MAYA, JONAS)
    assert Message.objects.count() == 1
    return leaves(Outbound.objects.get(kind="notice"))


def test_a_notice_that_comes_back_passes_untouched(protecting: RunningDoor, notice: tuple[Prepared, bytes]) -> None:
    prepared, raw = notice
    back = hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient)
    assert back.state == S.RELAYING
    assert Message.objects.count() == 1
    (accepted,) = [entry for entry in timeline(back.pk) if entry.kind == "message.accepted"]
    assert (accepted.facts["action"], accepted.facts["rule"]) == ("relay", "seal")
    again, passed = leaves(Outbound.objects.get(kind="relay"))
    assert (again.envelope_sender, again.recipient) == (prepared.envelope_sender, prepared.recipient)
    # What it carried is there, whole; in front stand our two fields.
    assert passed.endswith(raw.partition(b"\r\n")[2])
    assert passed.lower().count(b"x-letterlock-seal:") == 1


def test_what_leaves_for_good_has_no_seal_that_could_be_copied(
    protecting: RunningDoor, notice: tuple[Prepared, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight to the recipient's server it comes back by no server of ours; whoever has a mailbox there could hand in
    other mail to themselves with it."""
    prepared, raw = notice
    hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient)
    passed_on, outside = Outbound.objects.get(kind="relay"), Outbound.objects.get(kind="notice")
    for relay_url, sealed in (("mx:", 0), ("smtp://relay.example", 1), ("", 1)):
        configure(monkeypatch, relay_url=relay_url)
        for row in (outside, passed_on):
            assert leaves(row)[1].lower().count(b"x-letterlock-seal:") == sealed, relay_url
    configure(monkeypatch, relay_url="mx:", inside_domains=("aldervalley.example", JONAS.partition("@")[2]))
    assert leaves(outside)[1].lower().count(b"x-letterlock-seal:") == 1


def test_a_circle_ends_at_the_third_pass(protecting: RunningDoor, notice: tuple[Prepared, bytes]) -> None:
    prepared, raw = notice
    for _ in range(2):
        hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient)
        raw = leaves(Outbound.objects.filter(kind="relay").latest("made_at"))[1]
    with Line(protecting.port) as line:
        line.to_data(prepared.envelope_sender, prepared.recipient)
        line.send(raw + b".\r\n")
        assert line.reply().startswith("554 5.4.6")
    assert Message.objects.count() == 1


def without_seal(raw: bytes) -> bytes:
    return raw.partition(b"\r\n")[2]


@pytest.mark.parametrize(
    "changed",
    [
        without_seal,
        lambda raw: re.sub(rb"(?im)^(message-id: <)", rb"\1x", raw),
        lambda raw: raw.replace(b"; t=1", b"; t=2"),
        lambda raw: raw.partition(b"\r\n")[0] + b"\r\n" + raw,
        lambda raw: (
            b"X-Letterlock-Seal: v=1; t=1763900000; m=0123456789abcdef; s=" + b"A" * 43 + b"\r\n" + without_seal(raw)
        ),
    ],
    ids=["none", "another Message-ID", "another time", "twice", "forged"],
)
def test_without_a_good_seal_the_rules_decide(
    protecting: RunningDoor, notice: tuple[Prepared, bytes], changed: Callable[[bytes], bytes]
) -> None:
    prepared, raw = notice
    assert changed(raw) != raw
    hand_in(protecting, changed(raw), prepared.envelope_sender, prepared.recipient)
    assert Message.objects.count() == 2
    assert not Outbound.objects.filter(kind="relay").exists()


def test_a_seal_copied_to_another_mail_bypasses_nothing(
    protecting: RunningDoor, notice: tuple[Prepared, bytes]
) -> None:
    _, raw = notice
    seal = raw.partition(b"\r\n")[0] + b"\r\n"
    hand_in(protecting, seal + mail("Secret plans"), MAYA, JONAS)
    hand_in(protecting, raw, "eve@aldervalley.example", JONAS)  # with a sender of one's own
    assert Message.objects.count() == 3


def test_a_stale_one_bypasses_nothing(
    protecting: RunningDoor, notice: tuple[Prepared, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage, "FRESH_SECONDS", -1)
    prepared, raw = notice
    hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient)
    assert Message.objects.count() == 2


def test_a_worthless_seal_is_stripped_from_what_is_relayed(door: RunningDoor) -> None:
    row = hand_in(door, FORGED + mail("Lunch"), MAYA, JONAS)
    assert row.state == S.RELAYING
    _, sent = leaves(Outbound.objects.get(kind="relay"))
    assert FORGED not in sent
    assert sent.lower().count(b"x-letterlock-seal:") == 1


def test_what_is_relayed_leaves_with_a_seal_of_its_own(door: RunningDoor) -> None:
    hand_in(door, mail("Lunch"), MAYA, JONAS)
    prepared, sent = leaves(Outbound.objects.get(kind="relay"))
    fields = raw_fields(sent.partition(b"\r\n\r\n")[0])
    assert passage.verify(keys().secret_versions("seal"), timezone.now(), prepared.envelope_sender, fields)
    assert prepared.size == 0 or len(sent) <= prepared.size


def test_a_mail_of_long_header_and_without_message_id_is_sealed(door: RunningDoor) -> None:
    raw = b"Message-ID: <" + b"x" * 100_000 + b"@y>\r\nX: " + b"y" * 100_000 + b"\r\n\r\nbody\r\n"
    hand_in(door, raw, MAYA, JONAS)
    hand_in(door, b"no header at all\r\n", MAYA, JONAS)
    for outbound in Outbound.objects.filter(kind="relay"):
        prepared, sent = leaves(outbound)
        fields = raw_fields(sent.partition(b"\r\n\r\n")[0])
        assert passage.verify(keys().secret_versions("seal"), timezone.now(), prepared.envelope_sender, fields)


def test_a_sent_notice_is_the_same_mail_when_it_is_sent_again(notice: tuple[Prepared, bytes]) -> None:
    outbound = Outbound.objects.get(kind="notice")
    assert leaves(outbound)[1].partition(b"\r\n")[0] == notice[1].partition(b"\r\n")[0]
    Outbound.objects.filter(pk=outbound.pk).update(made_at=timezone.now() - timedelta(days=9))
    outbound.refresh_from_db()
    prepared, sent = leaves(outbound)
    late = raw_fields(sent.partition(b"\r\n\r\n")[0])
    assert passage.verify(keys().secret_versions("seal"), timezone.now(), prepared.envelope_sender, late)


def test_a_seal_lets_nobody_write_to_others(protecting: RunningDoor, notice: tuple[Prepared, bytes]) -> None:
    """Whoever is sent a mail holds its seal, its Message-ID and its envelope sender; the body is not bound."""
    prepared, raw = notice
    head, _, _ = raw.partition(b"\r\n\r\n")
    hostile = head + b"\r\n\r\nSecret plans\r\n"
    hand_in(protecting, hostile, prepared.envelope_sender, "eve@mail.example")
    assert Message.objects.count() == 2
    with Line(protecting.port) as line:
        line.to_data(prepared.envelope_sender, prepared.recipient, "eve@mail.example")
        line.send(hostile + b".\r\n")
        assert line.reply().startswith("250")
    pipeline.process()
    assert Message.objects.count() == 3
    assert not Outbound.objects.filter(kind="relay").exists()
    assert hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient.upper()).state == S.RELAYING


def test_a_seal_of_a_mail_that_nobody_remembers_is_worth_nothing(
    protecting: RunningDoor, notice: tuple[Prepared, bytes]
) -> None:
    prepared, raw = notice
    Outbound.objects.all().delete()
    hand_in(protecting, raw, prepared.envelope_sender, prepared.recipient)
    assert Message.objects.count() == 2
