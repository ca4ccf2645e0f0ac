"""Why a held mail is refused: what its sender reads, by the key that the record keeps."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WHY: dict[str, str | Promise] = {
    "outside": _("This may not be sent outside the organisation."),
    "people": _("It is addressed to the wrong people."),
    "change": _("Something in it must be changed before it can be sent."),
    "ask": _("Ask your administrator before you send it again."),
    "damaged": _("It cannot be sent as it is; write it again."),
}
