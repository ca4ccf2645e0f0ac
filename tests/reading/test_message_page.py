"""The message page and what it serves: to its reader, within their rights, and nothing of what is damaged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.audit.models import Entry
from portal.audit.record import timeline
from portal.ingest import streams
from portal.keys.errors import KeyDestroyed, KeysError
from portal.keys.service import keys
from portal.mime.cleaning import Cleaned
from portal.vault.blobs import store
from portal.vault.errors import (
    EmptyStream,
    NotAStream,
    SealBroken,
    Truncated,
    UnknownFormat,
    UnknownSuite,
    UnknownVersion,
    VaultError,
)
from portal.vault.models import Message, Wrap
from portal.vault.opening import open_message
from portal.vault.rights import Rights
from tests.mails import JONAS, KARIN, mail
from tests.seals import HOST, default_brand, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
SECRET = "no new tear"
DAY = re.compile(r"\b\d{1,2} [A-Z][a-z]+ \d{4}\b")
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)


def kinds(message: Message) -> list[str]:
    return [entry.kind for entry in timeline(message.pk)]


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_its_reader_sees_it_and_that_is_recorded_once_shown() -> None:
    message = seal(mail(text=SECRET))
    reader = reader_of(message)
    client = signed_in(reader)
    assert "message.opened" not in kinds(message)
    client.head(path_of(reader))
    assert "message.opened" not in kinds(message)
    page = client.get(path_of(reader))
    assert page.status_code == 200
    assert SECRET in page.content.decode()
    assert kinds(message).count("message.opened") == 1


def test_every_page_of_a_message_may_be_kept_by_nobody() -> None:
    reader = reader_of(seal(mail(html="<p>x</p>", files=[("a.txt", "text/plain", b"a")])))
    client = signed_in(reader)
    for path in ("", "/body", "/file/1", "/files", "/reply"):
        answer = client.get(path_of(reader) + path)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_the_html_body_can_run_nothing_and_reach_nothing() -> None:
    html = f'<p onclick="x()">{SECRET}</p><script>x()</script><form action="https://evil.example"><input></form>'
    reader = reader_of(seal(mail(html=html)))
    answer = signed_in(reader).get(f"{path_of(reader)}/body")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "sandbox" in policy
    text = answer.content.decode()
    assert SECRET in text
    assert not any(word in text for word in ("<script", "onclick", "<form", "evil.example"))


def test_an_inline_picture_is_shown_by_its_own_address() -> None:
    from email.message import EmailMessage

    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@aldervalley.example", JONAS, "[secure] x"
    made.set_content("x")
    made.add_alternative('<p>x <img src="cid:pic"></p>', subtype="html")
    made.get_payload()[1].add_related(PICTURE, "image", "png", cid="<pic>")  # type: ignore[union-attr,index]
    reader = reader_of(seal(made.as_bytes()))
    client = signed_in(reader)
    assert 'src="inline/1"' in client.get(f"{path_of(reader)}/body").content.decode()
    shown = client.get(f"{path_of(reader)}/inline/1")
    assert shown["Content-Type"] == "image/png"
    assert body(shown) == PICTURE


def test_a_file_that_only_calls_itself_a_picture_is_not_shown_inline() -> None:
    reader = reader_of(seal(mail(files=[("x.svg", "image/svg+xml", b"<svg onload=alert(1)>")])))
    assert signed_in(reader).get(f"{path_of(reader)}/inline/1").status_code == 404


def test_a_download_has_a_safe_name_and_is_never_shown_in_place() -> None:
    files = [("../../etc/pass\u202efdp.exe", "text/html", b"<script>alert(1)</script>")]
    reader = reader_of(seal(mail(files=files)))
    answer = signed_in(reader).get(f"{path_of(reader)}/file/1")
    named = answer["Content-Disposition"]
    assert named.startswith("attachment;")
    assert "/" not in named.split("filename")[1]
    assert "\u202e" not in named
    assert "%E2%80%AE" not in named
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_ranges_of_a_download() -> None:
    data = bytes(range(256)) * 3000
    reader = reader_of(seal(mail(files=[("a.bin", "application/pdf", data)])))
    client, url = signed_in(reader), f"{path_of(reader)}/file/1"
    whole = client.get(url)
    assert (whole.status_code, whole["Accept-Ranges"], body(whole)) == (200, "bytes", data)
    part = client.get(url, headers={"Range": "bytes=1000-70999"})
    assert (part.status_code, part["Content-Range"]) == (206, f"bytes 1000-70999/{len(data)}")
    assert body(part) == data[1000:71000]
    assert body(client.get(url, headers={"Range": "bytes=-5"})) == data[-5:]
    beyond = client.get(url, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(data)}")
    head = client.head(url)
    assert (head["Content-Length"], body(head)) == (str(len(data)), b"")


def test_a_part_from_the_middle_is_a_download_too() -> None:
    """All but the first byte of a file is the file, and the record must know who has it."""
    reader = reader_of(seal(mail(files=[("a.bin", "application/pdf", b"0123456789")])))
    client, url = signed_in(reader), f"{path_of(reader)}/file/1"
    assert client.get(url, headers={"Range": "bytes=10-"}).status_code == 416
    assert not Entry.objects.filter(kind="file.downloaded").exists()
    assert body(client.get(url, headers={"Range": "bytes=1-"})) == b"123456789"
    body(client.get(url, headers={"Range": "bytes=5-"}))
    noted = Entry.objects.get(kind="file.downloaded")
    assert (noted.reader, noted.facts) == (reader.pk, {"file": 1}), "and going on with one is no second download"


def test_a_listed_picture_is_recorded_also_at_the_address_of_those_in_the_text() -> None:
    raw = (
        b"From: a@b.example\r\nSubject: [secure] x\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Disposition: attachment; filename=p.png\r\n"
        b"\r\n\x89PNG\r\n\x1a\nrest\r\n--b--\r\n"
    )
    reader = reader_of(seal(raw))
    client = signed_in(reader)
    assert client.get(f"{path_of(reader)}/inline/1").status_code == 200
    assert Entry.objects.get(kind="file.previewed").facts == {"file": 1}


@pytest.mark.parametrize("path", ["/body", "/file/1", "/file/1/preview", "/files", "/reply"])
def test_whoever_goes_past_its_page_has_opened_it_all_the_same(path: str) -> None:
    raw = mail("[secure] x", SECRET, html=f"<p>{SECRET}</p>", files=[("a.txt", "text/plain", b"x")])
    reader = reader_of(seal(raw))
    client = signed_in(reader)
    client.head(f"{path_of(reader)}{path}")
    assert client.get(f"{path_of(reader)}/file/9").status_code == 404
    assert not Entry.objects.filter(kind="message.opened").exists(), "what shows nothing opens nothing"
    assert client.get(f"{path_of(reader)}{path}").status_code == 200
    client.get(f"{path_of(reader)}{path}")
    assert Entry.objects.get(kind="message.opened").facts["first"] is True
    reader.refresh_from_db()
    assert reader.first_opened_at is not None
    client.get(path_of(reader))
    assert [e.facts["first"] for e in Entry.objects.filter(kind="message.opened").order_by("id")] == [True, False]


def test_whoever_has_it_shown_below_an_answer_that_is_refused_has_opened_it_too() -> None:
    message = seal(mail("[secure] Lunch", "Soup and a secret."))
    reader = reader_of(message)
    client = signed_in(reader)
    client.head(f"{path_of(reader)}/reply")
    assert not Entry.objects.filter(kind="message.opened").exists()
    for _ in range(2):
        answer = client.post(f"{path_of(reader)}/reply")
        assert answer.status_code == 422 and b"Soup and a secret." in answer.content
    assert Entry.objects.get(kind="message.opened").facts["first"] is True


def test_downloading_is_refused_without_the_right_to() -> None:
    raw = mail("x", files=[("a.txt", "text/plain", SECRET.encode())], headers=[("X-Letterlock-Protect", "v=1; dl=0")])
    reader = reader_of(seal(raw))
    client = signed_in(reader)
    assert f'{path_of(reader)}/file/1"' not in client.get(path_of(reader)).content.decode()
    refused = client.get(f"{path_of(reader)}/file/1")
    assert refused.status_code == 404
    assert SECRET not in body(refused).decode()


def test_rights_changed_in_the_database_open_nothing() -> None:
    raw = mail("x", SECRET, headers=[("X-Letterlock-Protect", "v=1; dl=0")])
    message = seal(raw)
    Message.objects.update(rights=Rights().encode())
    reader = reader_of(message)
    page = signed_in(reader).get(path_of(reader))
    assert page.status_code == 500
    assert SECRET not in page.content.decode()


def test_a_wrap_moved_to_another_reader_opens_nothing() -> None:
    message = seal(mail(text=SECRET), JONAS)
    other = seal(mail(text="for Karin"), KARIN)
    stolen = bytes(reader_of(message).wraps.get().wrapped)
    karin = reader_of(other, KARIN)
    Wrap.objects.filter(reader=karin).update(wrapped=stolen)
    page = signed_in(karin).get(path_of(karin))
    assert page.status_code == 500
    assert SECRET not in page.content.decode()


@pytest.mark.parametrize("place", ["container", "blob", "missing blob"])
def test_damaged_bytes_show_nothing_and_are_recorded(place: str) -> None:
    data = bytes(range(256)) * 2000
    message = seal(mail(text=SECRET, files=[("a.bin", "application/pdf", data)]))
    reader = reader_of(message)
    client, url = signed_in(reader), path_of(reader)
    blob = message.blobs.get(name="part/1")
    path = store()._path(blob.id)
    if place == "container":
        container = cbor2.loads(bytes(message.container))
        broken = bytearray(container["toc"])
        broken[len(broken) // 2] ^= 1
        Message.objects.update(container=cbor2.dumps({**container, "toc": bytes(broken)}))
    elif place == "blob":
        raw = bytearray(path.read_bytes())
        raw[-10] ^= 1
        path.write_bytes(raw)
        url += "/file/1"
    else:
        path.unlink()
        url += "/file/1"
    answer = client.get(url)
    assert answer.status_code == 500
    assert "This message cannot be opened" in words(answer.content)
    assert SECRET not in answer.content.decode()
    assert kinds(message)[-1] == "message.damaged"


def _stored_toc(change: Callable[[bytes], bytes]) -> Callable[[Message], None]:
    def changed(message: Message) -> None:
        container = cbor2.loads(bytes(message.container))
        Message.objects.update(container=cbor2.dumps({**container, "toc": change(container["toc"])}))

    return changed


def _its_epoch_is_destroyed(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(state=Message.State.OPEN)
    for epoch in message.epochs.all():
        keys().puncture(epoch.epoch, epoch.number, None)


@pytest.mark.parametrize(
    ("trouble", "error", "status", "page"),
    [
        (_stored_toc(lambda toc: b"LLS2" + toc[4:]), UnknownVersion, 500, "stored by a newer version of this portal"),
        (_stored_toc(lambda toc: toc[:4] + b"\2" + toc[5:]), UnknownSuite, 500, "encrypted in a way"),
        (_stored_toc(lambda toc: b"PK\3\4" + toc[4:]), NotAStream, 500, "Something else is stored in its place"),
        (_stored_toc(lambda toc: b""), EmptyStream, 500, "The file it was stored in is empty"),
        (_stored_toc(lambda toc: toc[:80]), Truncated, 500, "The file it was stored in is damaged"),
        (_stored_toc(lambda toc: toc[:5] + b"\x15" + toc[6:]), UnknownFormat, 500, "is damaged"),
        (lambda message: Message.objects.update(container=b""), EmptyStream, 500, "is empty"),
        (lambda message: Message.objects.update(container=b"\xff"), SealBroken, 500, "is damaged"),
        (lambda message: Message.objects.update(container=cbor2.dumps([1])), SealBroken, 500, "is damaged"),
        (_its_epoch_is_destroyed, KeyDestroyed, 410, "This message is no longer stored"),
    ],
    ids=["version", "suite", "magic", "zero", "cut", "chunk", "no row", "no CBOR", "no map", "destroyed epoch"],
)
def test_what_cannot_be_opened_has_an_error_and_two_sentences_of_its_own(
    trouble: Callable[[Message], object],
    error: type[VaultError] | type[KeysError],
    status: int,
    page: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One for the operator, which says what to do next, and one for the reader, which promises nothing untrue."""
    message = seal(mail(text=SECRET))
    trouble(message)
    reader = reader_of(Message.objects.get(pk=message.pk))
    with pytest.raises(error) as caught:
        open_message(reader)
    assert type(caught.value) is error
    assert str(caught.value) == error.sentence
    answer = signed_in(reader).get(path_of(reader))
    said = words(answer.content)
    assert answer.status_code == status
    assert page in said
    assert SECRET not in said
    if status == 500:
        assert error.sentence in caplog.text
        assert error.sentence not in said
        assert kinds(message)[-1] == "message.damaged"


def test_each_of_these_errors_has_another_sentence() -> None:
    errors = (UnknownVersion, UnknownSuite, NotAStream, EmptyStream, Truncated, UnknownFormat, SealBroken, KeyDestroyed)
    assert len({error.sentence for error in errors}) == len(errors)


def test_a_download_stops_at_the_first_bad_chunk() -> None:
    data = bytes(range(256)) * 2000
    message = seal(mail(files=[("a.bin", "application/pdf", data)]))
    path = store()._path(message.blobs.get(name="part/1").id)
    raw = bytearray(path.read_bytes())
    raw[200_000] ^= 1
    path.write_bytes(raw)
    reader = reader_of(message)
    answer = signed_in(reader).get(f"{path_of(reader)}/file/1")
    assert answer["Content-Length"] == str(len(data))
    got = b""
    try:
        for chunk in answer.streaming_content:  # type: ignore[attr-defined]
            got += chunk
    except ConnectionAbortedError:
        pass
    assert 0 < len(got) < 200_000
    assert data.startswith(got)
    assert kinds(message)[-1] == "message.damaged"


@pytest.mark.parametrize("state", ["closed", "withdrawn"])
def test_what_is_closed_or_withdrawn_looks_open_until_the_proof(state: str) -> None:
    message = seal(mail(text=SECRET))
    reader = reader_of(message)
    stranger = Client(HTTP_HOST=HOST)
    before = DAY.sub("DAY", words(stranger.get(path_of(reader)).content))
    if state == "closed":
        Message.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    else:
        Message.objects.update(state=Message.State.WITHDRAWN)
    after = stranger.get(path_of(reader))
    assert after.status_code == 200
    assert "Email me a passcode" in words(after.content)
    assert DAY.sub("DAY", words(after.content)) == before
    client = signed_in(reader)
    for path in ("", "/body", "/file/1", "/files", "/original", "/reply"):
        answer = client.get(path_of(reader) + path)
        still = state == "closed" and path == "/reply"  # for some days, and without the message
        assert answer.status_code == (200 if still else 410)
        assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("link", ["0" * 22, "nonsense", "", "x" * 500, "../../etc"])
def test_unknown_mistyped_and_deleted_links_are_one_page(link: str) -> None:
    default_brand()
    stranger = Client(HTTP_HOST=HOST)
    known = stranger.get(f"/m/{'z' * 22}")
    answer = stranger.get(f"/m/{link}")
    if link and "/" not in link:
        assert (answer.status_code, words(answer.content)) == (known.status_code, words(known.content))
    assert known.status_code == 404
    assert "Enter the email address this message was sent to" in words(known.content)


def test_a_link_typed_in_capitals_and_with_letters_for_digits_works() -> None:
    reader = reader_of(seal(mail(text=SECRET)))
    link = path_of(reader).rpartition("/")[2]
    typed = link.upper().replace("0", "O").replace("1", "I")
    assert SECRET in signed_in(reader).get(f"/m/{typed}").content.decode()


def test_the_inbox_holds_only_what_is_ones_own() -> None:
    mine, theirs = seal(mail("[secure] Mine"), JONAS), seal(mail("[secure] Theirs"), KARIN)
    page = words(signed_in(reader_of(mine)).get("/inbox/").content)
    assert "Mine" in page
    assert "Theirs" not in page
    assert "Theirs" in words(signed_in(reader_of(theirs, KARIN)).get("/inbox/").content)


def test_mail_read_as_text_offers_its_original() -> None:
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(1_001))
    raw = b"From: a@b.example\r\nSubject: [secure] x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + parts
    reader = reader_of(seal(raw))
    client = signed_in(reader)
    assert f"{path_of(reader)}/original" in client.get(path_of(reader)).content.decode()
    assert body(client.get(f"{path_of(reader)}/original")) == raw
    assert Entry.objects.get(kind="file.downloaded").facts == {"file": 0}
    readable = reader_of(seal(mail()))
    assert signed_in(readable).get(f"{path_of(readable)}/original").status_code == 404
    refused = reader_of(seal(raw.replace(b"Subject", b"X-Letterlock-Protect: v=1; dl=0\r\nSubject")))
    client = signed_in(refused)
    assert f"{path_of(refused)}/original" not in client.get(path_of(refused)).content.decode()
    assert client.get(f"{path_of(refused)}/original").status_code == 404


def test_a_sender_name_that_poses_as_an_address_does_not_hide_the_real_one() -> None:
    raw = mail(sender='"ceo@bank.example" <x@evil.example>')
    reader = reader_of(seal(raw, sender="x@evil.example"))
    assert "x@evil.example" in words(signed_in(reader).get(path_of(reader)).content)


def test_it_asks_the_database_eight_things_and_no_more() -> None:
    reader = reader_of(seal(mail()))
    client = signed_in(reader)
    client.get(path_of(reader))  # the first time it notes as well that it was opened
    with CaptureQueriesContext(connection) as seen:
        client.get(path_of(reader))
    assert len(seen.captured_queries) <= 8, [query["sql"][:60] for query in seen.captured_queries]


def test_a_body_that_was_cleaned_under_other_rules_is_cleaned_again_when_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lenient(html: str, *_: Any) -> Cleaned:
        return Cleaned(html, 0, False)

    html = "<p onclick='alert(1)'>Hello</p><script>alert(2)</script><blockquote type='cite'>quoted</blockquote>"
    with monkeypatch.context() as before:
        before.setattr(streams, "clean", lenient)
        before.setattr(streams, "CLEANER_VERSION", 1)
        reader = reader_of(seal(mail(html=html)))
    shown = signed_in(reader).get(f"{path_of(reader)}/body").content.decode()
    assert "Hello" in shown
    assert "quoted" in shown
    assert "alert" not in shown
