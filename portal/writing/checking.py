"""Files that somebody adds are looked at for viruses before they are taken into anything."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal import viruses
from portal.vault.unsent import Kept
from portal.writing.uploads import SealedUpload


def against(file: SealedUpload | Kept) -> str:
    """Why an uploaded file is not taken; "" when it is, and where no scanner is set."""
    if not viruses.is_on():
        return ""
    try:
        found = viruses.find(file.chunks(), file.size or 0)
    except viruses.TooLargeToScan:
        return _("{name} was not added: it is too large to be checked for viruses.").format(name=file.name)
    except viruses.ScannerAway:
        said = _("{name} was not added: it cannot be checked for viruses just now. Try again in a few minutes.")
        return said.format(name=file.name)
    return _("{name} was not added: a virus was found.").format(name=file.name) if found else ""
