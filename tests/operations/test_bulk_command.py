"""`manage.py ingest --bulk`: from a file, an archive, a folder or standard input, once however often it is called."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from portal.ingest import bulk
from portal.ingest.models import Run, Spooled
from portal.ingest.spoolfolder import folder
from portal.operations.preparing import make_default_brand
from tests.mails import JONAS, MAYA, mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _brand_and_empty_spool() -> Iterator[None]:
    make_default_brand(settings.LETTERLOCK)
    yield
    for path in folder().glob("*-*"):
        path.unlink()


def ingest(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, what was said, and what was complained of."""
    said, complaints = io.StringIO(), io.StringIO()
    status = 0
    try:
        call_command("ingest", *map(str, arguments), stdout=said, stderr=complaints)
    except CommandError as error:
        status = error.returncode
    except SystemExit as end:
        status = 1
        complaints.write(str(end.code))
    return status, said.getvalue(), complaints.getvalue()


def line(number: int) -> bytes:
    fields = {"sender": MAYA, "recipients": [JONAS], "subject": f"Invoice {number}", "text": "Hello.", "protect": {}}
    return json.dumps(fields).encode() + b"\n"


@pytest.fixture
def ndjson(tmp_path: Path) -> Path:
    path = tmp_path / "invoices.ndjson"
    path.write_bytes(line(1) + b"broken\n" + line(3))
    return path


def test_every_line_is_taken_and_the_broken_ones_are_listed(ndjson: Path) -> None:
    status, said, complaints = ingest("--bulk", ndjson)
    assert status == 1
    assert "2 mails taken, 1 refused." in said
    assert "line 2: The line is not JSON" in complaints
    assert Spooled.objects.filter(bulk=True).count() == 2
    assert ingest("--bulk", ndjson) == (status, said, complaints)
    assert Spooled.objects.count() == 2


def test_what_was_stopped_in_the_middle_goes_on_there(ndjson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ndjson.write_bytes(b"".join(line(number) for number in range(6)))
    monkeypatch.setattr(bulk, "GROUP", 2)
    with monkeypatch.context() as stopped:

        def stop(taker: object, offered: bulk.Offered) -> None:
            if offered.number == 4:
                raise KeyboardInterrupt
            take(taker, offered)

        take = bulk._Taker.take
        stopped.setattr(bulk._Taker, "take", stop)
        with pytest.raises(KeyboardInterrupt):
            ingest("--bulk", ndjson)
    assert Run.objects.get().accepted == 3
    status, said, _ = ingest("--bulk", ndjson)
    assert (status, "6 mails taken, 0 refused." in said) == (0, True)
    assert Spooled.objects.count() == 6


def test_a_folder_and_an_archive_are_told_by_their_files_names(tmp_path: Path) -> None:
    mails = tmp_path / "mails"
    (mails / "deep").mkdir(parents=True)
    (mails / "1.eml").write_bytes(mail())
    (mails / "deep" / "2.eml").write_bytes(mail().replace(b"\r\n", b"\n"))
    (mails / "3.eml").write_bytes(b"no mail")
    (mails / "notes.txt").write_bytes(b"not looked at")
    status, said, complaints = ingest("--bulk", mails)
    assert (status, "2 mails taken, 1 refused." in said) == (1, True)
    assert complaints.startswith("3.eml: ")
    packed = tmp_path / "mails.zip"
    with zipfile.ZipFile(packed, "w") as made:
        made.write(mails / "1.eml", "1.eml")
    assert ingest("--bulk", packed)[0] == 0
    assert Spooled.objects.count() == 3


def test_standard_input_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(1))))
    status, _, complaints = ingest("--bulk", "-")
    assert (status, "--key" in complaints) == (1, True)
    assert ingest("--bulk", "-", "--key", "may")[0] == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(2))))
    status, _, complaints = ingest("--bulk", "-", "--key", "may")
    assert (status, "another body" in complaints) == (1, True)
    assert Spooled.objects.count() == 1


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, word in ((tmp_path / "none.zip", "No such file"), (tmp_path / "empty", "no file that ends in .eml")):
        status, _, complaints = ingest("--bulk", source)
        assert (status, word in complaints) == (1, True), complaints


@pytest.mark.parametrize(
    "arguments", [("x.eml", "--bulk", "y"), ("--bulk", "y", "--from", MAYA), (), ("x", "--key", "k")]
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...]) -> None:
    assert ingest(*arguments)[0] == 1
    assert not Run.objects.exists()


def test_a_bar_is_drawn_where_a_person_looks(ndjson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    ingest("--bulk", ndjson)
    size = f"{ndjson.stat().st_size:,}"
    assert f"{size}/{size}" in screen.getvalue()
