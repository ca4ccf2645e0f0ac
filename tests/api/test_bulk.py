"""`POST /api/v1/messages:bulk`: many mails in one body, each taken once, whatever happens in between."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.api import tokens
from portal.ingest import archive, bulk, lines, pipeline
from portal.ingest.bulk_errors import RunBusy
from portal.ingest.errors import NoRecipients, SpoolUnavailable
from portal.ingest.models import Item, Run, Spooled
from portal.ingest.spool import open_spooled
from portal.ingest.spoolfolder import folder
from portal.mime.reading import read
from portal.operations.preparing import make_default_brand
from portal.vault.models import Message
from tests.mails import JONAS, MAYA, mail

pytestmark = pytest.mark.django_db

URL = "/api/v1/messages:bulk"
NDJSON, ZIP = "application/x-ndjson", "application/zip"
HOST = {"HTTP_HOST": "localhost"}


@pytest.fixture
def token() -> str:
    return tokens.create("test")


@pytest.fixture(autouse=True)
def _brand_and_empty_spool() -> Iterator[None]:
    make_default_brand(settings.LETTERLOCK)
    yield
    for path in folder().glob("*-*"):
        path.unlink()


def post(token: str, body: bytes, key: str = "run-1", content_type: str = NDJSON, **more: Any) -> HttpResponse:
    """CSRF checks on, as in the product."""
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    return Client(enforce_csrf_checks=True, **HOST).post(  # type: ignore[return-value]
        URL, body, content_type=content_type, headers=headers, **more
    )


def get(token: str, url: str, **headers: str) -> Any:
    return Client(**HOST).get(url, headers={"Authorization": f"Bearer {token}", **headers})


def line(number: int = 1, **more: object) -> bytes:
    fields = {"from": f"Maya <{MAYA}>", "to": [JONAS], "subject": f"Invoice {number}", "text": "Hello."}
    more = {name.rstrip("_"): value for name, value in more.items()}
    return json.dumps({**fields, "protect": {}, **more}).encode() + b"\n"


def raw_line(raw: bytes, **more: object) -> bytes:
    more = {name.rstrip("_"): value for name, value in more.items()}
    return json.dumps({"rfc822": base64.b64encode(raw).decode(), **more}).encode() + b"\n"


def body_of(response: HttpResponse, status: int = 202) -> dict[str, Any]:
    assert response.status_code == status, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def refused(response: HttpResponse, status: int) -> str:
    found = body_of(response, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert found["status"] == status
    assert found["detail"].endswith(".")
    return str(found["detail"])


def items(token: str, run: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(token, run["results"]).json()["items"]
    return found


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as made:
        for name, content in members:
            made.writestr(name, content)
    return written.getvalue()


class Unseekable(io.RawIOBase):
    """Where a zip is written as a stream: its lengths then follow each member."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += data
        return len(data)


def streamed(*members: tuple[str, bytes], zip64: bool = False) -> bytes:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            with made.open(name, "w", force_zip64=zip64) as member:
                member.write(content)
    return bytes(target.written)


def in_pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


# ------------------------------------------------------------------------------------------------------- lines


def test_each_line_is_a_mail_that_is_sealed_through_the_bulk_queue(token: str) -> None:
    run = body_of(post(token, b"".join(line(number) for number in range(3)) + b"\n"))
    assert (run["state"], run["accepted"], run["refused"], run["failures"]) == ("taken", 3, 0, [])
    ids = [UUID(item["id"]) for item in items(token, run)]
    assert set(Spooled.objects.filter(bulk=True).values_list("pk", flat=True)) == set(ids)
    assert pipeline.process() == 0
    assert pipeline.process(bulk=True) == 3
    assert set(Message.objects.values_list("pk", flat=True)) == set(ids)
    told = get(token, run["results"]).json()
    assert told["progress"] == {"done": 3}
    assert {item["state"] for item in told["items"]} == {"done"}


def test_the_fields_of_a_line_become_a_mail(token: str) -> None:
    given = line(
        to=["Jonas Berg <jonas.berg@mail.example>", "jürgen@bücher.example"],
        subject="Rechnung für März",
        text="Guten Tag",
        html="<p>Guten Tag</p>",
        attachments=[{"name": "März.pdf", "content_type": "application/pdf", "content": "AAEC"}],
        protect={"dl": False, "note": 'Say "hello"; v=2'},
    )
    (item,) = items(token, body_of(post(token, given)))
    opened = open_spooled(Spooled.objects.get(pk=item["id"]))
    assert (opened.envelope.sender, opened.envelope.source, opened.envelope.trusted) == (MAYA, "api", True)
    assert opened.envelope.recipients == (JONAS, "jürgen@bücher.example")
    letter = read(opened.read())
    assert (letter.subject, letter.text, letter.html) == ("Rechnung für März", "Guten Tag", "<p>Guten Tag</p>")
    assert [(part.name, part.content_type, part.data) for part in letter.parts] == [
        ("März.pdf", "application/pdf", b"\0\1\2")
    ]
    assert ("x-letterlock-protect", 'v=1; dl=0; note="Say \\"hello\\"; v=2"') in [
        (name.lower(), value) for name, value in letter.headers
    ]


def test_a_whole_mail_is_taken_byte_for_byte_and_who_gets_it_may_be_said_beside(token: str) -> None:
    raw = mail()
    body = raw_line(raw) + raw_line(raw, sender="", recipients=["karin.berg@post.example"])
    first, second = items(token, body_of(post(token, body)))
    opened = open_spooled(Spooled.objects.get(pk=first["id"]))
    assert opened.read() == raw
    assert opened.envelope.recipients == (JONAS,)
    other = open_spooled(Spooled.objects.get(pk=second["id"])).envelope
    assert (other.sender, other.recipients) == ("", ("karin.berg@post.example",))


def test_both_names_of_sender_and_recipients_work_but_not_at_once(token: str) -> None:
    old = {"sender": f"Maya <{MAYA}>", "recipients": [JONAS], "text": "Hello."}
    body = json.dumps(old).encode() + b"\n" + raw_line(mail(), from_="", to=["karin.berg@post.example"])
    for more in ({"sender": MAYA}, {"recipients": ["karin.berg@post.example"]}):
        body += line(**more) + raw_line(mail(), from_=MAYA, to=[JONAS], **more)
    run = body_of(post(token, body))
    first, second, *_ = items(token, run)
    opened = [open_spooled(Spooled.objects.get(pk=item["id"])).envelope for item in (first, second)]
    assert [(one.sender, one.recipients) for one in opened] == [(MAYA, (JONAS,)), ("", ("karin.berg@post.example",))]
    assert [item["number"] for item in run["failures"]] == [3, 4, 5, 6]
    assert all("which are the same; name one of the two" in item["reason"] for item in run["failures"])


BROKEN = [
    (b"{", "JSON"),
    (b"[1]", "JSON object"),
    (b"\xff\xfe", "JSON"),
    (b"[" * 100_000, "JSON"),
    (line(to=[]).strip(), "recipients"),
    (line(to="jonas@mail.example").strip(), "list"),
    (line(to=["nobody"]).strip(), "address"),
    (line(to=["a@b.example, c@d.example"]).strip(), "address"),
    (line(to=[5]).strip(), "address"),
    (line(from_="").strip(), "sender"),
    (line(subject=["x"]).strip(), "text"),
    (line(protekt={}).strip(), "not known"),
    (line(protect=True).strip(), "object"),
    (line(protect={"colour": "red"}).strip(), "knows"),
    (line(protect={"until": "soon"}).strip(), "."),
    (line(protect={"dl": 5}).strip(), "true, false"),
    (line(protect={"level": True}).strip(), "level a number"),
    (line(protect={"level": 4}).strip(), "level must be"),
    (line(protect={"phrase": "short"}).strip(), "at least 6"),
    (line(attachments=["x"]).strip(), "object"),
    (line(attachments=[{"name": "x", "content": "%%"}]).strip(), "base64"),
    (line(attachments=[{"name": "x"}]).strip(), "base64"),
    (line(attachments=[{"path": "/etc/passwd"}]).strip(), "not known"),
    (raw_line(b"").strip(), "sender"),
    (b'{"rfc822": 5}', "base64"),
    (b'{"rfc822": "", "file": "x"}', "not known"),
    (line().strip().replace(b'"protect": {}', b'"protect": {"fwd": false, "fwd": true}'), "twice"),
    (line().strip().replace(b'"protect"', b'"to": ["eve@mail.example"], "protect"'), "twice"),
    (b'{"subject": ' + b"9" * 10_000 + b"}", "JSON"),
    (b'{"subject": NaN}', "sender"),
    *[
        (line(**{field: [written] if field == "to" else written}).strip(), "address")
        for field in ("from_", "to")
        for written in ('"\ud800"@mail.example', "\ud800@mail.example")
    ],
    (b'{"rfc822": "", "sender": "\\"\\ud800\\"@mail.example"}', "address"),
    (b'{"\\ud800": 1}', "not known"),
]


def test_a_broken_line_is_reported_with_its_number_and_the_others_go_on(token: str) -> None:
    body = b"".join(broken + b"\n" + line(number) for number, (broken, _) in enumerate(BROKEN))
    run = body_of(post(token, body))
    assert (run["accepted"], run["refused"]) == (len(BROKEN), len(BROKEN))
    assert [failure["number"] for failure in run["failures"]] == [2 * place + 1 for place in range(len(BROKEN))]
    for (_, word), failure in zip(BROKEN, run["failures"], strict=True):
        assert word in failure["reason"], failure
        assert failure["reason"].endswith(".")


def test_halves_of_characters_stop_no_run(token: str) -> None:
    half = "\ud800"
    file = {"name": f"a{half}.txt", "content_type": f"text/{half}", "content": "YQ=="}
    body = (
        line(1, from_=f"M{half} <{MAYA}>", subject=half, text=half, html=f"<p>{half}", attachments=[file])
        + line(2, protect={"note": half})
        + line(3).replace(b"Invoice", b"\xed\xa0\x80")
    )
    assert body_of(post(token, body))["accepted"] == 3
    pipeline.process(bulk=True)
    assert {row.state for row in Spooled.objects.all()} == {Spooled.State.DONE}


def test_a_line_of_a_million_small_things_is_refused_before_it_takes_a_gigabyte(token: str) -> None:
    hostile = b'{"recipients": [' + b"[]," * (2 << 20) + b"[]]}\n"
    tracemalloc.start()
    try:
        run = body_of(post(token, hostile + line(2)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert "brackets" in run["failures"][0]["reason"]
    assert peak < 5 * len(hostile)  # twice the body is the test's client; read, its lists took 160 MB


def test_only_a_few_large_lines_are_read_at_once() -> None:
    class Refused:
        number, name, size = 1, "", 2 << 20

        def mail(self) -> NoReturn:
            raise NoRecipients

        def finish(self) -> bytes:
            return b""

    small = Refused()
    small.size = 1000
    with bulk._LARGE, bulk._LARGE, ThreadPoolExecutor(1) as other:
        assert "recipient" in str(bulk._spooled(small))
        waits = other.submit(bulk._spooled, Refused())
        with pytest.raises(TimeoutError):
            waits.result(0.1)
        bulk._LARGE.release()
        assert "recipient" in str(waits.result(60))
        bulk._LARGE.acquire()


def test_header_fields_cannot_be_smuggled_in(token: str) -> None:
    given = line(
        subject="Hi\r\nBcc: evil@mail.example\r\n\r\nbody", attachments=[{"name": "a\r\nX-Bad: 1", "content": ""}]
    )
    (item,) = items(token, body_of(post(token, given)))
    opened = open_spooled(Spooled.objects.get(pk=item["id"]))
    assert opened.envelope.recipients == (JONAS,)
    head = opened.read()
    assert b"\nBcc" not in head
    assert b"\nX-Bad" not in head


def test_a_line_that_is_too_long_is_named_with_the_limit(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_BYTES", 2000)
    run = body_of(post(token, line(1) + line(2, text="x" * 3000) + line(3)))
    assert run["accepted"] == 2
    assert run["failures"][0]["number"] == 2
    assert "2,000 bytes" in run["failures"][0]["reason"]


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_lines_come_out_alike_however_the_body_comes(size: int) -> None:
    body = line(1) + b"\n  \r\n" + line(2) + b"x"
    found = list(lines.lines(in_pieces(body, size)))
    assert [one.number for one in found] == [1, 4, 5]
    assert [one.finish() for one in found] == [one.finish() for one in lines.lines([body])]


# ------------------------------------------------------------------------------------------------ once and only once


def test_the_same_body_again_is_the_same_run_and_no_second_mail(token: str) -> None:
    body = line(1) + b"broken\n" + line(2)
    first = body_of(post(token, body))
    again = body_of(post(token, body, key='"run-1"'), 200)
    assert again == first
    assert Spooled.objects.count() == 2
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    "other", [line(1) + line(3), line(1), line(1) + line(2) + line(3), b"\n", b"broken\n" + line(1) + line(2)]
)
def test_another_body_under_the_same_key_is_refused(token: str, other: bytes) -> None:
    body_of(post(token, line(1) + line(2)))
    assert "another body" in refused(post(token, other), 422)
    assert Spooled.objects.count() == 2


def test_a_key_is_each_tokens_own(token: str) -> None:
    first = body_of(post(token, line(1)))
    other = tokens.create("other")
    assert body_of(post(other, line(2)))["id"] != first["id"]
    assert get(other, first["results"]).status_code == 404
    assert get(token, first["results"]).status_code == 200


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ключ".encode().decode("latin-1")])
def test_without_a_usable_key_nothing_is_taken(token: str, key: str) -> None:
    assert "Idempotency-Key" in refused(post(token, line(1), key=key), 400)
    assert not Spooled.objects.exists()


def test_a_run_that_was_cut_goes_on_where_it_was_cut(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "GROUP", 4)
    body = b"".join(line(number) for number in range(10))
    cut = body[: body.index(b"Invoice 7")]
    response = post(token, cut, **{"wsgi.input": io.BytesIO(cut), "CONTENT_LENGTH": str(len(body))})
    assert "send the mail again" in refused(response, 400)
    run = Run.objects.get()
    # What came whole is taken, also what the last group had not filled.
    assert (run.state, run.accepted, run.leased_until) == ("open", 7, None)
    before = set(Spooled.objects.values_list("pk", flat=True))
    told = get(token, URL, **{"Idempotency-Key": "run-1"}).json()
    assert (told["id"], told["state"], told["accepted"]) == (str(run.pk), "open", 7)
    again = body_of(post(token, body))
    assert (again["id"], again["state"], again["accepted"]) == (str(run.pk), "taken", 10)
    assert before < set(Spooled.objects.values_list("pk", flat=True))
    assert Spooled.objects.count() == 10
    assert [item["number"] for item in items(token, again)] == list(range(1, 11))


def test_a_database_that_fails_in_the_middle_loses_and_doubles_nothing(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "GROUP", 2)
    body = b"".join(line(number) for number in range(6))
    commit, calls = bulk.commit_all, iter(range(100))

    def failing(*arguments: Any) -> Any:
        if next(calls) == 1:
            return [SpoolUnavailable("the database takes no rows") for _ in arguments[0]]
        return commit(*arguments)

    monkeypatch.setattr(bulk, "commit_all", failing)
    assert refused(post(token, body), 503)
    assert body_of(post(token, body))["accepted"] == 6
    assert Spooled.objects.count() == Item.objects.count() == 6


def test_two_requests_do_not_feed_one_run(token: str) -> None:
    held = bulk.begin(f"token:{tokens.find(f'Bearer {token}').pk}", "run-1")  # type: ignore[union-attr]
    assert "Another request" in refused(post(token, line(1)), 409)
    # One that was taken for dead writes nothing more.
    Run.objects.filter(pk=held.pk).update(leased_by="another")
    with pytest.raises(RunBusy):
        bulk.feed(held, lines.lines([line(1)]))
    assert not Spooled.objects.exists()
    assert not list(folder().glob("*-*"))


def test_the_work_a_mail_costs_does_not_grow_with_the_run(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries of the first, second and third hundred items of a run, and of its repetition."""
    monkeypatch.setattr(bulk, "GROUP_SECONDS", 3600)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # a token's first request of a minute costs a query more
    body_of(post(token, b"\n", key="warm"))  # the token's own writes
    body = [line(number) for number in range(300)]
    costs = []
    for share in (body[:100], body[:200], body):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            body_of(post(token, b"".join(share), key=f"run-{len(share)}"))
        costs.append(len(queries))
    assert costs[2] - costs[1] == costs[1] - costs[0]
    with CaptureQueriesContext(connection) as queries:
        body_of(post(token, b"".join(body), key="run-300"), 200)
    assert len(queries) < 15


# --------------------------------------------------------------------------------------------------------- zip


def eml(number: int) -> bytes:
    return mail(f"[secure] Invoice {number}", "Hello. " * 200)


@pytest.mark.parametrize("size", [1, 13, 4096, 1 << 20])
@pytest.mark.parametrize("write", ["deflated", "stored", "streamed", "streamed, zip64"])
def test_an_archive_comes_out_alike_however_it_is_written_and_comes(write: str, size: int) -> None:
    content = [(f"folder/{number}.eml", eml(number)) for number in range(3)]
    body = {
        "deflated": lambda: zipped(*content),
        "stored": lambda: zipped(*content, method=zipfile.ZIP_STORED),
        "streamed": lambda: streamed(*content),
        "streamed, zip64": lambda: streamed(*content, zip64=True),
    }[write]()
    found = []
    for member in archive.members(in_pieces(body, size)):
        found.append((member.number, member.name, b"".join(member.mail()[1])))
        assert len(member.finish()) == 32
    assert found == [(number + 1, name, raw) for number, (name, raw) in enumerate(content)]
    digests = [member.finish() for member in archive.members(in_pieces(body, size))]
    assert len(set(digests)) == 3
    assert digests == [member.finish() for member in archive.members([body])]


def test_mails_of_an_archive_are_taken_and_told_by_their_names(token: str) -> None:
    run = body_of(post(token, zipped(("a/", b""), ("a/b.EML", eml(1)), ("c.txt", b"x")), content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    first, second = items(token, run)
    assert (first["number"], first["name"]) == (1, "a/b.EML")
    assert open_spooled(Spooled.objects.get(pk=first["id"])).envelope.recipients == (JONAS,)
    assert (second["name"], ".eml" in second["reason"]) == ("c.txt", True)
    stored = b"".join(bytes(item.name) for item in Item.objects.all())
    assert b"b.EML" not in stored
    assert body_of(post(token, zipped(("a/", b""), ("a/b.EML", eml(1)), ("c.txt", b"x")), content_type=ZIP), 422)


def test_an_archive_sent_again_makes_no_second_mail(token: str) -> None:
    body = streamed(("1.eml", eml(1)), ("2.txt", b"x"), ("3.eml", b"no mail"), ("4.eml", eml(4)))
    first = body_of(post(token, body, content_type=ZIP))
    assert (first["accepted"], first["refused"]) == (2, 2)
    assert body_of(post(token, body, content_type=ZIP), 200) == first
    assert Spooled.objects.count() == 2


@pytest.mark.parametrize(
    "name", ["../up.eml", "/etc/x.eml", "a/../../x.eml", "C:\\x.eml", "\\\\host\\x.eml", "a\nb.eml"]
)
def test_a_path_that_leads_out_of_the_archive_is_refused(token: str, name: str) -> None:
    run = body_of(post(token, zipped((name, eml(1)), ("good.eml", eml(2))), content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert "path" in run["failures"][0]["reason"]


def test_a_very_long_name_is_refused(token: str) -> None:
    run = body_of(post(token, zipped(("x" * 300 + ".eml", eml(1))), content_type=ZIP))
    assert "255" in run["failures"][0]["reason"]


def patched(body: bytes, offset: int, value: bytes) -> bytes:
    return body[:offset] + value + body[offset + len(value) :]


def test_an_encrypted_member_is_refused_and_the_others_are_taken(token: str) -> None:
    body = patched(zipped(("1.eml", eml(1)), ("2.eml", eml(2))), 6, b"\x01\x00")
    run = body_of(post(token, body, content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert "password" in run["failures"][0]["reason"]


def test_an_encrypted_member_without_a_length_ends_the_run(token: str) -> None:
    body = patched(streamed(("1.eml", eml(1))), 6, b"\x09\x00")
    assert "password" in refused(post(token, body, content_type=ZIP), 422)


@pytest.mark.parametrize(("offset", "value", "word"), [(8, b"\x0c\x00", "deflate"), (14, b"\0\0\0\0", "checksum")])
def test_a_member_that_cannot_be_unpacked_is_refused_alone(token: str, offset: int, value: bytes, word: str) -> None:
    body = patched(zipped(("1.eml", eml(1)), ("2.eml", eml(2))), offset, value)
    run = body_of(post(token, body, content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert word in run["failures"][0]["reason"]
    assert len(list(folder().glob("*-*"))) == 1


def test_a_member_over_the_limit_is_refused_with_the_limit(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "LETTERLOCK", dataclasses.replace(settings.LETTERLOCK, max_message_bytes=5000))
    large = mail(text="x\n" * 9000)
    for body in (zipped(("1.eml", large), ("2.eml", eml(2))), streamed(("1.eml", large), ("2.eml", eml(2)))):
        run = body_of(post(token, body, key=str(uuid4()), content_type=ZIP))
        assert (run["accepted"], run["refused"]) == (1, 1)
        assert "5,000 bytes" in run["failures"][0]["reason"]


def test_a_member_that_says_it_has_two_gigabytes_is_refused_before_it_is_read(token: str) -> None:
    body = patched(zipped(("1.eml", eml(1)), ("2.eml", eml(2))), 22, struct.pack("<L", 2 << 30))
    run = body_of(post(token, body, content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert "157,286,400 bytes" in run["failures"][0]["reason"]


def test_a_bomb_ends_the_run_with_the_limit_and_takes_no_memory(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_COUNTS_FROM", 1 << 20)
    bomb = streamed(("1.eml", mail() + b"\0" * (40 << 20)))
    tracemalloc.start()
    try:
        assert "100 times" in refused(post(token, bomb, content_type=ZIP), 422)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert not Spooled.objects.exists()
    assert not list(folder().glob("*-*"))


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"no zip", "not a zip"),
        (b"PK", "ends too early"),
        (zipped(("1.eml", eml(1)))[:100], "ends within"),
        (streamed(("1.eml", eml(1)))[:200], "damaged"),
        (zipped(("1.eml", eml(1)))[:-80] + b"junk" * 20, "damaged"),
        (patched(zipped(("1.eml", eml(1))), 18, b"\xff\xff\xff\xff"), "no length"),
    ],
    ids=["no zip", "two bytes", "cut in a member", "cut in a stream", "junk at the end", "no length"],
)
def test_an_archive_that_cannot_be_read_on_ends_the_run(token: str, body: bytes, word: str) -> None:
    assert word in refused(post(token, body, content_type=ZIP), 422)


def test_what_does_not_unpack_is_that_members_matter(token: str) -> None:
    body = zipped(("1.eml", eml(1)), ("2.eml", eml(2)))
    run = body_of(post(token, patched(body, 60, b"\xff" * 8), content_type=ZIP))
    assert (run["accepted"], run["refused"]) == (1, 1)
    assert "does not unpack" in run["failures"][0]["reason"] or "checksum" in run["failures"][0]["reason"]


# ------------------------------------------------------------------------------------------------------ the rest


def test_wrong_ways_in_are_refused(token: str) -> None:
    assert "application/zip" in refused(post(token, line(1), content_type="application/json"), 415)
    assert refused(post("llk_wrong", line(1)), 401)
    put = Client(**HOST).put(URL, b"", headers={"Authorization": f"Bearer {token}"})
    assert put.status_code == 405
    assert put.headers["Allow"] == "GET, HEAD, POST"
    assert get(token, URL, **{"Idempotency-Key": "unknown"}).status_code == 404
    assert get(token, f"/api/v1/bulk/{uuid4()}").status_code == 404
    assert get("llk_wrong", f"/api/v1/bulk/{uuid4()}").status_code == 401
    response = Client(**HOST).generic(
        "POST", URL, line(1), content_type=NDJSON, headers={"Authorization": f"Bearer {token}", "Content-Length": ""}
    )
    assert response.status_code == 411


def test_items_come_in_pages(token: str) -> None:
    run = body_of(post(token, b"".join(line(number) for number in range(5))))
    page = get(token, f"{run['results']}?limit=2").json()
    assert [item["number"] for item in page["items"]] == [1, 2]
    page = get(token, page["next"]).json()
    page = get(token, page["next"]).json()
    assert [item["number"] for item in page["items"]] == [5]
    assert page["next"] is None
    for query in ("after=x", "limit=0", "limit=-1", "after=²"):
        assert get(token, f"{run['results']}?{query}").status_code == 400


def test_more_items_than_a_run_may_have_end_it_with_the_limit(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MAX_ITEMS", 2)
    assert "2 items" in refused(post(token, line(1) + line(2) + line(3)), 413)
    assert Spooled.objects.count() == 2


def test_nothing_of_a_run_lies_anywhere_in_clear(token: str) -> None:
    body = zipped(("Kanarienvogel.eml", mail("[secure] Kanarienvogel", "Kanarienvogel")), ("Kanarienvogel.txt", b""))
    body_of(post(token, body, key="Kanarienvogel", content_type=ZIP))
    body_of(post(token, line(text="Kanarienvogel"), key="2"))
    assert b"Kanarienvogel" not in b"".join(path.read_bytes() for path in folder().glob("*-*"))
    for model in (Run, Item, Spooled):
        assert "Kanarienvogel" not in str(list(model.objects.values_list()))


def test_the_memory_a_run_takes_does_not_grow_with_its_body(token: str) -> None:
    run = bulk.begin("test", "memory")

    def body() -> Iterator[bytes]:
        chunk = b"".join(line(number, text="x" * 20_000) for number in range(10))
        for _ in range(60):
            yield chunk

    tracemalloc.start()
    try:
        taken = bulk.feed(run, lines.lines(body()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken.accepted == 600
    assert peak < 16 << 20, peak
