"""Every address of reading and writing, by the right it asks: without that right it gives nothing, whoever asks how."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from portal.ingest import pipeline
from portal.lifecycle import granting
from portal.reading import urls as reading
from portal.vault.models import Message, Reader, RightsTemplate, Unsent
from portal.vault.opening import open_message
from portal.vault.rights import GRANTS
from portal.writing import urls as writing
from tests.mails import JONAS, KARIN, MAYA, mail
from tests.seals import path_of, reader_of, seal, signed_in, words

pytestmark = pytest.mark.django_db
ALL = "v=1; reply=1; all=1; fwd=1; copy=1; print=1; dl=1; mark=1"
WORD = "Kanarienvogel"


@dataclass(frozen=True)
class Door:
    """The right that an address asks; and whether it shows words of the message, which then are guarded on the page."""

    asks: str = ""
    shows: bool = False


SEEN = Door(shows=True)
NOTHING = Door()
"""It gives nothing of a message that any of these rights could keep back, or only to whom it is shown anyway."""
ANSWER, ALL_OF_THEM, FORWARD = Door("reply"), Door("reply_all"), Door("forward")
DOORS = {
    **dict.fromkeys(("start", "inbox", "inbox-hide", "inbox-undo", "open", "code"), NOTHING),
    **dict.fromkeys(("write-to", "write-to-department", "write-passcode", "write-again", "write-sent"), NOTHING),
    **dict.fromkeys(("help", "privacy", "accessibility", "genuine"), NOTHING),
    **dict.fromkeys(("message", "body", "inner", "inner-body"), SEEN),
    **dict.fromkeys(("preview", "preview-page", "preview-text"), SEEN),
    # Pictures: drawn anew or of the internet, so there are no words to select.
    **dict.fromkeys(("preview-picture", "inline", "pictures", "picture"), NOTHING),
    "mark": Door("print"),
    **dict.fromkeys(("file", "files", "original"), Door("download")),
    **dict.fromkeys(("reply", "reply-files", "reply-file"), ANSWER),
    **dict.fromkeys(("reply-all", "reply-all-files", "reply-all-file"), ALL_OF_THEM),
    **dict.fromkeys(("forward", "forward-files", "forward-file"), FORWARD),
    **dict.fromkeys(("sent", "more-time", "more-time-answer", "decide", "decide-chosen"), NOTHING),
}
"""By the name of each address. A new one is to be added here, with the right it asks."""


def routes() -> dict[str, str]:
    return {str(one.name): str(one.pattern) for one in (*reading.urlpatterns, *writing.urlpatterns)}


def full() -> bytes:
    inside = EmailMessage()
    inside["From"], inside["To"], inside["Subject"] = "a@web.example", JONAS, "Inside"
    inside.set_content(f"Inside: {WORD}")
    inside.add_alternative(f"<p>Inside: {WORD}</p>", subtype="html")
    made = EmailMessage()
    made["From"], made["To"] = f"Maya <{MAYA}>", f"Jonas <{JONAS}>, Karin <{KARIN}>"
    made["Subject"], made["X-Letterlock-Protect"], made["Message-ID"] = "Results", ALL, "<1@aldervalley.example>"
    made.set_content(f"See {WORD}.")
    made.add_alternative(f"<p>See {WORD}.</p>", subtype="html")
    made.add_attachment(WORD.encode(), maintype="text", subtype="plain", filename="words.txt")
    made.add_attachment(WORD.encode(), maintype="application", subtype="octet-stream", filename="more.bin")
    made.add_attachment(inside)
    return made.as_bytes()


@pytest.fixture
def reader() -> Reader:
    return reader_of(seal(full(), JONAS, KARIN))


def filled(route: str, reader: Reader) -> str:
    link = path_of(reader).removeprefix("/m/")
    path = route.replace("<str:link>", link).replace("<int:page>", "1").replace("<int:number>", "1")
    return "/" + re.sub(r"<(?:str|uuid|slug):\w+>", str(uuid4()), path)


def without(reader: Reader, right: str) -> Client:
    granting.change_rights(reader.message_id, {right: False}, address=JONAS)
    return signed_in(reader)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_every_address_of_the_two_rooms_says_which_right_it_asks() -> None:
    assert set(routes()) - set(DOORS) == set()
    assert {door.asks for door in DOORS.values()} == {"", *GRANTS} - {"copy"}


@pytest.mark.parametrize("right", sorted({door.asks for door in DOORS.values() if door.asks}))
def test_without_its_right_an_address_gives_nothing_by_any_method(reader: Reader, right: str) -> None:
    guarded = {name: route for name, route in routes().items() if DOORS[name].asks == right}
    before, paths = signed_in(reader), {name: filled(route, reader) for name, route in guarded.items()}
    given = {name for name, path in paths.items() if before.get(path).status_code == 200}
    assert given, "with the right none of them gives anything: this test would prove nothing"
    client = without(reader, right)
    for name, path in paths.items():
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, path)
            assert answer.status_code in (404, 405), (name, method)
            assert WORD.encode() not in body(answer)


@pytest.mark.parametrize(("right", "name"), [("print", "no-print"), ("copy", "no-copy")])
def test_every_page_that_shows_words_is_kept_from_being_printed_and_copied(
    reader: Reader, right: str, name: str
) -> None:
    shown = [route for door, route in routes().items() if DOORS[door].shows]
    rule = "@media print { body { display: none; } }" if right == "print" else "user-select: none"
    for kept in (False, True):
        client = without(reader, right) if kept else signed_in(reader)
        for route in shown:
            answer = client.get(filled(route, reader))
            text = body(answer).decode()
            found = bool(re.search(rf'<body class="[^"]*\b{name}\b', text)) or rule in text.partition("</style>")[0]
            assert (answer.status_code, found) == (200, kept), route


def post(client: Client, reader: Reader, kind: str, **more: Any) -> Any:
    return client.post(f"{path_of(reader)}/{kind}", {"do": "send", "message": "Thank you.", **more})


def sent() -> Message:
    pipeline.process()
    return Message.objects.latest("made_at")


def test_an_answer_quotes_only_what_may_be_copied(reader: Reader) -> None:
    assert post(signed_in(reader), reader, "reply", original="on").status_code == 303
    assert WORD in open_message(reader_of(sent())).toc.text.here
    client = without(reader, "copy")
    form = client.get(f"{path_of(reader)}/reply").content.decode()
    assert 'name="original"' not in form
    assert 'class="original no-copy"' in form
    assert post(client, reader, "reply", original="on").status_code == 303
    assert WORD not in open_message(reader_of(sent())).toc.text.here


def test_a_draft_that_was_to_quote_does_not_once_copying_is_off(reader: Reader) -> None:
    post(signed_in(reader), reader, "reply", do="save", original="on")
    assert Unsent.objects.count() == 1
    client = without(reader, "copy")
    assert post(client, reader, "reply", original="on", version=Unsent.objects.get().version.hex).status_code == 303
    assert WORD not in open_message(reader_of(sent())).toc.text.here


@pytest.mark.parametrize(("right", "kind"), [("reply", "reply"), ("reply_all", "reply-all"), ("forward", "forward")])
def test_a_draft_that_was_begun_is_not_sent_once_its_right_is_gone(reader: Reader, right: str, kind: str) -> None:
    to = {"forward": "otto@web.example", "reply-all": [MAYA, KARIN], "reply": MAYA}[kind]
    assert post(signed_in(reader), reader, kind, do="save", to=to).status_code == 303
    client = without(reader, right)
    assert post(client, reader, kind, to=to).status_code == 404
    pipeline.process()
    assert Message.objects.count() == 1


def test_without_answering_all_an_answer_goes_to_its_sender_whatever_is_posted(reader: Reader) -> None:
    client = without(reader, "reply_all")
    page = words(client.get(path_of(reader)).content)
    assert "Replying to all is off" in page
    assert "Reply to all" not in page
    assert post(client, reader, "reply", to=[MAYA, KARIN]).status_code == 303
    assert not sent().readers.filter(address_lookup=reader_of(reader.message, KARIN).address_lookup).exists()


def test_a_file_in_an_inner_message_and_the_zip_are_downloads_too(reader: Reader) -> None:
    numbers = [file.number for file in open_message(reader).toc.every_file()]
    client = without(reader, "download")
    for number in numbers:
        assert client.get(f"{path_of(reader)}/file/{number}").status_code == 404
    page = client.get(path_of(reader)).content.decode()
    assert '/file/1"' not in page
    assert "Downloading is off" in words(page.encode())


def test_the_strip_says_in_words_what_may_be_done() -> None:
    strict = reader_of(seal(mail("x", "y", headers=[("X-Letterlock-Protect", "v=1; template=view-only")])))
    said = words(signed_in(strict).get(path_of(strict)).content)
    for sentence in (
        *("View only", "To be read here and nowhere else.", "Replying is off", "Forwarding is off"),
        *("Copying is off", "Downloading and printing are off", "Pictures of files and prints carry your address"),
    ):
        assert sentence in said
    free = reader_of(seal(full(), JONAS, KARIN))
    said = words(signed_in(free).get(path_of(free)).content)
    for sentence in ("Reply and reply to all", "Download and print", "Forwarding is allowed"):
        assert sentence in said
    assert "Copying" not in said


def test_the_templates_own_words_come_in_the_readers_language_and_only_while_they_are_true() -> None:
    RightsTemplate.objects.create(
        slug="board",
        names={"en": "For the board", "de": "Für den Vorstand"},
        notes={"en": "Answer us by Monday.", "de": "Antwort bis Montag."},
        rights={"reply": True, "copy": True},
    )
    reader = reader_of(seal(mail("x", "y", headers=[("X-Letterlock-Protect", "v=1; template=board")])))
    client = signed_in(reader)
    for language, name, note in (("en", "For the board", "by Monday"), ("de", "Für den Vorstand", "bis Montag")):
        said = words(client.get(path_of(reader), headers={"accept-language": language}).content)
        assert name in said and note in said
    granting.change_rights(reader.message_id, {"reply": False})
    said = words(client.get(path_of(reader), headers={"accept-language": "de"}).content)
    assert "Für den Vorstand" in said and "bis Montag" not in said
