"""Pages of a PDF as pictures and text, by pdfium: without JavaScript, which its build here cannot run."""

from __future__ import annotations

import pypdfium2 as pdfium
from pypdfium2 import raw

from portal.reading.rendering import sheets
from portal.reading.rendering.wire import FAILED, LARGE, MORE, OK, PASSWORD, SHOWN, TEXT, WORDS, Answer, Asked

SHARPEST = 200 / 72
"""Pixels for a point: 200 dots an inch."""
TEXT_CHARACTERS = 200_000
MOST_WORDS, MOST_PAGES = 8 * 1024 * 1024, 5000
"""Characters of all pages together, and pages."""


def answer(asked: Asked, data: bytes) -> Answer:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        return Answer(PASSWORD if error.err_code == raw.FPDF_ERR_PASSWORD else FAILED)
    pages = len(document)
    if asked.want == WORDS:
        return _words(document)
    if asked.want not in (SHOWN, TEXT):
        return Answer(OK if pages else FAILED, pages)
    if not 1 <= asked.page <= pages:
        return Answer(FAILED, pages)
    if asked.want == SHOWN:
        # What was filled into a form is part of the page; it has to be asked for before the page is loaded.
        document.init_forms()
    page = document[asked.page - 1]
    if asked.want == TEXT:
        words = page.get_textpage().get_text_bounded()
        return Answer(OK, pages, text=words[:TEXT_CHARACTERS].replace("\r\n", "\n"))
    longest = max(page.get_size())
    if not longest > 0:
        return Answer(LARGE, pages)
    picture = page.render(scale=min(SHARPEST, sheets.LONGEST_SIDE / longest)).to_pil()
    return Answer(OK, pages, data=sheets.out(picture, asked.mark))


def _words(document: pdfium.PdfDocument) -> Answer:
    """Of a damaged page the others' words are given, and that there is more."""
    pieces: list[str] = []
    room, whole = MOST_WORDS, len(document) <= MOST_PAGES
    for number in range(min(len(document), MOST_PAGES)):
        try:
            words = document[number].get_textpage().get_text_bounded()
        except pdfium.PdfiumError:
            whole = False
            continue
        pieces.append(words[:room])
        room -= len(words)
        if room < 0:
            whole = False
            break
    return Answer(OK, len(document), text="" if whole else MORE, data="\n".join(pieces).encode("utf-8", "replace"))
