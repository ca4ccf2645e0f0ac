"""P2: a canary in subject, body, file name and attachment is in no byte under the data folder, the outbox apart, and in
no temporary file."""

from __future__ import annotations

import base64
import codecs
import contextlib
import os
import quopri
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import parts
from tests.mails import JONAS, MAYA, Mailbox, link_in, mail, send
from tests.person import Person
from tests.servers import Portal

pytestmark = pytest.mark.servers
CANARY = "KanarienVogel7Zwitschert"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """Beside its data folder lies one for temporary files, so that what is left there is found as well."""
    (tmp_path / "t").mkdir()
    settings = {"LETTERLOCK_DEMO": "off", "LETTERLOCK_INSIDE_DOMAINS": "aldervalley.example"}
    with Portal(tmp_path / "data", TMPDIR=str(tmp_path / "t"), **settings) as running:
        yield running


def forms(canary: str) -> list[bytes]:
    """A canary as it would lie on a disk: clear, UTF-16, base64 at each of its three offsets, hex, ROT 13."""
    raw = canary.encode()
    found = [raw, raw.lower(), canary.encode("utf-16-le"), canary.encode("utf-16-be"), raw.hex().encode()]
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw)
        found.append(coded[4 if offset else 0 : -4])
    found.append(quopri.encodestring(raw))
    found.append(codecs.encode(canary, "rot13").encode())
    return found


def places(folder: Path, *canaries: str) -> list[str]:
    """Files that hold a canary in some form, in their bytes or their name."""
    wanted = [form for canary in canaries for form in forms(canary)]
    held = []
    for path, content in files_in(folder):
        if "outbox" in path.relative_to(folder).parts:
            continue
        if any(form in content + str(path).encode() for form in wanted):
            held.append(str(path.relative_to(folder)))
    return held


def files_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file with what it holds, while whoever writes and removes them goes on."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    yield path, path.read_bytes()


def test_the_search_would_find_it(tmp_path: Path) -> None:
    for number, form in enumerate(forms(CANARY)):
        (tmp_path / str(number)).write_bytes(os.urandom(40) + form + os.urandom(40))
    (tmp_path / "eml").write_bytes(mail(files=[("x.bin", "application/pdf", CANARY.encode() * 50)]))
    assert len(places(tmp_path, CANARY)) == len(forms(CANARY)) + 1


def test_a_canary_is_nowhere(portal: Portal) -> None:
    big = (CANARY.encode() + b" ") * 40_000
    raw = mail(
        f"[secure] {CANARY}",
        f"Dear Jonas, {CANARY}.",
        html=f"<p>{CANARY}</p>",
        files=[(f"{CANARY}.pdf", "application/pdf", big), ("small.txt", "text/plain", CANARY.encode())],
    )
    send(portal.smtp, raw)
    jonas = Mailbox(portal.data / "outbox", JONAS)
    notice = jonas.wait("notice")
    assert CANARY not in notice.as_string()
    person = Person(portal.url)
    link = link_in(notice)
    page = person.sign_in(link, jonas)
    assert CANARY in page.text
    assert person.get(f"{link}/file/1").body == big
    if parts.present("bwrap"):
        assert CANARY in person.get(f"{link}/file/2/preview").text
        assert person.get(f"{link}/file/2/preview/1/picture").body.startswith(b"RIFF")
    answered = person.post(
        f"{link}/reply",
        {"subject": f"Re: {CANARY}", "message": f"Answer {CANARY}"},
        files=[("files", f"{CANARY}.bin", big)],
    )
    assert "Your reply has been sent" in answered.text
    Mailbox(portal.data / "outbox", MAYA).wait("reply")
    assert places(portal.data.parent, CANARY) == []
    # While everything still runs, and after it stopped: journals and caches are flushed by then.
    portal.stop()
    assert places(portal.data.parent, CANARY) == []


def test_addresses_codes_and_links_are_nowhere_either(portal: Portal) -> None:
    send(portal.smtp, mail())
    jonas = Mailbox(portal.data / "outbox", JONAS)
    link = link_in(jonas.wait("notice"))
    person = Person(portal.url)
    person.sign_in(link, jonas)
    from tests.mails import passcode_in

    code = passcode_in(jonas.wait("passcode"))
    portal.stop()
    secrets = (link.rsplit("/", 1)[-1], JONAS, MAYA, *person.cookies.values())
    assert places(portal.data.parent, *secrets) == []
    held = [path for path, content in files_in(portal.data) if "outbox" not in path.parts and code.encode() in content]
    assert held == []
