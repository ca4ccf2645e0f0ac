"""The words of a PDF for the rules, got in the sandbox like its pictures."""

from __future__ import annotations

from portal.reading import sandbox
from portal.reading.rendering import wire
from portal.reading.rendering.wire import Asked
from portal.rules.reading import Reading


def of_pdf(data: bytes, most: int, seconds: float) -> Reading:
    """All pages' text, up to `most` characters. Where there is no sandbox, nothing can be said about it."""
    if not sandbox.available():
        return Reading(unreadable=True, password_protected=b"/Encrypt" in data)
    answer = sandbox.run(Asked("pdf", wire.WORDS), [data], seconds)
    if answer.state != wire.OK:
        # A file that takes too long and one that is damaged look the same from here.
        return Reading(unreadable=True, password_protected=answer.state == wire.PASSWORD)
    text = answer.data.decode("utf-8", "replace")
    return Reading(text[:most], truncated=len(text) > most or answer.text == wire.MORE)
