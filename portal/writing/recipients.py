"""Whom an answer goes to: for every kind checked against what its form offered, whatever was posted."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from portal.mime.addresses import Mailbox
from portal.reading import actions
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened


def offered(kind: str, reader: Reader, opened: Opened) -> tuple[Mailbox, ...]:
    """Whom the form names."""
    return actions.others(reader, opened) if kind == unsent.ALL else (opened.toc.sender,)


def begun(kind: str, reader: Reader, opened: Opened) -> tuple[str, ...]:
    """The addresses that are ticked before anything is written."""
    return tuple(box.address for box in offered(kind, reader, opened)) if kind == unsent.ALL else ()


def chosen(
    kind: str, posted: Sequence[str], reader: Reader, opened: Opened
) -> tuple[tuple[Mailbox, ...], tuple[str, ...], list[str]]:
    """Whom it goes to, what of that is kept in a draft, and what stands against it.

    An address that the form did not offer is refused, and kept nowhere: an answer can lose people, never gain any.
    """
    there = offered(kind, reader, opened)
    if kind != unsent.ALL:
        return there, (), []
    wanted = set(posted)
    found = tuple(box for box in there if box.address in wanted)
    faults = []
    if wanted - {box.address for box in there}:
        faults.append(_("You can answer only those whom the message names."))
    elif not found:
        faults.append(_("Enter at least one address."))
    return found, tuple(box.address for box in found), faults
