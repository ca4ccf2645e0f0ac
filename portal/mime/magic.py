"""What a file is by its first bytes, whatever its name says; and whether it is a program."""

from __future__ import annotations

import re

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The compound files of Office before 2007, Outlook messages and installers ([MS-CFB] section 2.2)."""
ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
LOOKED_AT = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")

_BY_BEGINNING: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"(\xb5/\xfd", "application/zstd"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_PROGRAMS: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/x-mach-binary"),  # also a class of Java
    (b"\0asm", "application/wasm"),
    (b"dex\n", "application/vnd.android.dex"),
    (b"#!", "text/x-shellscript"),
    (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
)
_MEDIA = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"BM", b"8BPS",
    b"\0\0\1\0", b"\0\0\2\0", b"\xd7\xcd\xc6\x9a", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ",
    b"OggS", b"ID3", b"fLaC", b"MThd", b"#!AMR", b".snd", b"\xff\xf1", b"\xff\xf9", b"\xff\xfa", b"\xff\xfb",
    b"\xff\xf2", b"\xff\xf3", b"\x1aE\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\1\xba", b"\0\0\1\xb3",
    b"FLV", b"\0\1\0\0\0", b"OTTO", b"true", b"ttcf", b"wOFF", b"wOF2",
    b"\xff\x4f\xff\x51", b"caff\0\1", b"icns", b"IIU\0", b"FUJIFILMCCD-RAW", b"gimp xcf",
)  # fmt: skip
_ZIP_END, _LONGEST_END = b"PK\x05\x06", 22 + 65_535
_RIFF = (b"WEBP", b"WAVE", b"AVI ", b"ACON")
_INSTALLER = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F"
"""The class of a Windows Installer package, in the root entry of its compound file."""
_ENDINGS = (
    "ade adp app appref-ms apk bas bat chm cmd com command cpl crx deb desktop diagcab dll dmg ear exe gadget hlp "
    "hta inf ins iso img isp jar jnlp js jse ksh library-ms lnk mde msc msh msi msix msp mst ocx pif pkg pl prg "
    "ps1 ps1xml psm1 py pyc pyw rb reg rpm scf scr sct search-ms settingcontent-ms sh sys url vb vbe vbs vbscript "
    "vhd vhdx vxd war wim ws wsc wsf wsh xbap xll xpi"
)
SCRIPTS = frozenset(_ENDINGS.split())
"""Endings of names that systems run or mount, whose bytes may be plain text."""


def kind(data: bytes, said: str) -> str:
    """The media type by the first bytes; `said` where they do not tell."""
    for beginning, told in (*_BY_BEGINNING, *_PROGRAMS):
        if data.startswith(beginning):
            return told
    if data.startswith(ZIP):
        return (
            said
            if said in _PACKAGES or said.startswith(("application/vnd.o", "application/epub"))
            else "application/zip"
        )
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return "image/heic" if data[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "video/mp4"
    return said


def is_media(data: bytes) -> bool:
    """Whether it begins as a picture, sound, film or font does: such a file has no words that are read here."""
    # Readers of archives look for their end, and those of PDF for its mark a little further on.
    if _ZIP_END in data[-_LONGEST_END:] or b"%PDF-" in data[:1024]:
        return False
    if data.startswith(_MEDIA):
        return True
    if data[:4] in (b"RIFF", b"FORM"):
        return data[8:12] in (*_RIFF, b"AIFF", b"AIFC")
    return data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide") or (data[:4] == b"\1\0\0\0" and data[40:44] == b" EMF")


def is_binary(data: bytes) -> bool:
    """Control characters near its beginning, which no text has; UTF-16 has a mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return _CONTROL.search(data[:LOOKED_AT]) is not None


_PACKAGES = frozenset({"application/java-archive", "application/x-zip-compressed", "application/zip"})


def is_program(data: bytes, name: str) -> bool:
    """Whether a system would run it: by its bytes, or by the ending of its name."""
    if any(data.startswith(beginning) for beginning, _ in _PROGRAMS):
        return True
    if data.startswith(OLE) and _INSTALLER in data[: 64 * 1024]:
        return True
    return "." in name and name.rpartition(".")[2].strip().lower() in SCRIPTS
