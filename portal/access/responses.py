"""Answers that every page of this room gives alike."""

from __future__ import annotations

from django.http import HttpResponseRedirect


def see_other(url: str) -> HttpResponseRedirect:
    """303 (RFC 9110 section 15.4.4): what follows a form is another page, which a reload does not post again."""
    return HttpResponseRedirect(url, status=303)
