"""Pages of a PDF as pictures and text, by pdfium: without JavaScript, which its build here cannot run."""

from __future__ import annotations

import pypdfium2 as pdfium
from pypdfium2 import raw

from portal.reading.rendering import sheets
from portal.reading.rendering.wire import FAILED, LARGE, OK, PASSWORD, SHOWN, TEXT, Answer, Asked

SHARPEST = 200 / 72
"""Pixels for a point: 200 dots an inch."""
TEXT_CHARACTERS = 200_000


def answer(asked: Asked, data: bytes) -> Answer:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        return Answer(PASSWORD if error.err_code == raw.FPDF_ERR_PASSWORD else FAILED)
    pages = len(document)
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
