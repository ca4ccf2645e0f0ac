"""Which version of Letterlock this is, as pyproject.toml says."""

from __future__ import annotations

import tomllib
from pathlib import Path


def _version() -> str:
    try:
        with (Path(__file__).resolve().parent.parent.parent / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


VERSION = _version()
