"""What a form of this room must hold; what is wrong with it comes back as a sentence beside each field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from branding.templatetags.words import size
from portal.mime.addresses import Mailbox
from portal.reading import actions
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.unsent import Kept, Words
from portal.writing import checking, recipients, replying
from portal.writing.replying import MAX_TEXT_CHARACTERS
from portal.writing.uploads import REPLY_FILES, REPLY_FILES_BYTES, SealedUpload

PROGRAMS = {"exe", "js", "scr", "bat", "cmd", "com", "msi", "vbs", "jar", "ps1", "hta", "lnk", "pif", "cpl", "wsf"}
LONGEST_SUBJECT = 250
"""Characters; what is longer is cut, as mail programs do not show it."""


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
    return _("Up to %(count)d files, %(size)s together. Programs (.exe, .js …) are not accepted.") % {
        "count": REPLY_FILES,
        "size": size(REPLY_FILES_BYTES),
    }


def read(request: HttpRequest, kind: str, reader: Reader, opened: Opened, there: Sequence[Kept]) -> Written:
    """The form as posted; `there` are the draft's files."""
    post, subject = request.POST, replying.subject_of(opened, kind)
    whom = recipients.chosen(kind, post.getlist("to"), reader, opened)
    if kind != unsent.FORWARD:
        # Of what is forwarded it stays as it is: people whom the reader chose are told it in the organisation's name.
        subject = " ".join(post.get("subject", subject).split())[:LONGEST_SUBJECT]
    words = Words(
        subject=subject,
        text=post.get("message", "").replace("\r\n", "\n"),
        to=whom.kept,
        original=kind == unsent.FORWARD or ("original" in post and actions.may_quote(kind, opened)),
    )
    faults = []
    if len(words.text) > MAX_TEXT_CHARACTERS:
        faults.append(Fault("message", _("The message is too long. The limit is 500,000 characters.")))
    uploads, file_faults = fitting(cast(list[SealedUpload], request.FILES.getlist("files")), there)
    named = {value for text in post.getlist("kept") if (value := uuid_of(text)) is not None}
    kept = frozenset(file.id for file in there if file.id in named)
    return Written(
        kind,
        words,
        whom.to,
        uploads,
        kept,
        uuid_of(post.get("version", "")),
        [*faults, *file_faults],
        [Fault("to", sentence) for sentence in whom.faults],
    )


def against_sending(written: Written) -> list[Fault]:
    """What else stands against sending it."""
    says_nothing = written.is_empty and written.kind != unsent.FORWARD
    empty = [Fault("message", _("Write a message or add a file."))] if says_nothing else []
    return [*written.nobody, *empty]


def fitting(files: Sequence[SealedUpload], there: Sequence[Kept]) -> tuple[list[SealedUpload], list[Fault]]:
    """The new files that can be taken beside those that are there, and why not the others."""
    fitting: list[SealedUpload] = []
    faults = []
    total = sum(file.size for file in there)
    for file in files:
        name, length = file.name or "", file.size or 0
        if name.rpartition(".")[2].lower() in PROGRAMS:
            faults.append(Fault("files", _("%(name)s was not added: programs are not accepted.") % {"name": name}))
        elif file.refused or total + length > REPLY_FILES_BYTES:
            sentence = _("%(name)s is %(size)s. The limit is %(limit)s together.") % {
                "name": name,
                "size": size(length),
                "limit": size(REPLY_FILES_BYTES),
            }
            faults.append(Fault("files", sentence))
        elif len(there) + len(fitting) >= REPLY_FILES:
            sentence = _("There are too many files. The limit is %(count)d.") % {"count": REPLY_FILES}
            return fitting, [*faults, Fault("files", sentence)]
        elif sentence := checking.against(file):
            faults.append(Fault("files", sentence))
        else:
            fitting.append(file)
            total += length
    return fitting, faults


def uuid_of(text: str) -> UUID | None:
    """What a hidden field says; None when it was changed to anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None
