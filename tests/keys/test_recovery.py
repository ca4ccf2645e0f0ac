"""The recovery key: two files, and what is sealed to one opens with the other alone, for one purpose and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.keys.errors import RecoveryKeyBad, WrapRefused
from portal.keys.recovery import RecoveryPrivate, RecoveryPublic, make_files


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    public, private = tmp_path / "recovery.pub", tmp_path / "recovery.key"
    make_files(public, private)
    return public, private


@pytest.mark.parametrize("content", [b"", b"k" * 32, b"x" * 100_000])
def test_what_is_sealed_to_the_public_half_opens_with_the_private_one(files: tuple[Path, Path], content: bytes) -> None:
    sealed = RecoveryPublic.load(files[0]).seal("export", content, b"place")
    assert len(sealed) == len(content) + 1136
    assert RecoveryPrivate.load(files[1]).open("export", sealed, b"place") == content


def test_it_refuses_another_purpose_place_or_key_and_every_changed_byte(files: tuple[Path, Path]) -> None:
    sealed = RecoveryPublic.load(files[0]).seal("export", b"k" * 32, b"place")
    private = RecoveryPrivate.load(files[1])
    for purpose, place in (("backup", b"place"), ("export", b"other")):
        with pytest.raises(WrapRefused):
            private.open(purpose, sealed, place)
    with pytest.raises(WrapRefused):
        RecoveryPrivate.generate().open("export", sealed, b"place")
    for at in (0, 1087, 1088, 1119, 1120, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(WrapRefused):
            private.open("export", bytes(changed), b"place")
    for cut in (0, 1135):
        with pytest.raises(WrapRefused):
            private.open("export", sealed[:cut], b"place")


def test_the_private_half_is_for_its_owner_and_no_file_is_replaced(files: tuple[Path, Path], tmp_path: Path) -> None:
    public, private = files
    assert private.stat().st_mode & 0o777 == 0o600
    before = public.read_bytes(), private.read_bytes()
    for attempt in ((public, tmp_path / "new"), (tmp_path / "new", private)):
        with pytest.raises(FileExistsError):
            make_files(*attempt)
    assert before == (public.read_bytes(), private.read_bytes())
    assert not (tmp_path / "new").exists()


def test_one_half_is_not_taken_for_the_other_nor_anything_else(files: tuple[Path, Path], tmp_path: Path) -> None:
    public, private = files
    with pytest.raises(RecoveryKeyBad, match="no recovery key"):
        RecoveryPublic.load(private)
    with pytest.raises(RecoveryKeyBad):
        RecoveryPrivate.load(public)
    odd = tmp_path / "odd"
    for content in (b"", b"\xff" * 9999, public.read_bytes()[:-9], public.read_bytes().replace(b"-1 ", b"-1 !")):
        odd.write_bytes(content)
        with pytest.raises(RecoveryKeyBad):
            RecoveryPublic.load(odd)
    with pytest.raises(RecoveryKeyBad, match="cannot be read"):
        RecoveryPublic.load(tmp_path / "missing")


def test_nothing_shows_the_private_half(files: tuple[Path, Path]) -> None:
    private = RecoveryPrivate.load(files[1])
    assert private.text().split()[1][:20] not in repr(private)
