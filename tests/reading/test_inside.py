"""What else a mail may hold, on the pages of its reader: invitations, messages inside, winmail.dat, foreign keys."""

from __future__ import annotations

import subprocess
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.vault.checking import check
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from tests.mails import JONAS, mail
from tests.mime import outlook
from tests.parts import need
from tests.seals import path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
NO_DOWNLOAD = ("X-Letterlock-Protect", "v=1; dl=0")

ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
METHOD:REQUEST\r
BEGIN:VEVENT\r
UID:1\r
SUMMARY:Talk about <b>your</b> knee\r
DTSTART;TZID=Europe/Stockholm:20261124T140000\r
DTEND;TZID=Europe/Stockholm:20261124T150000\r
LOCATION:https://rooms.example/4\r
ORGANIZER;CN=Dr Maya Lindqvist:mailto:maya@aldervalley.example\r
ATTENDEE:mailto:jonas.berg@mail.example\r
RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3\r
END:VEVENT\r
END:VCALENDAR\r
"""
SCRIPT = '<p onclick="x()">Inner words</p><script>x()</script><img src="https://evil.example/p.png">'


def page(message: Message, path: str = "") -> tuple[Client, Reader, Any]:
    reader = reader_of(message)
    client = signed_in(reader)
    return client, reader, client.get(path_of(reader) + path)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def forwarded(depth: int = 1, **more: str) -> bytes:
    """A message as a mail program attaches it, so many times over."""
    files = [("plan.txt", "text/plain", b"inner plan")]
    raw = mail(subject="Inner subject", text="x", html=SCRIPT, files=files)
    for _ in range(depth):
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = "maya.lindqvist@aldervalley.example", JONAS, "[secure] Fwd"
        for name, value in more.items():
            made[name.replace("_", "-")] = value
        made.set_content("See below")
        made.add_attachment(message_from_bytes(raw))
        raw = made.as_bytes()
    return raw


def test_an_invitation_is_a_card_of_its_own_words_and_nothing_runs() -> None:
    client, reader, shown = page(seal(mail(files=[("invite.ics", "text/calendar", ICS)])))
    text = words(shown.content)
    assert "Tuesday, 24 November 2026, 14:00 to 15:00" in text
    assert "Time zone: Europe/Stockholm" in text
    assert "Repeats every week. On these days: Tuesday. It takes place 3 times." in text
    assert "Dr Maya Lindqvist &lt;maya@aldervalley.example&gt;" in text
    assert "1 person is invited" in text
    html = shown.content.decode()
    assert "Talk about &lt;b&gt;your&lt;/b&gt; knee" in html
    assert 'href="https://rooms.example/4"' in html
    assert "Download .ics" in text
    assert body(client.get(f"{path_of(reader)}/file/1")) == ICS


def test_without_the_right_to_download_the_card_is_shown_and_its_file_refused() -> None:
    client, reader, shown = page(seal(mail(files=[("invite.ics", "text/calendar", ICS)], headers=[NO_DOWNLOAD])))
    assert "24 November 2026, 14:00" in words(shown.content)
    assert "Download .ics" not in words(shown.content)
    assert client.get(f"{path_of(reader)}/file/1").status_code == 404


@pytest.mark.parametrize("data", [b"BEGIN:VCALENDAR", ICS.replace(b"20261124T140000", b"soon"), ICS + b" " * 600_000])
def test_an_unreadable_invitation_is_a_plain_file(data: bytes) -> None:
    client, reader, shown = page(seal(mail(files=[("invite.ics", "text/calendar", data)])))
    assert shown.status_code == 200
    assert "Invitation" not in words(shown.content)
    assert body(client.get(f"{path_of(reader)}/file/1")) == data


def test_an_invitation_that_comes_twice_is_one_card() -> None:
    files = [("a.ics", "text/calendar", ICS), ("b.ics", "application/ics", ICS)]
    _, _, shown = page(seal(mail(files=files)))
    assert shown.content.count(b'<section class="event"') == 1


def test_a_message_inside_has_a_page_of_its_own_and_is_cleaned_like_any() -> None:
    message = seal(forwarded())
    client, reader, shown = page(message)
    path = path_of(reader)
    assert f'href="{path}/inner/1"' in shown.content.decode()
    inner = client.get(f"{path}/inner/1")
    text = words(inner.content)
    assert "Inner subject" in text
    assert "Dr Maya Lindqvist &lt;maya.lindqvist@aldervalley.example&gt;" in text
    assert "Nobody has confirmed who wrote it." in text
    assert "Parts of this message were removed for safety." in text
    assert inner["Cache-Control"] == "no-store"
    assert f'src="{path}/body-1"' in inner.content.decode()
    document = client.get(f"{path}/body-1")
    assert "Inner words" in document.content.decode()
    assert not any(bad in document.content for bad in (b"<script", b"onclick", b"evil.example"))
    assert "script-src 'none'" in document["Content-Security-Policy"]
    assert "sandbox" in document["Content-Security-Policy"]
    # Its file has a number of its own, behind those of the message around it.
    assert body(client.get(f"{path}/file/2")) == b"inner plan"
    assert check(message).problems == []


def test_messages_inside_messages_lead_to_each_other_and_end() -> None:
    client, reader, _ = page(seal(forwarded(depth=6)))
    path = path_of(reader)
    opened = open_message(reader)
    assert len(opened.toc.inner) == 3
    second = client.get(f"{path}/inner/2").content.decode()
    assert f'href="{path}/inner/1"' in second
    assert f'href="{path}/inner/3"' in second
    assert client.get(f"{path}/inner/4").status_code == 404
    assert client.get(f"{path}/body-4").status_code == 404


def test_nothing_inside_is_shown_or_given_to_others() -> None:
    message = seal(forwarded(), JONAS, "karin.berg@post.example")
    path = path_of(reader_of(message))
    other = signed_in(reader_of(message, "karin.berg@post.example"))
    for part in ("/inner/1", "/body-1", "/file/2"):
        assert other.get(path + part).status_code == 404
        assert Client(HTTP_HOST="localhost").get(path + part).status_code == 302
        assert signed_in(reader_of(message)).post(path + part).status_code == 405


def test_the_preview_of_a_file_inside_leads_back_to_the_message_that_holds_it() -> None:
    client, reader, _ = page(seal(forwarded(2)))
    path = path_of(reader)
    (deepest,) = [inner for inner in open_message(reader).toc.inner if inner.subject == "Inner subject"]
    shown = client.get(f"{path}/file/{deepest.files[0].number}/preview").content.decode()
    assert f'<a class="back" href="{path}/inner/{deepest.number}">' in shown
    assert "<bdi>Inner subject</bdi>" in shown
    outer = client.get(f"{path}/file/{open_message(reader).toc.files[0].number}/preview").content.decode()
    assert f'<a class="back" href="{path}">' in outer


def test_files_inside_follow_the_right_to_download() -> None:
    client, reader, _ = page(seal(forwarded(X_Letterlock_Protect="v=1; dl=0")))
    assert "Downloading is off." in words(client.get(f"{path_of(reader)}/inner/1").content)
    assert client.get(f"{path_of(reader)}/file/2").status_code == 404


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [
        ("saved.eml", "application/octet-stream", mail(subject="Saved", text="As it was")),
        ("saved.msg", "application/vnd.ms-outlook", outlook.msg(outlook.Message("Saved", "As it was"))),
    ],
)
def test_saved_messages_are_opened_too(name: str, kind: str, data: bytes) -> None:
    client, reader, shown = page(seal(mail(files=[(name, kind, data)])))
    assert "1 message inside" in words(shown.content)
    assert "As it was" in words(client.get(f"{path_of(reader)}/inner/1").content)
    assert body(client.get(f"{path_of(reader)}/file/1")) == data


@pytest.mark.parametrize("data", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), b"hello", b"\0" * 5000])
def test_what_only_calls_itself_a_message_is_a_plain_file(data: bytes) -> None:
    files = [("a.eml", "application/octet-stream", data), ("b.msg", "application/vnd.ms-outlook", data)]
    _, _, shown = page(seal(mail(files=files)))
    assert "inside" not in words(shown.content)
    assert "2 files" in words(shown.content)


def test_winmail_is_unpacked_as_if_the_mail_had_its_files() -> None:
    file = outlook.File("Brief.pdf", b"%PDF-1", "application/pdf")
    held = outlook.Message(text="Rich", html=b"<p>Rich <script>x</script></p>", files=[file])
    client, reader, shown = page(seal(mail(files=[("winmail.dat", "application/ms-tnef", outlook.tnef(held))])))
    text = words(shown.content)
    assert "Brief.pdf" in text
    assert "winmail.dat" not in text
    assert body(client.get(f"{path_of(reader)}/file/1")) == b"%PDF-1"
    assert "<p>Rich </p>" in client.get(f"{path_of(reader)}/body").content.decode()


def test_a_broken_winmail_stays_a_file() -> None:
    data = outlook.tnef(outlook.Message())[:-30]
    client, reader, _ = page(seal(mail(files=[("winmail.dat", "application/ms-tnef", data)])))
    assert body(client.get(f"{path_of(reader)}/file/1")) == data


def openssl(folder: Path, *arguments: str) -> bytes:
    """What OpenSSL makes of a mail by a key made here."""
    need("openssl")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    if not key.exists():
        made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-days", "9"]
        run = ["openssl", "req", "-x509", *made, "-keyout", key, "-out", certificate]
        subprocess.run(run, check=True, capture_output=True)
    inner = b"Content-Type: text/plain\r\n\r\nSigned words\r\n"
    signer = ["-signer", certificate, "-inkey", key] if "-sign" in arguments else [certificate]
    return subprocess.run(["openssl", "cms", *arguments, *signer], input=inner, check=True, capture_output=True).stdout


HEAD = f"From: maya.lindqvist@aldervalley.example\r\nTo: {JONAS}\r\nSubject: [secure] x\r\n".encode()


@pytest.mark.parametrize("arguments", [("-sign",), ("-sign", "-nodetach"), ("-sign", "-nodetach", "-stream")])
def test_a_signed_message_is_shown_and_said_to_be_unchecked(arguments: tuple[str, ...], tmp_path: Path) -> None:
    _, _, shown = page(seal(HEAD + openssl(tmp_path, *arguments)))
    assert "Signed words" in words(shown.content)
    assert "This message carries an S/MIME signature, which Letterlock has not checked." in words(shown.content)


def test_an_encrypted_message_is_a_file_and_said_to_be_so(tmp_path: Path) -> None:
    _, _, shown = page(seal(HEAD + openssl(tmp_path, "-encrypt")))
    assert "Part of this message is encrypted with S/MIME. It is shown as a file" in words(shown.content)
    assert "smime.p7m" in words(shown.content)


PGP_MIME = (
    HEAD
    + b"""Content-Type: multipart/encrypted; boundary=b; protocol="application/pgp-encrypted"\r
\r
--b\r
Content-Type: application/pgp-encrypted\r
\r
Version: 1\r
--b\r
Content-Type: application/octet-stream; name="encrypted.asc"\r
\r
-----BEGIN PGP MESSAGE-----\r
\r
hQ==\r
-----END PGP MESSAGE-----\r
--b--\r
"""
)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (PGP_MIME, "Part of this message is encrypted with OpenPGP. It is shown as a file"),
        (HEAD + b"\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ==\r\n", "Part of this text is encrypted with OpenPGP."),
        (HEAD + b"\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nhi\r\n", "an OpenPGP signature"),
        (mail(files=[("x.asc", "text/x", b"-----BEGIN PGP MESSAGE-----\n")]), "encrypted with OpenPGP"),
    ],
)
def test_openpgp_is_named(raw: bytes, sentence: str) -> None:
    _, _, shown = page(seal(raw))
    assert sentence in words(shown.content)


def test_a_very_long_body_shows_its_first_part_and_the_rest_on_request() -> None:
    html = "<p>begin</p>" + "<p>some words</p>" * 80_000 + "<p>the end</p>"
    client, reader, _ = page(seal(mail(html=html)))
    first = client.get(f"{path_of(reader)}/body").content.decode()
    assert "begin" in first
    assert "the end" not in first
    assert '<a href="?all=1">Show the rest</a>' in first
    whole = client.get(f"{path_of(reader)}/body?all=1").content.decode()
    assert "the end" in whole
    assert "Show the rest" not in whole


def test_a_very_long_text_shows_its_first_part_and_the_rest_on_request() -> None:
    client, reader, shown = page(seal(mail(text="some words and more\n" * 60_000 + "the end")))
    assert "the end" not in words(shown.content)
    assert '<a href="?all=1">Show the rest</a>' in shown.content.decode()
    assert "the end" in words(client.get(f"{path_of(reader)}?all=1").content)


def test_quoted_history_is_folded_in_the_frame() -> None:
    html = f'<p>New</p><blockquote type="cite">{"<p>older</p>" * 50}</blockquote>'
    _, _, document = page(seal(mail(html=html)), "/body")
    assert '<details><summary>Show quoted text</summary><blockquote type="cite">' in document.content.decode()
