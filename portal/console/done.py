"""What the page after a change says of it: a word in the address, which names nobody, chooses one of the sentences."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from portal.access.responses import see_other

WORD = "did"


def sentence(request: HttpRequest) -> str:
    """The sentence that the address asks for, or ""."""
    return _words().get(request.GET.get(WORD, ""), "")


def see_done(url: str, word: str) -> HttpResponseRedirect:
    """To `url` (303), whose page says what was done."""
    return see_other(f"{url}?{WORD}={word}")


def _words() -> dict[str, str]:
    return {
        "mailed": _("The link is on its way to their mailbox."),
        "role": _("The role was changed. It counts from their next request on."),
        "removed": _("They administer no more."),
        "withdrawn": _("It was withdrawn."),
        "undone": _("It is open again."),
        "date": _("The date was changed."),
        "rights": _("The rights were changed. They count from the readers’ next request on."),
        "hold": _("The legal hold was changed."),
        "resent": _("The notice is on its way once more."),
        "corrected": _("It was withdrawn there, and is on its way to the right address."),
    }
