"""An office file made into a PDF by LibreOffice, with macros, links and everything else that acts switched off."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

from portal.reading.rendering.wire import DATA_BYTES, FAILED, LARGE, OK, PASSWORD, PDF, Answer, Asked

PROGRAM = "/usr/lib/libreoffice/program/soffice.bin"
MOST_PAGES = 200
STARTS_ANEW = 81
"""LibreOffice's exit status when it has made its profile and wants to be started again."""
HOME = Path("/tmp")  # noqa: S108 - the sandbox's own, in memory
UNPACKED_BYTES = 512 * 1024 * 1024
_SWITCHES = {
    "/org.openoffice.Office.Common/Security/Scripting": {
        "DisableMacrosExecution": "true",
        "DisableActiveContent": "true",
        "BlockUntrustedRefererLinks": "true",
        "MacroSecurityLevel": "3",
    },
    "/org.openoffice.Office.Writer/Content/Update": {"Link": "0"},
    "/org.openoffice.Office.Calc/Content/Update": {"Link": "2"},
}


def answer(asked: Asked, data: bytes) -> Answer:
    if asked.want != PDF or not asked.suffix.isalnum():
        return Answer(FAILED)
    if refused := _refused(data):
        return Answer(refused)
    profile, given = HOME / "profile", HOME / f"given.{asked.suffix}"
    made = HOME / "out" / "given.pdf"
    _write_profile(profile / "user")
    given.write_bytes(data)
    # Spreadsheets of a million rows become thousands of pages, of which nobody looks at more.
    pages = json.dumps({"PageRange": {"type": "string", "value": f"1-{MOST_PAGES}"}})
    command = [
        PROGRAM, f"-env:UserInstallation=file://{profile}", "--headless", "--norestore", "--nologo", "--nodefault",
        "--nolockcheck", "--nofirststartwizard", "--convert-to", f"pdf:{_filter(asked.suffix)}:{pages}",
        "--outdir", str(made.parent), str(given),
    ]  # fmt: skip
    # Without /proc a program does not know where it lies, and where its libraries do.
    environment = {**os.environ, "LD_LIBRARY_PATH": str(Path(PROGRAM).parent)}
    while subprocess.run(command, check=False, capture_output=True, env=environment).returncode == STARTS_ANEW:
        continue
    if not made.exists():
        return Answer(FAILED)
    if made.stat().st_size > DATA_BYTES:
        return Answer(LARGE)
    return Answer(OK, data=made.read_bytes())


def _filter(suffix: str) -> str:
    if suffix in ("xls", "xlsx", "ods"):
        return "calc_pdf_Export"
    return "impress_pdf_Export" if suffix in ("ppt", "pptx", "odp") else "writer_pdf_Export"


def _refused(data: bytes) -> str:
    """Why it is not tried: it has a password, or unpacks to more than memory is meant for."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        # [MS-OFFCRYPTO] 2.3.4.10: an encrypted OOXML file is a compound file with this stream in it.
        return PASSWORD if "EncryptedPackage".encode("utf-16-le") in data else ""
    if not data.startswith(b"PK"):
        return ""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > UNPACKED_BYTES:
            return LARGE
        names = packed.namelist()
        if "META-INF/manifest.xml" in names:
            with packed.open("META-INF/manifest.xml") as manifest:
                # OpenDocument 1.3 part 2 section 4.8.1
                return PASSWORD if b"encryption-data" in manifest.read(4 * 1024 * 1024) else ""
    return ""


def _write_profile(folder: Path) -> None:
    folder.mkdir(parents=True)
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, values in _SWITCHES.items()
        for name, value in values.items()
    )
    (folder / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema">{items}</oor:items>'
    )
