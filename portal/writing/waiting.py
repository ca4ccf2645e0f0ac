"""What is posted in a browser that is signed out, or in as someone else: it waits there, sealed, for the proof.

Only where the reader's address was proved in that browser before. It lies like a first message
(portal.writing.approaches), for a day and within the same bounds, under a key that follows from the browser's cookie:
nothing of the message is opened for it, and it opens in that browser alone, at that reader's form, after their proof.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import ceilings, cookies
from portal.access.requests import Request
from portal.keys.binding import bound
from portal.vault import readers, unsent
from portal.vault.models import Reader, Unsent
from portal.vault.opening import Opened
from portal.writing import approaches, drafts, forms, known
from portal.writing.approaches import Draft, NoRoom
from portal.writing.failing import NOT_NOW
from portal.writing.forms import Fault

log = logging.getLogger(__name__)


def keep(request: Request, link: str, kind: str) -> bool:
    """Keep all of what was posted, in the place of what waits there already; whether it was."""
    reader = known.reader_of(request, link, request.brand)
    posted = forms.read_unproved(request, kind)
    if reader is None or posted.faults or posted.is_empty:
        return False
    token = _token(request, reader, kind)
    try:
        draft = approaches.of_token(token, request.brand, timezone.now())
        if draft is None or posted.uploads:  # of yesterday, or the same form sent once more
            approaches.drop_of(token)
            draft = None
        origin = ceilings.origin_of(request.META)
        kept = approaches.keep(token, request.brand, origin, draft, posted.words, posted.uploads)
        # What the form knew of the draft at the message: by it two windows are told apart.
        version = posted.version or unsent.UNWRITTEN
        Unsent.objects.filter(approach=kept.row).update(version=version)
    except (*NOT_NOW, NoRoom) as error:
        log.error("what was written at message %s does not wait: %s", reader.message_id, type(error).__name__)
        return False
    return True


def found(request: Request, link: str, kind: str) -> Draft | None:
    """What waits in this browser for the reader of this link. None, as where nothing does, when it cannot be read."""
    reader = known.reader_of(request, link, request.brand)
    if reader is None:
        return None
    try:
        return approaches.of_token(_token(request, reader, kind), request.brand, timezone.now())
    except NOT_NOW as error:
        log.error("what waits at message %s cannot be read: %s", reader.message_id, type(error).__name__)
        return None


def take_up(request: Request, reader: Reader, opened: Opened, kind: str) -> Sequence[Fault]:
    """Make it the draft of its reader, who is proved: its words too, unless newer ones come with this very request.

    What stands against some of its files is answered.
    """
    draft = found(request, readers.link_of(reader), kind)
    if draft is None or draft.row.unsent is None:
        return ()
    newer = request.method == "POST"
    if newer and not draft.files:
        approaches.drop(draft.row)
        return ()
    words = forms.fitted(draft.words, kind, reader, opened)
    if newer:
        row = unsent.begin(opened, reader, kind, words)
    else:
        version = draft.row.unsent.version
        row, _unseen = unsent.save(opened, reader, kind, words, None if version == unsent.UNWRITTEN else version)
    there = drafts.files(opened, row)
    faults = []
    for file in draft.files:
        if sentence := forms.against_file(file.name, file.size, there):
            faults.append(Fault("files", sentence))
        else:
            unsent.add_file(opened, row, file.name, file.content_type, file.size, file.chunks())
            there.append(file)
        # One by one: what breaks off goes on with the rest.
        approaches.remove_file(draft, file.id)
    approaches.drop(draft.row)
    return faults


def sentence() -> str:
    """What the way in says meanwhile."""
    return _("What you wrote is saved and not sent yet. Confirm your address, and you will find it here again.")


def _token(request: Request, reader: Reader, kind: str) -> str:
    """Another for each reader and form, from the cookie of which the rows of this installation hold a digest alone."""
    about = bound("letterlock/v1/waiting", reader.id.bytes, kind.encode())
    key = HKDF(SHA256(), 32, None, about).derive(cookies.read(request, cookies.TRUSTED).encode())
    return base64.urlsafe_b64encode(key).decode()
