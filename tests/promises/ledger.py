"""A test's own record of every mail it handed in, held in the end against what people can read and were told.

Nothing here asks the portal what it took: a mail counts as taken when its client read 250, and as readable when one of
its recipients, signed in with a passcode from their mailbox, was shown its marker.
"""

from __future__ import annotations

import re
import secrets
import smtplib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.mails import MAYA, link_in, mail, until
from tests.peers.mailhost import Mailhost
from tests.person import Answer, Person
from tests.servers import Portal

CANARY = "KanarienVogel7Zwitschert"
"""In every mail's subject and text; the search for plaintext looks for it."""
LARGE = 400_000
"""Bytes of an attachment that lies in the blob store, not in a row."""
_MARKER = re.compile(r"mark-[0-9a-f]{16}")
_PATIENCE = 90.0
"""Seconds for which a client offers a mail again, as a mail server does for days."""


@dataclass
class Entry:
    """One mail and how its client fared with it."""

    marker: str
    recipients: tuple[str, ...]
    protected: bool
    ids: list[str] = field(default_factory=list)
    """Of each 250 that was read: more than one where the client handed it in again on purpose."""
    unclear: int = 0
    """Times that the answer to the end of DATA was lost: the portal may have it, and the client asks again."""
    refusal: str = ""
    """The last code that was not 250, when it gave up."""


@dataclass
class Result:
    """What became of all pairs of a mail that was answered 250 and one of its recipients."""

    sent: int
    readable: int
    refused: int
    held: int
    told_twice: int
    never_taken: int
    """Mails whose client never read 250; they are not among the sent."""

    def __str__(self) -> str:
        return (
            f"ledger: {self.sent} sent = {self.readable} readable + {self.refused} refused + {self.held} held; "
            f"{self.told_twice} told twice, marked; {self.never_taken} never taken"
        )


class Ledger:
    """Hands mails in and keeps the record. Safe between threads."""

    def __init__(self, portal: Portal, mailhost: Mailhost) -> None:
        self.portal = portal
        self.mailhost = mailhost
        self.entries: list[Entry] = []
        self._people: dict[str, Person] = {}
        self._marks = 0
        """Of mails that may have left twice, for which no second one was found yet."""
        self._lock = threading.Lock()

    # ------------------------------------------------------------------------------------------------ handing in

    def hand_in(
        self, *recipients: str, protected: bool = True, large: bool = False, again: bool = False, patience: float = -1
    ) -> Entry:
        """Offer a mail until it is answered 250 or 5yz, or the client's patience is over. `again` does it once more."""
        entry = Entry(f"mark-{secrets.token_hex(8)}", recipients, protected)
        with self._lock:
            self.entries.append(entry)
        files = [("scan.bin", "application/pdf", secrets.token_bytes(LARGE))] if large else []
        subject = f"{'[secure] ' if protected else ''}{CANARY} {entry.marker}"
        text = f"{CANARY} says: {entry.marker}"
        raw = mail(subject, text if protected else entry.marker, to=", ".join(recipients), files=files)
        end = time.monotonic() + (_PATIENCE if patience < 0 else patience)
        wanted = 2 if again else 1
        while len(entry.ids) < wanted and not entry.refusal.startswith("5"):
            self._try(entry, raw)
            if len(entry.ids) < wanted:
                if time.monotonic() > end:
                    break
                time.sleep(0.2)
        return entry

    def _try(self, entry: Entry, raw: bytes) -> None:
        at_data = False
        try:
            with smtplib.SMTP(*self.portal.smtp, timeout=20) as smtp:
                smtp.ehlo("mail.aldervalley.example")
                code, text = smtp.mail(MAYA)
                for recipient in entry.recipients:
                    if code == 250:
                        code, text = smtp.rcpt(recipient)
                if code == 250:
                    at_data = True
                    code, text = smtp.data(raw)
                at_data = False
        except smtplib.SMTPResponseException as error:
            code, text = error.smtp_code, b""
        except OSError:  # cut off; smtplib's other errors are of this kind too
            entry.unclear += at_data
            return
        if code == 250:
            entry.ids.append(text.decode().rsplit(" ", 1)[-1])
            entry.refusal = ""
        else:
            entry.refusal = str(code)

    def person(self, recipient: str) -> Person:
        """The browser that this recipient reads with in the end."""
        return self._people.setdefault(recipient, Person(self.portal.url))

    # -------------------------------------------------------------------------------------------------- settling

    def settle(self, maybe_twice: Collection[str], most_more: int = 1) -> Result:
        """Read everything as its recipients and hold the record against it. Nothing may be on its way any more.

        A mail may have left `most_more` times too often, once for each trouble that met it. `maybe_twice` are the
        mails of whose traces a mark is expected; only traces count.
        AssertionError names what is lost, was told twice without a mark, or is there more often than it was sent.
        """
        events = [event for id_ in maybe_twice for event in self.portal.trace(id_)["events"]]
        self._marks = sum(bool(event["facts"].get("maybe_twice")) for event in events)
        seen, twice = self._read_all()
        result = Result(0, 0, 0, 0, self._marked(twice, most_more), sum(not entry.ids for entry in self.entries))
        lost: list[str] = []
        for entry in self.entries:
            for recipient in entry.recipients:
                times, taken = seen[entry.marker, recipient], len(entry.ids)
                if (more := times - taken - entry.unclear) > 0:
                    assert not entry.protected, f"{times} messages of {entry}"
                    result.told_twice += self._marked({entry.marker: more}, most_more)
                result.sent += taken
                result.readable += min(times, taken)
                if times < taken:
                    self._account_for(entry, taken - times, result, lost)
        assert not lost, f"answered 250 and neither readable nor accounted for: {lost}"
        assert result.sent == result.readable + result.refused + result.held, result
        return result

    def _account_for(self, entry: Entry, missing: int, result: Result, lost: list[str]) -> None:
        """What an operator sees of a mail that did not reach its recipient: held, or refused by the next server."""
        states = [self.portal.trace(id_) for id_ in entry.ids]
        held = sum(bool(state["held"]) for state in states)
        refused = sum(any(sent["state"] == "failed" for sent in state["mails"]) for state in states)
        if refused >= missing:
            result.refused += missing
        elif held >= missing:
            result.held += missing
        else:
            lost.append(f"{entry.marker} {entry.ids} {[(s['state'], s['last_error'], s['mails']) for s in states]}")

    def _read_all(self) -> tuple[Counter[tuple[str, str]], dict[str, int]]:
        """How often each recipient can read each marker, and which notices' ids left how many times too often."""
        seen: Counter[tuple[str, str]] = Counter()
        links: dict[str, dict[str, str]] = defaultdict(dict)
        copies: Counter[str] = Counter()
        for recipient, kind, read in self.mailhost.all():
            if kind == "notice":
                copies[str(read["Message-ID"])] += 1
                links[recipient][str(read["Message-ID"])] = link_in(read)
            elif kind == "" and (found := _MARKER.search(str(read["Subject"]))):
                seen[found[0], recipient] += 1
        with ThreadPoolExecutor(4) as pool:
            for shown in pool.map(self._read, links, [list(found.values()) for found in links.values()]):
                seen.update(shown)
        return seen, {number: count - 1 for number, count in copies.items() if count > 1}

    def _read(self, recipient: str, links: Sequence[str]) -> Counter[tuple[str, str]]:
        """Sign in with a passcode, open each link, note the marker on each page."""
        shown: Counter[tuple[str, str]] = Counter()
        for link in links:
            found = set(_MARKER.findall(self._open(recipient, link).text))
            assert len(found) == 1, f"{len(found)} markers on a page of {recipient}"
            shown[found.pop(), recipient] += 1
        return shown

    def _open(self, recipient: str, link: str) -> Answer:
        person = self.person(recipient)
        page = person.get(link)
        if not _MARKER.search(page.text):
            inbox = self.mailhost.mailbox(recipient)
            page = person.sign_in(link, inbox, known=len(inbox.mails("passcode")))
        return page

    def _marked(self, twice: Mapping[str, int], most_more: int) -> int:
        """Each mail that left twice did so no more often than it may, and a trace says that it may have; how many."""
        assert max(twice.values(), default=0) <= most_more, f"left too often: {twice}"
        self._marks -= len(twice)
        assert self._marks >= 0, f"left twice, and no trace says so: {twice}"
        return len(twice)


class Load:
    """Mails that come all the time, from a few clients at once, until the context is left."""

    def __init__(self, ledger: Ledger, *, clients: int = 3, pause: float = 0.1, people: int = 8) -> None:
        self._ledger = ledger
        self._pause = pause
        self._people = [f"load{number}@mail.example" for number in range(people)]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        self._failures: list[BaseException] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self._failures, self._failures

    def goes_on(self, mails: int = 4) -> None:
        """Until so many more mails were begun."""
        before = len(self._ledger.entries)
        until(lambda: len(self._ledger.entries) >= before + mails, 60, "mail that is handed in")

    def _run(self, client: int) -> None:
        count = client
        try:
            while not self._over.is_set():
                # Of ten mails one is large, one needs no protection, one is handed in twice, one has two recipients.
                kind, count = count % 10, count + 1
                first, second = (self._people[(count + shift) % len(self._people)] for shift in (0, 1))
                recipients = (first, second) if kind == 3 else (first,)
                self._ledger.hand_in(*recipients, protected=kind != 5, large=kind == 7, again=kind == 9)
                self._over.wait(self._pause)
        except BaseException as error:  # the thread that waits for this one tells of it
            self._failures.append(error)
