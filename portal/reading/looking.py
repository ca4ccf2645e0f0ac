"""That a message was opened: by its page, or by whatever else of it was shown first."""

from __future__ import annotations

from portal.access import receipts
from portal.access.requests import Request
from portal.audit.record import record
from portal.vault import readers
from portal.vault.models import Reader


def note(request: Request, reader: Reader) -> None:
    """Record it, and ask for the mail to a sender who wants to be told. Call only after a proof."""
    session = request.session_row
    first = readers.mark_opened(reader)
    if first:
        receipts.ask(reader, session)
    how: dict[str, str | bool] = {"author": True} if reader.role == Reader.Role.AUTHOR else {}
    if session is not None:
        how |= {"method": session.method}
    record("message.opened", message=reader.message_id, reader=reader.id, first=first, **how)
