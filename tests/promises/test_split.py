"""Link-held share: what opens a split message is in its notice and in its reader's browser, and nowhere else."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from portal.keys.split import code_of, grouped, share_of
from tests.journeys.browsers import chromium, someone
from tests.loaded import Loaded
from tests.mails import KARIN, Mailbox, mail, passcode_in, send, text_of, until
from tests.parts import need
from tests.person import Person
from tests.promises.test_p2_no_plaintext_at_rest import files_in, places
from tests.servers import ROOT, Portal

pytestmark = pytest.mark.servers
SECRET = "KanarienVogel8Schweigt"
_people = count()
LINK = re.compile(r"https?://\S+/m/[0-9a-z]{22}#[0-9a-z]{26}")
TYPED = re.compile(r"^Message code: ([0-9a-z-]{32})\s*$", re.MULTILINE)


@pytest.fixture(scope="module")
def recovery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("recovery")
    return folder / "recovery.public", folder / "recovery.private"


@pytest.fixture(scope="module")
def one_portal(tmp_path_factory: pytest.TempPathFactory, recovery: tuple[Path, Path]) -> Iterator[Portal]:
    portal = Loaded(
        tmp_path_factory.mktemp("split") / "data",
        LETTERLOCK_DEMO="off",
        LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
        LETTERLOCK_SPLIT="strict",
        LETTERLOCK_RECOVERY_KEY=str(recovery[0]),
    )
    portal.manage("keys", "pair", *map(str, recovery))
    with portal as running:
        yield running


@pytest.fixture
def split_portal(one_portal: Portal) -> Portal:
    """The same for all, started again if the test before has stopped it."""
    if one_portal.process is None:
        one_portal.start()
    return one_portal


@pytest.fixture
def jonas() -> str:
    """Somebody that no test has written to before."""
    return f"jonas{next(_people)}@mail.example"


def split_in(notice: EmailMessage) -> tuple[str, str]:
    """Link without its share, and share, of a notice with exactly one link and the same code for typing."""
    text = text_of(notice).replace("\r\n", "\n")
    assert len(re.findall(r"https?://", text)) == 1
    found = LINK.search(text)
    assert found
    link, _, code = found[0].partition("#")
    typed = TYPED.search(text)
    assert typed
    assert typed[1] == grouped(code)
    return link, code


def given(portal: Portal, *to: str, headers: tuple[tuple[str, str], ...] = ()) -> tuple[str, str, str]:
    id_ = send(portal.smtp, mail(f"[secure] {SECRET}", f"Dear Jonas, {SECRET}.", headers=headers), *to)
    return id_, *split_in(Mailbox(portal.outbox, to[0]).wait("notice"))


def proved(portal: Portal, who: str, link: str, share: str = "") -> Person:
    """A person without scripts who has proved the address, and typed a code beside the passcode if one is given."""
    person, path, mailbox = Person(portal.url), urlsplit(link).path, Mailbox(portal.outbox, who)
    person.post(f"{path}/ask/", page=path)
    asks = person.get(f"{path}/passcode/").text
    assert "Message code" in asks
    person.post(f"{path}/passcode/", {"code": passcode_in(mailbox.wait("passcode")), "share": share})
    return person


def forms_of(code: str) -> tuple[str, ...]:
    return code, grouped(code), code.upper(), share_of(code).hex(), share_of(code).decode("latin-1")


def nowhere(portal: Portal, code: str) -> None:
    """No byte of the data folder, log or terminal holds the share, as text or as bytes."""
    assert places(portal.data, *forms_of(code)[:4]) == []
    raw = share_of(code)
    for path, content in files_in(portal.data):
        assert "outbox" in path.relative_to(portal.data).parts or raw not in content, path
    assert not any(form in portal.seen() for form in forms_of(code)[:4])


def test_a_share_is_found_by_the_search_if_it_is_there(tmp_path: Path) -> None:
    code = code_of(os.urandom(16))
    for number, form in enumerate(forms_of(code)[:4]):
        (tmp_path / str(number)).write_text(f"GET /m/x#{form} HTTP/1.1")
    assert len(places(tmp_path, *forms_of(code)[:4])) == 4


def test_typed_beside_the_passcode_without_scripts(split_portal: Portal, jonas: str) -> None:
    _, link, code = given(split_portal, jonas)
    person = proved(split_portal, jonas, link, grouped(code))
    assert SECRET in person.get(urlsplit(link).path).text
    assert SECRET not in person.get("/inbox/").text
    assert "Needs the code from its email" in person.get("/inbox/").text
    nowhere(split_portal, code)
    split_portal.stop()
    nowhere(split_portal, code)
    assert places(split_portal.data, SECRET) == []


def test_typed_afterwards_and_a_wrong_one_refused(split_portal: Portal, jonas: str) -> None:
    _, link, code = given(split_portal, jonas)
    person, path = proved(split_portal, jonas, link), urlsplit(link).path
    asked = person.get(path)
    assert "Enter the message code" in asked.text
    refused = person.post(f"{path}/code/", {"share": code_of(bytes(16))}, page=path)
    assert refused.status == 422
    assert SECRET not in refused.text
    assert SECRET in person.post(f"{path}/code/", {"share": grouped(code)}, page=path).text
    nowhere(split_portal, code)


@pytest.mark.parametrize("mark", ["%23", "%2523"])
def test_a_mangled_link_without_scripts(split_portal: Portal, jonas: str, mark: str) -> None:
    _, link, code = given(split_portal, jonas)
    person, mailbox = Person(split_portal.url), Mailbox(split_portal.outbox, jonas)
    path = urlsplit(link).path
    first = person.get(f"{path}{mark}{code}", follow=False)
    assert (first.status, first.headers["Location"]) == (303, path)
    person.post(f"{path}/ask/", page=path)
    asks = person.get(f"{path}/passcode/").text
    assert "Message code" not in asks
    assert code not in asks
    opened = person.post(f"{path}/passcode/", {"code": passcode_in(mailbox.wait("passcode"))})
    assert SECRET in opened.text
    nowhere(split_portal, code)
    split_portal.stop()
    nowhere(split_portal, code)


@pytest.mark.browser
def test_the_fragment_with_scripts(split_portal: Portal, jonas: str) -> None:
    need("chromium")
    _, link, code = given(split_portal, jonas)
    mailbox = Mailbox(split_portal.outbox, jonas)
    sent: list[str] = []
    with chromium() as browser:
        context = someone(browser)
        context.on("request", lambda request: sent.append(f"{request.url} {request.headers}"))
        page = context.new_page()
        page.goto(f"{link}#{code}")
        page.wait_for_url(link)
        assert page.evaluate("location.hash") == ""
        page.get_by_role("button", name="Email me a passcode").click()
        page.get_by_label("Passcode", exact=True).fill(passcode_in(mailbox.wait("passcode")))
        assert page.get_by_label("Message code").count() == 0
        page.get_by_role("button", name="Read message").click()
        page.wait_for_url(link)
        assert SECRET in page.content()
        assert page.evaluate("document.cookie").find(code) < 0
        kept = [cookie for cookie in context.cookies(f"{link}/body") if cookie["value"] == code]
        assert [(cookie["path"], cookie["httpOnly"], cookie["expires"]) for cookie in kept] == [
            (urlsplit(link).path, True, -1)
        ]
        assert not [c for c in context.cookies(f"{split_portal.url}/inbox/") if c["value"] == code]
        # Signed in, but the code gone: the same link brings it back by itself.
        context.clear_cookies(name="share")
        page.goto(link)
        page.get_by_role("heading", name="Enter the message code").wait_for()
        page.goto("about:blank")
        page.goto(f"{link}#{code}")
        page.wait_for_url(link)
        page.get_by_text(SECRET).first.wait_for()
        context.close()
    # Requests carry it in their own body or cookie, never in an address or a Referer.
    for request in sent:
        url, _, headers = request.partition(" ")
        assert code not in url.partition("#")[0]
        assert code not in re.sub(r"'cookie': '[^']*'", "", headers)
    nowhere(split_portal, code)


OPEN_WITH_ALL_THAT_IS_STORED = """
import sys
import django
django.setup()
from portal.delivery.models import Outbound
from portal.vault.errors import SealBroken, ShareNeeded, ShareRefused
from portal.vault.models import Message
from portal.vault.opening import Opened, key_for, open_message
message = Message.objects.get(pk=sys.argv[1])
assert message.split == "strict"
assert not Outbound.objects.exclude(share=b"").exists()
for reader in message.readers.all():
    inner = key_for(reader)  # the root key, the keyring and the database are all here
    for share in (b"", bytes(16), inner[:16], bytes(reader.split_key)[:16], reader.id.bytes):
        try:
            open_message(reader, share)
        except (ShareNeeded, ShareRefused):
            continue
        sys.exit("opened")
    for key in (inner, bytes(reader.split_key)[12:44]):
        try:
            Opened(message, key)
        except SealBroken:
            continue
        sys.exit("opened")
    assert not bytes(reader.escrow)
from portal.keys.split import share_of
found = [reader for reader in message.readers.all() if reader.number == 0][0]
assert open_message(found, share_of(sys.stdin.read())).toc.text.here
print("closed without it, open with it")
"""


def test_database_keyring_and_root_key_together_do_not_open_it(split_portal: Portal, jonas: str) -> None:
    id_, _, code = given(split_portal, jonas, KARIN)
    Mailbox(split_portal.outbox, KARIN).wait("notice")
    until(lambda: waiting(split_portal) == 0, 10, "share gone from the database")
    split_portal.stop()
    done = subprocess.run(
        [sys.executable, "-c", OPEN_WITH_ALL_THAT_IS_STORED, id_],
        cwd=ROOT,
        env={**split_portal.environment, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        input=code,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "closed without it, open with it\n", done.stderr
    assert split_portal.manage("vault", "check", check=False).returncode == 0


def waiting(portal: Portal) -> int:
    with sqlite3.connect(f"file:{portal.data / 'letterlock.sqlite3'}?mode=ro", uri=True) as database:
        counted = database.execute("SELECT count(*) FROM delivery_outbound WHERE length(share) > 0")
        return int(counted.fetchone()[0])


def test_escrow_gives_the_code_back_to_who_has_the_private_half(
    split_portal: Portal, jonas: str, recovery: tuple[Path, Path], tmp_path: Path
) -> None:
    id_, link, code = given(split_portal, jonas, headers=(("X-Letterlock-Protect", "v=1; split=escrow"),))
    private = str(recovery[1])
    printed = split_portal.manage("keys", "recover", id_, "--key", private).stdout
    assert f"Link: {link}#{code}" in printed
    assert f"Message code: {grouped(code)}" in printed
    # In two steps, the second on a machine that has neither database nor keyring.
    carried = tmp_path / "carried.json"
    listed = split_portal.manage("keys", "recover", id_, "--reader", jonas, "--write", str(carried)).stdout
    assert jonas in listed
    assert jonas not in carried.read_text()
    elsewhere = Portal(tmp_path / "elsewhere", LETTERLOCK_DEMO="off")
    assert grouped(code) in elsewhere.manage("keys", "recover", str(carried), "--key", private).stdout
    assert SECRET in proved(split_portal, jonas, link, code).get(urlsplit(link).path).text
    other_public, other_private = tmp_path / "other.public", tmp_path / "other.private"
    split_portal.manage("keys", "pair", str(other_public), str(other_private))
    refused = split_portal.manage("keys", "recover", id_, "--key", str(other_private), check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    nowhere(split_portal, code)


def test_strict_gives_nothing_back(split_portal: Portal, jonas: str, recovery: tuple[Path, Path]) -> None:
    id_, _, code = given(split_portal, jonas)
    refused = split_portal.manage("keys", "recover", id_, "--key", str(recovery[1]), check=False)
    assert refused.returncode == 1
    assert "No share is in escrow here" in refused.stderr
    assert code not in refused.stdout + refused.stderr
