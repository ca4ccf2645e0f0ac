"""What the page after a change says of it: a word that this portal signed chooses one of the sentences."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.access import said
from portal.access.models import Session
from portal.access.requests import Request


def sentence(request: HttpRequest) -> str:
    """The sentence about what was done just now, or ""."""
    return _words().get(word(request), "")


def next_step(request: HttpRequest) -> tuple[str, str]:
    """Where to go from there and in which words; empty where nothing follows."""
    steps = {"proved": (reverse("you"), _("Add a passkey")), "withdrawn": ("#acts", _("To undo it"))}
    return steps.get(word(request), ("", ""))


def word(request: HttpRequest) -> str:
    """The word itself, for a page that says more of it than a sentence."""
    return said.word(request, cast(Request, request).office_row)


def see_done(request: HttpRequest, url: str, word: str) -> HttpResponseRedirect:
    """To `url` (303), whose page says what was done. Only behind permission_required."""
    return said.see_said(url, word, cast(Session, cast(Request, request).office_row))


def _words() -> dict[str, str]:
    return {
        "proved": _("It is you. With a passkey that takes one touch the next time."),
        "mailed": _("The link is on its way to their mailbox."),
        "role": _("The role was changed. It counts from their next request on."),
        "removed": _("They administer no more."),
        "delegate_added": _("They can act for that sender from now on. The sender is told by mail."),
        "delegate_removed": _("They act for that sender no more."),
        "withdrawn": _("It was withdrawn."),
        "undone": _("It is open again."),
        "date": _("The date was changed."),
        "rights": _("The rights were changed. They count from the readers’ next request on."),
        "hold": _("The legal hold was changed."),
        "resent": _("The notice is on its way once more."),
        "published": _("It is published. Recipients see it from now on."),
        "rules_published": _("The rules are published. Mail that comes in is decided by them within seconds."),
        "discarded": _("The draft is gone. What is live did not change."),
        "keys_made": _("New messages use new keys from now on. Back up the keyring now: manage.py keys backup."),
        "kept": _("The days are saved, and hold from now on."),
        "corrected": _("It was withdrawn there, and is on its way to the right address."),
    }
