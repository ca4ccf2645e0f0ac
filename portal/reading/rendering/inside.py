"""The sandbox's only program: its own limits first, then one question from standard input, one answer to output."""

from __future__ import annotations

import resource
import sys

from portal.reading.rendering.wire import FAILED, Answer, Asked

MIB = 1024 * 1024
MEMORY_BYTES = {"office": 4096 * MIB}
"""Address space; LibreOffice maps far more than it uses."""
CPU_SECONDS = {"office": 60}
MEMORY_USUALLY, CPU_USUALLY = 1024 * MIB, 10
FILE_BYTES = 128 * MIB
OPEN_FILES, PROCESSES = 256, 128


def main() -> None:
    """Never raises: whatever goes wrong is an answer, and no text of an error leaves the sandbox."""
    out = sys.stdout.buffer
    try:
        asked, data = Asked.decode(sys.stdin.buffer.read())
        _limit(asked.kind)
        found = answer(asked, data)
    except BaseException:  # also MemoryError, and what a library's exit raises
        found = Answer(FAILED)
    out.write(found.encode())
    out.flush()


def answer(asked: Asked, data: bytes) -> Answer:
    """By what renders files of its kind."""
    # Only what is needed is loaded: it takes most of the time of a short question.
    if asked.kind == "pdf":
        from portal.reading.rendering import pdf

        return pdf.answer(asked, data)
    if asked.kind == "picture":
        from portal.reading.rendering import pictures

        return pictures.answer(asked, data)
    if asked.kind in ("text", "table"):
        from portal.reading.rendering import texts

        return texts.answer(asked, data)
    if asked.kind == "office":
        from portal.reading.rendering import office

        return office.answer(asked, data)
    return Answer(FAILED)


def _limit(kind: str) -> None:
    """Before a byte of the file is looked at; what it starts later inherits them, and none can be raised again."""
    office = kind == "office"
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MEMORY_BYTES.get(kind, MEMORY_USUALLY)),
        (resource.RLIMIT_CPU, CPU_SECONDS.get(kind, CPU_USUALLY)),
        (resource.RLIMIT_FSIZE, FILE_BYTES if office else 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, PROCESSES if office else 1),
    ):
        _soft, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # a worker's own bound may be narrower
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
