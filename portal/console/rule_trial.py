"""A mail that rules are tried on, from what was typed or given on the tester's pages. Nothing of it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import cast

from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from portal.ingest import knowing
from portal.ingest.bulk import room_for
from portal.ingest.data import LineEnds
from portal.mime.addresses import Mailbox, clean_name, normalise, parse_list
from portal.mime.errors import BadAddress, LimitExceeded
from portal.mime.limits import Watcher
from portal.mime.reading import read
from portal.rules.facts import Facts
from portal.rules.trying import Tried
from portal.writing.uploads import SealedUpload

MOST_BYTES = 25_000_000
MOST_TYPED = 1_500_000
"""Characters of one field; a whole form may have 2 MB."""
MOST_RECIPIENTS = 100
WORDS = ("sender", "to", "subject", "headers", "body", "peer", "text")
TICKS = ("trusted", "answers")
_FIELD = re.compile(r"([!-9;-~]{1,70}):[ \t]*(.{0,2000})")


class BadTrial(Exception):
    """What was typed makes no mail. `field` names the part, the text says what to write; neither repeats it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Trial:
    """A mail as the rules see it, and who writes to whom for the notice."""

    facts: Facts = field(repr=False)
    sender: Mailbox = field(repr=False)
    recipient: str = field(repr=False)
    size: int


def typed(post: QueryDict) -> dict[str, str]:
    """What the form shows again."""
    return {name: post.get(name, "")[:MOST_TYPED].replace("\r\n", "\n") for name in (*WORDS, *TICKS)}


def written(said: dict[str, str]) -> Trial:
    """The mail that is written in the form. Raises BadTrial."""
    senders = parse_list(said["sender"])
    if said["sender"].strip() and len(senders) != 1:
        raise BadTrial("sender", _("Write one address, like Ada Berg <ada@example.org>; or nothing, for a bounce."))
    recipients = _recipients(said["to"], needed=True)
    lines = [f"Date: {formatdate()}", f"To: {', '.join(recipients)}", f"Subject: {' '.join(said['subject'].split())}"]
    if senders:
        name = clean_name(senders[0].name)
        lines.insert(0, f'From: "{name}" <{senders[0].address}>' if name else f"From: {senders[0].address}")
    lines += _headers(said["headers"])
    if not any(line.lower().startswith("content-type:") for line in lines):
        lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    raw = "\r\n".join([*lines, "", said["body"].replace("\n", "\r\n"), ""]).encode("utf-8", "replace")
    sender = senders[0] if senders else Mailbox("", "")
    return _tried(raw, said, sender.address, recipients)


def given(request: HttpRequest, said: dict[str, str]) -> Trial:
    """The mail that is uploaded or pasted, with sender and recipients of its header where none are typed. BadTrial."""
    raw, most = b"", min(MOST_BYTES, settings.LETTERLOCK.max_message_bytes)
    for upload in cast(Iterable[SealedUpload], request.FILES.getlist("file")):
        if upload.refused or (upload.size or 0) > most:
            raise BadTrial("file", _("The file may have at most {n} MB.").format(n=most // 1_000_000))
        with room_for(upload.size or 0):
            ends = LineEnds()
            pieces = [ends.feed(chunk) for chunk in upload.chunks()]
            raw = b"".join([*pieces, ends.finish()])
            return _of_file(raw, said)
    if not said["text"].strip():
        raise BadTrial("file", _("Choose a file, or paste the mail with its headers."))
    if len(said["text"]) >= MOST_TYPED:
        raise BadTrial("text", _("That is too long to paste. Save it as a file, and upload that."))
    return _of_file(said["text"].replace("\n", "\r\n").encode("utf-8", "replace"), said)


def _of_file(raw: bytes, said: dict[str, str]) -> Trial:
    sender = None
    if said["sender"].strip():
        found = parse_list(said["sender"])
        if len(found) != 1:
            raise BadTrial("sender", _("Write one address, like ada@example.org; or nothing, for the one in the mail."))
        sender = found[0].address
    return _tried(raw, said, sender, _recipients(said["to"], needed=False) or None)


def _tried(raw: bytes, said: dict[str, str], sender: str | None, recipients: list[str] | None) -> Trial:
    watcher = Watcher()
    try:
        watcher.feed(raw)
        watcher.close()
        how = Tried(sender, recipients, said["trusted"] == "on", said["peer"].strip()[:60], said["answers"] == "on")
        facts = knowing.tried(raw, how)
        letter = read(raw)
    except LimitExceeded as exceeded:
        raise BadTrial("file", str(exceeded)) from None
    writer = letter.sender or Mailbox("", facts.sender)
    return Trial(facts, writer, facts.recipients[0] if facts.recipients else "", len(raw))


def _recipients(said: str, *, needed: bool) -> list[str]:
    found = [piece.strip() for piece in re.split(r"[,;\s]+", said) if piece.strip()]
    if len(found) > MOST_RECIPIENTS:
        raise BadTrial("to", _("Write at most {n} addresses.").format(n=MOST_RECIPIENTS))
    try:
        addresses = [normalise(one.strip("<>")) for one in found]
    except BadAddress:
        raise BadTrial("to", _("One of these is no complete address. Write them like ada@example.org.")) from None
    if needed and not addresses:
        raise BadTrial("to", _("Write at least one address that it goes to."))
    return addresses


def _headers(said: str) -> list[str]:
    lines = [line for line in said.split("\n") if line.strip()]
    if len(lines) > 200 or not all(_FIELD.fullmatch(line.strip()) for line in lines):
        raise BadTrial("headers", _("Write each header on a line of its own, like “Importance: high”."))
    return [line.strip() for line in lines]
