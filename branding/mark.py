"""A brand's mark: its initials on its colour."""

from __future__ import annotations

import re

WORDS = re.compile(r"[^\W_]+")


def initials(name: str) -> str:
    """One or two capital letters: of the first and last word of a name, or of an address's local part."""
    words = WORDS.findall(name.partition("@")[0].strip("“”\"' "))
    words = [word for word in words if word.lower().rstrip(".") not in {"dr", "prof", "mr", "mrs", "ms"}] or words
    letters = [word[0] for word in (words[:1] + words[1:][-1:])]
    return "".join(letters).upper()
