"""The walk through the suite's logs finds what was written, in each form; and nothing that holds keys shows them."""

from __future__ import annotations

import ast
import base64
import dataclasses
import importlib
import logging
import os
import pkgutil
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from portal.keys.backup import Backup
from portal.keys.door import DoorPrivate
from portal.keys.errors import KeysError, WrapRefused
from portal.keys.installation import Secrets
from portal.keys.objects import Contents
from portal.keys.pairs import Pair
from portal.keys.recovery import RecoveryPrivate
from portal.keys.service import KeyService
from portal.keys.split import code_of, grouped, new_share, open_key
from portal.keys.tree import Tree
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import NoRoom, VaultError, WrongPlace
from portal.vault.escrow import Escrowed
from portal.vault.sealing import Sealed
from tests.secrecy import EAR, HEARD, Ear
from tests.servers import ROOT

# Public halves, what is wrapped already, keyed hashes of addresses and digests of cookies.
SHOWN = {
    *("DoorPublic.public", "RecoveryPublic.public", "Header.wrapped", "Place.id"),
    *("Browser.token", "Browser.trusted", "Claim.lookup", "Purse.lookup", "Purse.trusted"),
}
"""Fields of bytes that open nothing."""
KEY = bytes.fromhex("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")


@pytest.mark.parametrize(
    "written",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        repr(KEY),
        repr({"key": KEY}),
        f"wrap {KEY.hex()[:14]}…",
        f"x{KEY.hex()}",
        repr(bytearray(KEY)),
        f"AB{KEY.hex()}",
    ],
    ids=("hex", "HEX", "base64", "base64url", "repr", "inside", "part", "after x", "bytearray", "after AB"),
)
def test_bytes_are_found_in_each_form_and_never_shown(written: str) -> None:
    ear = Ear()
    ear.secret("leaf", KEY)
    ear.text("a log", f"2026-11-24 INFO the thing {written} is done")
    ear.text("another", "the thing is done")
    assert [str(one) for one in ear.findings()] == ["leaf in a log"]
    assert KEY.hex()[:8] not in repr(ear) + str(ear.findings())


def test_codes_are_found_grouped_or_not() -> None:
    ear, share = Ear(), new_share()
    ear.secret("code", grouped(code_of(share)))
    ear.secret("code", code_of(share))
    ear.text("one", f"https://portal.example/m/…#{code_of(share)}")
    ear.text("two", grouped(code_of(share)))
    ear.text("three", grouped(code_of(new_share())))
    assert [one.where for one in ear.findings()] == ["one", "two"]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("the code 40318264.", True),
        ("the code 40318264", True),
        ("typed 4031 8264 here", True),
        ("request 40318264-1c2d-4b5a", False),
        ("140318264 bytes", False),
    ],
)
def test_a_passcode_is_found_where_it_stands_alone(written: str, found: bool) -> None:
    ear = Ear()
    ear.passcode("40318264")
    ear.text("a log", written)
    assert bool(ear.findings()) == found


def test_constants_of_tests_are_no_secrets() -> None:
    ear = Ear()
    ear.secret("key", bytes(32))
    ear.text("a log", f"{bytes(32).hex()} and {bytes(32)!r}")
    assert not ear.findings()


def test_this_process_is_listened_to() -> None:
    before = EAR.counts
    Tree.fresh().leaf(1, 2)
    logging.getLogger("portal.heard").debug("A line of %s.", os.urandom(8).hex())
    WrapRefused()
    after = EAR.counts
    assert after["leaf"] == before.get("leaf", 0) + 1
    assert after["texts"] > before["texts"]
    assert min(after[kind] for kind in ("key of a cipher", "secret", "private key", "node of a tree")) > 0


def test_a_run_that_wrote_secrets_fails_and_says_where(tmp_path: Path) -> None:
    """The whole of it: two processes, each kind of place, and a report without a secret."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "1", f"--basetemp={tmp_path / 'run'}"]
    done = subprocess.run([*run, "tests/planted/leaks.py"], cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    _, _, report = done.stdout.partition("SECRETS WRITTEN")
    for sentence in (
        "leaf in the log of tests/planted/leaks.py::test_a_leaf_in_a_debug_line",
        "code of a share in an error in tests/planted/leaks.py::test_a_share_in_an_error",
        "passcode in the log of tests/planted/leaks.py::test_a_passcode_in_a_line",
        "link in the arguments of a task in tests/planted/leaks.py::test_a_link_in_the_arguments_of_a_task",
        "root key in door.log of the portal of tests/planted/leaks.py::test_a_root_key_in_the_log_of_a_portal",
    ):
        assert sentence in report
    assert "\\x" not in report


def _holders(tmp_path: Path) -> list[object]:
    """One of each class of portal.keys and portal.vault, those with keys holding KEY or a key of their own."""
    from portal.keys.keyring import FolderKeyring
    from portal.keys.provider import LocalFile
    from portal.vault.sources import Bytes, FileSource
    from portal.vault.stream import Context, Opener, Sealer, seal

    message, reader = uuid4(), uuid4()
    context = Context(message, "toc")
    pair, recovery, door = Pair.generate(), RecoveryPrivate.generate(), DoorPrivate.generate()
    provider = LocalFile.create(tmp_path / "root.key")
    keyring = FolderKeyring(tmp_path / "keyring", provider)
    service = KeyService.initialise(provider, keyring)
    service.prepare(date(2026, 11, 25), {1})
    service.leaf("forever.0", 1, 2)
    stored = tmp_path / "stream"
    stored.write_bytes(seal(KEY, context, b"text"))
    return [
        pair,
        recovery,
        door,
        provider,
        keyring,
        service,
        *service._opened._kept.values(),
        Tree.fresh(),
        Secrets.fresh(),
        Backup(datetime.now(UTC), KEY, Contents({"secrets": KEY}, {"door": KEY}, ())),
        Contents({"secrets": KEY}, {"door": KEY}, ()),
        Sealer(KEY, context),
        Opener(Bytes(stored.read_bytes()), KEY, context),
        FileSource(stored),
        Sealed(KEY, {"toc": KEY}, (), (KEY,), (KEY[:16],)),
        Escrowed(message, reader, KEY),
    ]


def test_no_holder_of_keys_shows_them(tmp_path: Path) -> None:
    ear = Ear()
    ear.secret("key", KEY)
    ear.secret("share", KEY[:16])
    holders = _holders(tmp_path)
    ear._bytes |= EAR._bytes  # what these made just now as well
    for holder in holders:
        for shown in (repr(holder), str(holder), f"{[holder]!r}", f"{holder!s:>9}"):
            ear.text(type(holder).__name__, shown)
            assert "\\x" not in shown, f"{type(holder).__name__} shows bytes"
    assert [str(one) for one in ear.findings()] == []


@pytest.mark.parametrize("room", ["portal.keys", "portal.vault", "portal.ingest", "portal.access", "portal.writing"])
def test_no_dataclass_prints_a_field_of_bytes(room: str) -> None:
    """Whoever adds a field of bytes to a value decides whether it may be shown."""
    printed = [
        f"{kind.__name__}.{one.name}"
        for kind in _dataclasses(room)
        if hasattr(kind.__repr__, "__wrapped__")  # made by dataclasses, and not a repr of its own
        for one in dataclasses.fields(kind)
        if one.repr and re.search(r"\bbytes\b|Secrets|Pair|DoorPrivate|Tree", str(one.type))
    ]
    assert sorted(set(printed) - SHOWN) == [], "hide these with field(repr=False)"


def _dataclasses(room: str) -> Iterator[type]:
    package = importlib.import_module(room)
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if ".migrations" not in found.name and ".management" not in found.name:
            module = importlib.import_module(found.name)
            for kind in vars(module).values():
                if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == found.name:
                    yield kind


def test_nothing_that_is_listened_to_is_imported_by_its_name() -> None:
    """A room that has the function itself, and not the module it is in, makes secrets that nobody hears of."""
    assert "portal.vault.readers.new_link" in HEARD
    assert _deaf("from portal.vault.readers import (\n    link_of,\n    new_link,\n)") == [
        "portal.vault.readers.new_link"
    ]
    found = {str(path): _deaf(path.read_text()) for path in (ROOT / "portal").rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}, "import the module instead"


def _deaf(source: str) -> list[str]:
    """What of HEARD a module has by a name of its own."""
    if not any(f"from {module} import" in source for module in {name.rpartition(".")[0] for name in HEARD}):
        return []
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return [name for node in imports for one in node.names if (name := f"{node.module}.{one.name}") in HEARD]


@pytest.mark.parametrize("family", [KeysError, VaultError])
def test_errors_of_keys_hold_their_sentence_and_no_bytes(family: type[Exception]) -> None:
    kinds = [family]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert len(kinds) > 10
    for kind in kinds:
        if not kind.__module__.startswith("portal."):
            continue
        made = NoRoom(datetime.now(UTC)) if kind is NoRoom else WrongPlace(7) if kind is WrongPlace else kind()
        assert str(made).endswith(".")
        assert "\\x" not in repr(made)
        assert not vars(made).keys() - {"until", "have"}, "an error carries its sentence, at most a time or a place"


def test_an_error_that_came_up_while_opening_carries_no_bytes() -> None:
    """Neither it nor what it came from: its context is cut, and cryptography's own error has no text."""
    tree, share = Tree.fresh(), new_share()
    wrapped = wrap(tree.leaf(1, 0), KEY, "forever.0", uuid4(), uuid4(), KEY)
    cases: list[Callable[[], object]] = [
        lambda: unwrap(tree.leaf(1, 0), wrapped, "forever.0", uuid4(), uuid4(), KEY),
        lambda: open_key(KEY, share, wrapped, uuid4(), uuid4()),
        lambda: Secrets.decode(b"LLI1" + KEY),
        lambda: Tree.decode(KEY),
        lambda: Pair.decode(KEY),
        lambda: Secrets.fresh().open_field("reader", uuid4(), KEY * 4),
        lambda: tree.punctured(1, 0).leaf(1, 0),
    ]
    for case in cases:
        with pytest.raises(KeysError) as caught:
            case()
        error: BaseException | None = caught.value
        assert isinstance(error, KeysError)
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__
        text = "".join(traceback.format_exception(error))
        ear = Ear()
        ear._bytes = {**EAR._bytes}
        ear.text("the traceback", text)
        assert not ear.findings()
