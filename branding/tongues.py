"""Which of the portal's languages a code means."""

from __future__ import annotations

from django.utils import translation


def known(code: str) -> str:
    """The nearest of our languages to a code like "de-AT"; "" when there is none."""
    try:
        return translation.get_supported_language_variant(code.lower()) if code else ""
    except LookupError:
        return ""
