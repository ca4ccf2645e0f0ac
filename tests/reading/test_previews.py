"""R9 and protected view: pages of files as pictures, under the same checks as a download, and never the file itself."""

from __future__ import annotations

import io
import re
import socket
import time
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from PIL import Image, ImageChops

from branding.models import Brand
from portal.audit.record import timeline
from portal.reading import previews, sandbox
from portal.vault.models import Message, Reader
from portal.vault.opening import open_message
from portal.vault.rights import Rights
from tests import parts
from tests.mails import JONAS, KARIN, mail
from tests.reading import documents
from tests.reading.documents import HIDDEN, WORDS
from tests.seals import HOST, path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
OFF = [("X-Letterlock-Protect", "v=1; dl=0")]
MARKED = [("X-Letterlock-Protect", "v=1; dl=0; mark=1")]
TABLE = b'name;value\r\nIron;"=1+1"\r\n<script>;x\r\n'


@pytest.fixture(autouse=True)
def _sandbox(request: pytest.FixtureRequest) -> None:
    if "no_sandbox" not in request.fixturenames:
        parts.need("bwrap")


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without bubblewrap."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sandbox, "_looked", 0.0)
    known = sandbox._seen.is_set()
    sandbox._seen.clear()
    yield
    if known:
        sandbox._seen.set()


def with_file(name: str, kind: str, data: bytes, headers: Any = ()) -> tuple[Reader, Client, str]:
    reader = reader_of(seal(mail(files=[(name, kind, data)], headers=headers)))
    return reader, signed_in(reader), f"{path_of(reader)}/file/1/preview"


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def kinds(reader: Reader) -> list[str]:
    return [entry.kind for entry in timeline(reader.message_id)]


def test_a_pdf_is_shown_page_by_page_and_that_is_recorded_once() -> None:
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf("first", WORDS))
    listed = client.get(path_of(reader)).content.decode()
    assert f'href="{url}"' in listed
    for method in (client.head,):
        for path in (url, f"{url}/1/picture", f"{url}/1/text"):
            answer = method(path)
            assert (answer.status_code, answer.content) == (200, b"")
    assert "file.previewed" not in kinds(reader)
    page = client.get(url)
    said = words(page.content)
    assert "Report.pdf" in said
    assert "Page 1 of 2" in said
    assert "Read as text" in said
    assert f'href="{url}/2"' in page.content.decode()
    assert "file.previewed" not in kinds(reader), "the page alone shows nothing of the file"
    picture = client.get(f"{url}/1/picture")
    assert picture["Content-Type"] == "image/webp"
    assert picture["Cache-Control"] == "no-store"
    assert "sandbox" in picture["Content-Security-Policy"]
    text = client.get(f"{url}/2/text")
    assert WORDS in words(text.content)
    assert kinds(reader).count("file.previewed") == 1
    assert "file.downloaded" not in kinds(reader)
    for beyond in (f"{url}/3", f"{url}/3/picture", f"{url}/3/text", f"{url}/0", url.replace("file/1", "file/9")):
        assert client.get(beyond).status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "said", "said_without_download"),
    [
        (
            "a.pdf",
            documents.locked_pdf(),
            "has its own password. Download it",
            "Ask Dr Maya Lindqvist to send it without",
        ),
        (
            "a.jpg",
            b"none",
            "cannot be previewed. Download it instead",
            "Ask Dr Maya Lindqvist to send it in another way",
        ),
        ("a.png", documents.picture_bomb(), "too large to preview. Download it", "to send it in smaller parts"),
        ("a.exe", b"MZ", "cannot be previewed. Download it instead", "Ask Dr Maya Lindqvist to send it in another way"),
    ],
)
def test_what_cannot_be_shown_has_a_next_step(name: str, data: bytes, said: str, said_without_download: str) -> None:
    for headers, wanted in (((), said), (OFF, said_without_download)):
        _, client, url = with_file(name, "application/octet-stream", data, headers)
        page = client.get(url)
        assert wanted in words(page.content)
        assert ("Download" in re.sub(r"Download(ing| it)", "", words(page.content))) == (not headers)
        assert client.get(f"{url}/1/picture").status_code == 404


def test_text_is_shown_as_text_and_a_table_as_a_table_that_runs_nothing() -> None:
    _, client, url = with_file("values.csv", "text/csv", TABLE)
    page = client.get(url).content.decode()
    assert '<td dir="auto">=1+1</td>' in page
    assert '<td dir="auto">&lt;script&gt;</td>' in page
    _, client, url = with_file("note.txt", "text/plain", b"<b>bold</b> & more")
    page = client.get(url).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in page
    assert "/picture" not in page


def test_without_the_right_to_download_text_is_a_picture_with_its_words_beside() -> None:
    reader, client, url = with_file("values.csv", "text/csv", TABLE, MARKED)
    page = client.get(url).content.decode()
    assert "=1+1" not in page
    assert f'src="{url}/1/picture"' in page
    assert client.get(f"{url}/1/picture")["Content-Type"] == "image/webp"
    layer = client.get(f"{url}/1/text").content.decode()
    assert "=1+1" in layer
    assert f"{JONAS} · " in layer, "the mark stands beside the words, too"
    assert reader.message.id.hex[-8:] in layer


def test_a_file_that_is_too_large_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "LARGEST", 100)
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS))
    listed = words(client.get(path_of(reader)).content)
    assert "Too large to preview" in listed
    assert "Preview Report.pdf" not in listed
    assert "too large to preview. Download it instead" in words(client.get(url).content)


def test_on_a_host_without_a_sandbox_nothing_is_rendered(no_sandbox: None) -> None:
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS))
    assert "Preview" not in words(client.get(path_of(reader)).content)
    assert "This file cannot be previewed. Download it instead." in words(client.get(url).content)
    assert client.get(f"{url}/1/picture").status_code == 404
    assert WORDS not in client.get(f"{url}/1/text").content.decode()


def test_previews_are_for_the_reader_while_the_message_is_open() -> None:
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS))
    karin = signed_in(reader_of(seal(mail(), KARIN), KARIN))
    paths = (url, f"{url}/1", f"{url}/1/picture", f"{url}/1/text")
    for path in paths:
        assert karin.get(path).status_code == 404
        stranger = Client(HTTP_HOST=HOST).get(path)
        assert (stranger.status_code, stranger["Location"]) == (302, path_of(reader))
    assert client.get(f"{url}/1/text").status_code == 200
    Message.objects.update(state=Message.State.WITHDRAWN)
    Reader.objects.update(withdrawn_at=timezone.now())
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 410
        assert WORDS.encode() not in answer.content


def with_everything(headers: Any) -> bytes:
    """A mail whose files hold the canary where no page shows it, one of them in the body, and one only seemingly."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@aldervalley.example", JONAS, "[secure] x"
    for name, value in headers:
        made[name] = value
    made.set_content("x")
    made.add_alternative('<p>x <img src="cid:shown"></p>', subtype="html")
    html: Any = made.get_payload()[1]
    html.add_related(documents.photo(), "image", "jpeg", cid="<shown>")
    made.add_attachment(documents.pdf(WORDS), maintype="application", subtype="pdf", filename="r.pdf")
    # As some mail programs send every attachment.
    made.add_attachment(documents.photo(), maintype="image", subtype="jpeg", filename="p.jpg", cid="<listed>")
    made.add_attachment(WORDS.encode("utf-16"), maintype="text", subtype="plain", filename="t.txt")
    return made.as_bytes()


def every_path(link: str, numbers: range) -> list[str]:
    """Each address behind a message's link that the portal has, whoever added it, with each of its files."""
    found: list[str] = []

    def walk(patterns: Any, before: str) -> None:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if not isinstance(pattern, URLPattern):
                walk(pattern.url_patterns, route)
            elif route.startswith("m/<str:link>"):
                filled = route.replace("<str:link>", link).replace("<int:page>", "1")
                filled = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000000", filled)
                filled = re.sub(r"<(?:str|slug):\w+>", "x", filled)
                found.extend("/" + re.sub(r"<int:\w+>", str(number), filled) for number in numbers)

    walk(get_resolver().url_patterns, "")
    return sorted(set(found))


def test_in_protected_view_no_address_and_no_method_gives_the_original() -> None:
    reader = reader_of(seal(with_everything(OFF)))
    client = signed_in(reader)
    link = path_of(reader).removeprefix("/m/")
    paths = every_path(link, range(6))
    assert len(paths) > 40
    leaked, given = [], {}
    for path in paths:
        asked = [("GET", {}), ("HEAD", {}), ("POST", {}), ("OPTIONS", {}), ("PUT", {})]
        if path.endswith(tuple(f"file/{number}" for number in range(6))) or path.endswith(("/files", "/original")):
            asked += [("GET", {"Range": "bytes=0-"}), ("DELETE", {}), ("PATCH", {}), ("PROPFIND", {})]
        for method, headers in asked:
            answer = client.generic(method, path, headers=headers)
            found = body(answer)
            given[method, path] = answer
            if HIDDEN in found or WORDS.encode("utf-16") in found or b"%PDF" in found:
                leaked.append((method, path))
    assert leaked == []
    at = f"/m/{link}"
    files = {str(one["name"]): one for one in _files(reader)}
    for number in {one["number"] for one in files.values()}:
        assert given["GET", f"{at}/file/{number}"].status_code == 404
        assert given["HEAD", f"{at}/file/{number}"].status_code == 404
    assert given["GET", f"{at}/files"].status_code == 404
    assert given["GET", f"{at}/original"].status_code == 404
    # What may be seen is seen: as pictures, drawn anew.
    assert given["GET", f"{at}/file/{files['r.pdf']['number']}/preview/1/picture"]["Content-Type"] == "image/webp"
    assert given["GET", f"{at}/file/{files['p.jpg']['number']}/preview/1/picture"]["Content-Type"] == "image/webp"
    assert given["GET", f"{at}/inline/{files['p.jpg']['number']}"].status_code == 404, "the body does not show it"
    (shown,) = {one["number"] for one in _all_files(reader)} - {one["number"] for one in files.values()}
    assert given["GET", f"{at}/inline/{shown}"]["Content-Type"] == "image/webp"


def test_protected_view_holds_for_the_files_of_a_message_inside() -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["X-Letterlock-Protect"] = (
        "a@aldervalley.example",
        JONAS,
        "x",
        "v=1; dl=0",
    )
    made.set_content("x")
    made.add_attachment(message_from_bytes(with_everything([])))
    reader = reader_of(seal(made.as_bytes()))
    client, at = signed_in(reader), path_of(reader)
    (inner,) = open_message(reader).toc.inner
    assert len(inner.files) == 4
    for file in inner.files:
        assert client.get(f"{at}/file/{file.number}").status_code == 404
        assert client.get(f"{at}/file/{file.number}", headers={"Range": "bytes=0-"}).status_code == 404
        shown = client.get(f"{at}/inline/{file.number}")
        if file.content_id == "shown":
            assert shown["Content-Type"] == "image/webp"
            assert HIDDEN not in body(shown)
        else:
            assert shown.status_code == 404
    assert client.get(f"{at}/file/{inner.of}").status_code == 404
    page = client.get(f"{at}/inner/{inner.number}").content.decode()
    assert f'{at}/file/{inner.files[-1].number}/preview"' in page
    assert "download>" not in page


def _all_files(reader: Reader) -> list[dict[str, Any]]:
    return [{"name": file.name, "number": file.number} for file in open_message(reader).toc.files]


def _files(reader: Reader) -> list[dict[str, Any]]:
    return [one for one in _all_files(reader) if one["name"] in ("r.pdf", "p.jpg", "t.txt")]


def test_with_the_right_to_download_the_same_addresses_give_the_files() -> None:
    reader = reader_of(seal(with_everything([])))
    client = signed_in(reader)
    for one in _files(reader):
        assert body(client.get(f"{path_of(reader)}/file/{one['number']}"))
    assert HIDDEN in body(client.get(f"{path_of(reader)}/file/{_files(reader)[0]['number']}"))


def test_the_mark_is_drawn_into_pictures_and_laid_over_prints_where_the_message_asks_for_it() -> None:
    pictures = {}
    for name, headers in (("plain", OFF), ("marked", MARKED)):
        reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS), headers)
        pictures[name] = Image.open(io.BytesIO(client.get(f"{url}/1/picture").content)).convert("L")
        page, mark = client.get(path_of(reader)).content.decode(), client.get(f"{path_of(reader)}/mark.svg")
        assert (f"{path_of(reader)}/mark.svg" in page) == (name == "marked")
        assert mark.status_code == (200 if name == "marked" else 404)
        assert ("carry your address" in page) == (name == "marked")
    drawn = mark.content.decode()
    assert f"{JONAS} · " in drawn
    assert mark["Content-Type"].startswith("image/svg+xml")
    assert "sandbox" in mark["Content-Security-Policy"]
    assert 'fill-opacity="0.08"' in drawn
    assert ImageChops.difference(pictures["plain"], pictures["marked"]).getbbox()


def test_nothing_is_marked_for_print_when_printing_is_off() -> None:
    headers = [("X-Letterlock-Protect", "v=1; mark=1; print=0")]
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS), headers)
    assert client.get(f"{path_of(reader)}/mark.svg").status_code == 404
    for path in (path_of(reader), url, f"{url}/1/text"):
        page = client.get(path).content.decode()
        assert 'class="no-print"' in page
        assert "has turned printing off" in page


def test_a_brand_marks_all_its_messages() -> None:
    seal(mail())
    Brand.objects.update(rights={"watermark": True})
    reader = reader_of(seal(mail()))
    assert Rights.decode(bytes(reader.message.rights)) == Rights(watermark=True)
    assert signed_in(reader).get(f"{path_of(reader)}/mark.svg").status_code == 200


def test_an_office_file_is_prepared_and_shown_without_asking_anyone_and_kept_sealed() -> None:
    """One start of LibreOffice, for all that is to be seen of it."""
    parts.need("libreoffice")
    previews._office._kept.clear()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        data = documents.odt(WORDS, asks=f"http://127.0.0.1:{listening.getsockname()[1]}")
        reader, client, url = with_file("Plan.odt", "application/vnd.oasis.opendocument.text", data, OFF)
        pages, until = [], time.monotonic() + 240
        while time.monotonic() < until:
            pages.append(client.get(url + "?again=1" * bool(pages)))
            if "Refresh" not in pages[-1]:
                break
        assert "Page 1 of 1" in words(pages[-1].content)
        for page in pages[:-1]:
            assert "Preparing page 1" in words(page.content)
        assert WORDS in words(client.get(f"{url}/1/text").content)
        picture = Image.open(io.BytesIO(client.get(f"{url}/1/picture").content))
        assert min(picture.convert("L").get_flattened_data()) < 60
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listening.accept()
    (kept,) = previews._office._kept.values()
    assert b"%PDF-" not in kept.sealed
    assert kept.sealed.startswith(b"LLS1")
    other, other_client, other_url = with_file("Plan.odt", "application/vnd.oasis.opendocument.text", b"PK-none", OFF)
    assert WORDS not in words(other_client.get(f"{other_url}/1/text").content)
    assert other.pk != reader.pk


def test_a_reader_holds_one_sandbox_and_others_wait_no_longer_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "WAIT_SECONDS", 0.05)
    reader, client, url = with_file("Report.pdf", "application/pdf", documents.pdf(WORDS))
    assert client.get(f"{url}/1/picture").status_code == 200
    with previews._places.one_for(reader.pk):
        busy = client.get(f"{url}/1/picture")
        assert (busy.status_code, busy["Retry-After"]) == (503, "3")
        page = client.get(url)
        assert page["Refresh"] == f"3; url={url}?again=1"
        assert "Preparing page 1" in words(page.content)
    assert client.get(f"{url}/1/picture").status_code == 200
