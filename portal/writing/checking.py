"""Files that somebody adds are looked at for viruses before they are taken into anything."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal import viruses
from portal.writing.uploads import SealedUpload


def against(file: SealedUpload) -> str:
    """Why an uploaded file is not taken; "" when it is, and where no scanner is set."""
    if not viruses.is_on():
        return ""
    try:
        found = viruses.find(file.chunks(), file.size or 0)
    except viruses.TooLargeToScan:
        return _("%(name)s was not added: it is too large to be checked for viruses.") % {"name": file.name}
    except viruses.ScannerAway:
        return _("%(name)s was not added: it cannot be checked for viruses just now. Try again in a few minutes.") % {
            "name": file.name
        }
    return _("%(name)s was not added: a virus was found.") % {"name": file.name} if found else ""
