"""What tests need beyond Python: asked for by name, skipped loudly when missing, a failure where CI=true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from portal.reading.rendering import office

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
TOOLS = Path(__file__).parent.parent / ".tools"
"""Linters of the deployment files, from requirements/deploy.txt, apart from what the product runs with."""
EXIM = Path(__file__).parent / ".exim" / "usr" / "sbin" / "exim4"
"""Exim, unpacked beside the installed Postfix; as packages they exclude each other."""
BROWSER_PACKAGES = Path(__file__).parent / "browser" / "node_modules"


def program(name: str) -> str | None:
    """Path of a program, system folders included."""
    return shutil.which(name, path=PATH)


def postgresql_folder() -> Path | None:
    """Where Debian keeps PostgreSQL's own programs, newest version first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    return found[-1].parent if found else None


def nss_wrapper() -> Path | None:
    """The library that lends a process users of its own (libnss-wrapper)."""
    return next((found for found in Path("/usr/lib").glob("**/libnss_wrapper.so")), None)


def present(name: str) -> bool:
    """Whether a part is here. Names: chromium, postgresql, redis, postfix, exim, axe, oidc-provider, any program."""
    if name == "postgresql":
        return postgresql_folder() is not None
    if name == "exim":
        return os.access(EXIM, os.X_OK) and nss_wrapper() is not None
    if name == "libreoffice":
        return Path(office.PROGRAM).exists()
    if name == "axe":
        return (BROWSER_PACKAGES / "axe-core").is_dir()
    if name == "oidc-provider":
        return (BROWSER_PACKAGES / name).is_dir() and program("node") is not None
    return program({"redis": "redis-server"}.get(name, name)) is not None


def tool(name: str) -> Path:
    """A linter's program or, for python, the interpreter that has the linters as libraries; else as `need`."""
    found = TOOLS / "bin" / name
    if not found.exists():
        _missing([f".tools/bin/{name}"])
    return found


def need(*names: str) -> None:
    """Skip the test unless every part is here; with CI=true a missing one fails it."""
    missing = [name for name in names if not present(name)]
    if missing:
        _missing(missing)


def _missing(names: list[str]) -> NoReturn:
    sentence = f"{', '.join(names)} is not here; scripts/test-parts.sh says how to get it"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
