"""What a form of this room must hold; what is wrong with it comes back as a sentence beside each field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.templatetags.words import size
from portal.ids import id_of, ids_of
from portal.mime.addresses import Mailbox
from portal.reading import actions
from portal.vault import unsent
from portal.vault.arriving import Coming
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.unsent import Kept, Words
from portal.writing import checking, recipients, replying, rich
from portal.writing.replying import MAX_TEXT_CHARACTERS
from portal.writing.uploads import REPLY_FILES, REPLY_FILES_BYTES, SealedUpload

PROGRAMS = {"exe", "js", "scr", "bat", "cmd", "com", "msi", "vbs", "jar", "ps1", "hta", "lnk", "pif", "cpl", "wsf"}
LONGEST_SUBJECT = 250
"""Characters; what is longer is cut, as mail programs do not show it."""
LONGEST_TO = 16_384
"""Characters of one field of addresses that are kept unread."""


@dataclass(frozen=True)
class Fault:
    """A sentence and the field it belongs to."""

    field: str
    sentence: str


@dataclass(frozen=True)
class Written:
    """A form as it was posted."""

    kind: str
    words: Words
    to: tuple[Mailbox, ...]
    """Whom it goes to."""
    uploads: Sequence[SealedUpload]
    """New files that can be taken."""
    kept: frozenset[UUID]
    """Files of the draft that its writer saw in the form."""
    version: UUID | None
    """The draft's version that the form was made from."""
    faults: Sequence[Fault]
    """What stands against keeping some of it."""
    nobody: Sequence[Fault]
    """What stands against whom it is to go to."""

    @property
    def is_empty(self) -> bool:
        typed = self.kind == unsent.FORWARD and self.words.to
        return not self.words.text.strip() and not self.uploads and not self.kept and not typed


def limits() -> str:
    """The limits, told before anyone chooses a file."""
    said = ngettext(
        "Up to {n} file, {size}. Programs (.exe, .js …) are not accepted.",
        "Up to {n} files, {size} together. Programs (.exe, .js …) are not accepted.",
        REPLY_FILES,
    )
    return said.format(n=REPLY_FILES, size=size(REPLY_FILES_BYTES))


def read(request: HttpRequest, kind: str, reader: Reader, opened: Opened, there: Sequence[Kept | Coming]) -> Written:
    """The form as posted; `there` are the draft's files, those on their way among them."""
    post, subject = request.POST, replying.subject_of(opened, kind)
    whom = recipients.chosen(kind, post.getlist("to"), reader, opened)
    if kind != unsent.FORWARD:
        # Of what is forwarded it stays as it is: people whom the reader chose are told it in the organisation's name.
        subject = _one_line(post.get("subject", subject))
    text, html = _typed(request)
    words = Words(
        subject=subject,
        text=text,
        html=html,
        to=whom.kept,
        original=kind == unsent.FORWARD or ("original" in post and actions.may_quote(kind, opened)),
    )
    faults = _too_long(text)
    uploads, file_faults = fitting(cast(list[SealedUpload], request.FILES.getlist("files")), there)
    named = ids_of(post.getlist("kept"))
    kept = frozenset(file.id for file in there if file.id in named)
    return Written(
        kind,
        words,
        whom.to,
        uploads,
        kept,
        id_of(post.get("version", "")),
        [*faults, *file_faults],
        [Fault("to", sentence) for sentence in whom.faults],
    )


def read_closed(request: HttpRequest, subject: str, sender: Mailbox) -> Written:
    """The form as posted at a message that has closed: an answer to its sender, which nothing is kept of."""
    text, html = _typed(request)
    words = Words(subject=_one_line(request.POST.get("subject", subject)), text=text, html=html)
    uploads, file_faults = fitting(cast(list[SealedUpload], request.FILES.getlist("files")), [])
    faults = [*_too_long(text), *file_faults]
    return Written(unsent.REPLY, words, (sender,), uploads, frozenset(), None, faults, [])


def read_unproved(request: HttpRequest, kind: str) -> Written:
    """The form as posted by whoever has not proved who they are: nothing of the message is looked at."""
    post = request.POST
    text, html = _typed(request)
    to = tuple(typed[:LONGEST_TO] for typed in post.getlist("to")[: actions.MOST_OTHERS])
    subject = _one_line(post.get("subject", ""))
    words = Words(subject=subject, text=text, html=html, to=to, original="original" in post)
    uploads, file_faults = fitting(cast(list[SealedUpload], request.FILES.getlist("files")), [])
    faults, version = [*_too_long(text), *file_faults], id_of(post.get("version", ""))
    return Written(kind, words, (), uploads, frozenset(), version, faults, [])


def fitted(words: Words, kind: str, reader: Reader, opened: Opened) -> Words:
    """Such words as the form of a proved reader keeps them."""
    subject = replying.subject_of(opened, kind)
    return replace(
        words,
        subject=subject if kind == unsent.FORWARD else words.subject or subject,
        to=recipients.chosen(kind, words.to, reader, opened).kept,
        original=kind == unsent.FORWARD or (words.original and actions.may_quote(kind, opened)),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_SUBJECT]


def _typed(request: HttpRequest) -> tuple[str, str]:
    """Text and HTML as posted. The text beside formatted words is made here: mail programs must not show one thing in
    the one and another in the other."""
    html = rich.cleaned(request.POST.get("html", ""))
    return rich.text_of(html) if html else request.POST.get("message", "").replace("\r\n", "\n"), html


def _too_long(text: str) -> list[Fault]:
    if len(text) <= MAX_TEXT_CHARACTERS:
        return []
    return [Fault("message", _("The message is too long. The limit is 500,000 characters."))]


def against_sending(written: Written) -> list[Fault]:
    """What else stands against sending it."""
    says_nothing = written.is_empty and written.kind != unsent.FORWARD
    empty = [Fault("message", _("Write a message or add a file."))] if says_nothing else []
    return [*written.nobody, *empty]


def against_file(
    name: str, length: int, there: Sequence[Kept | Coming | SealedUpload], *, refused: bool = False
) -> str:
    """Why a file of `length` bytes cannot be taken beside those that are there; "" when it can.

    `refused` says that it was too much together with what came with it.
    """
    if name.rpartition(".")[2].lower() in PROGRAMS:
        return _("{name} was not added: programs are not accepted.").format(name=name)
    if refused or length + sum(file.size or 0 for file in there) > REPLY_FILES_BYTES:
        return _("{name} is {size}. The limit is {limit} together.").format(
            name=name, size=size(length), limit=size(REPLY_FILES_BYTES)
        )
    if len(there) >= REPLY_FILES:
        return _("There are too many files. The limit is {n}.").format(n=REPLY_FILES)
    return ""


def fitting(files: Sequence[SealedUpload], there: Sequence[Kept | Coming]) -> tuple[list[SealedUpload], list[Fault]]:
    """The new files that can be taken beside those that are there, and why not the others."""
    fitting: list[SealedUpload] = []
    sentences = []
    for file in files:
        sentence = against_file(file.name or "", file.size or 0, [*there, *fitting], refused=file.refused)
        sentence = sentence or checking.against(file)
        if sentence:
            sentences.append(sentence)
        else:
            fitting.append(file)
    return fitting, [Fault("files", sentence) for sentence in dict.fromkeys(sentences)]
