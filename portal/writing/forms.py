"""What a reply form must hold; what is wrong with it comes back as a sentence beside each field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from branding.templatetags.words import size
from portal.writing.replying import MAX_TEXT_CHARACTERS, Answer
from portal.writing.uploads import REPLY_FILES, REPLY_FILES_BYTES, SealedUpload

PROGRAMS = {"exe", "js", "scr", "bat", "cmd", "com", "msi", "vbs", "jar", "ps1", "hta", "lnk", "pif", "cpl", "wsf"}


@dataclass(frozen=True)
class Fault:
    """A sentence and the field it belongs to."""

    field: str
    sentence: str


def limits() -> str:
    """The limits, told before anyone chooses a file."""
    return _("Up to %(count)d files, %(size)s together. Programs (.exe, .js …) are not accepted.") % {
        "count": REPLY_FILES,
        "size": size(REPLY_FILES_BYTES),
    }


def read_answer(request: HttpRequest, subject: str) -> tuple[Answer, list[Fault]]:
    """The answer as posted, and all that stands against sending it."""
    text = request.POST.get("message", "").replace("\r\n", "\n")
    files = cast(list[SealedUpload], request.FILES.getlist("files"))
    faults = []
    if not text.strip() and not files:
        faults.append(Fault("message", _("Write a message or add a file.")))
    if len(text) > MAX_TEXT_CHARACTERS:
        faults.append(Fault("message", _("The message is too long. The limit is 500,000 characters.")))
    if len(files) > REPLY_FILES:
        faults.append(Fault("files", _("There are too many files. The limit is %(count)d.") % {"count": REPLY_FILES}))
    for file in files:
        name = file.name or ""
        if file.refused:
            sentence = _("%(name)s is %(size)s. The limit is %(limit)s together.") % {
                "name": name,
                "size": size(file.size or 0),
                "limit": size(REPLY_FILES_BYTES),
            }
            faults.append(Fault("files", sentence))
        elif name.rpartition(".")[2].lower() in PROGRAMS:
            faults.append(Fault("files", _("%(name)s was not added: programs are not accepted.") % {"name": name}))
    return Answer(subject, text, files), faults
