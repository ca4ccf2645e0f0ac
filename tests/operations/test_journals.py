"""Log files of the parts: kept small, whole lines, hidden links."""

from __future__ import annotations

import stat
from pathlib import Path

from portal.operations.journals import KEPT, MAX_BYTES, Journal, shown


def test_a_log_is_rotated_by_size_and_only_the_newest_files_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "logs", "door")
    line = "x" * 999_999
    for _ in range((MAX_BYTES // len(line) + 1) * (KEPT + 3)):
        journal.write(line)
    journal.close()
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "logs").iterdir()}
    assert sorted(sizes) == ["door.log", *(f"door.log.{number}" for number in range(1, KEPT + 1))]
    assert all(size <= MAX_BYTES + len(line) + 1 for size in sizes.values())
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700


def test_a_later_start_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for word in ("first", "second"):
        journal = Journal(tmp_path, "web")
        journal.write(word)
        journal.close()
    assert (tmp_path / "web.log").read_text() == "first\nsecond\n"


def test_the_terminal_shows_warnings_and_what_has_no_level() -> None:
    moment = b"2026-11-24T03:00:00Z"
    assert shown(moment + b" INFO door took a mail\n") == ("2026-11-24T03:00:00Z INFO door took a mail", False)
    assert shown(moment + b" WARNING door is slow\n")[1]
    assert shown(b"thread panicked\n") == ("thread panicked", True)


def test_what_a_part_prints_past_its_logger_is_hidden_too() -> None:
    assert "abcdefgh" not in shown(b"GET /m/abcdefghjkmnpqrstvwxyz\n")[0]
    assert shown(b"\xff\xfe bytes\n")[0].endswith("bytes")


def test_a_full_disk_leaves_lines_out_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "beat.log").symlink_to("/dev/full")
    journal = Journal(tmp_path, "beat")
    journal.write("there is no room for this")
    journal.close()
    (tmp_path / "beat.log").unlink()
    again = Journal(tmp_path, "beat")
    again.write("there is room again")
    again.close()
    assert (tmp_path / "beat.log").read_text() == "there is room again\n"
