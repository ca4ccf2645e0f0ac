"""Where a setting says that a file is."""

from __future__ import annotations

from pathlib import Path

from portal.keys.errors import SettingRefused


def file_of(url: str, setting: str) -> Path:
    """The absolute path of "file:/path" or "file:///path", taken as it stands. SettingRefused names the setting."""
    path = url.removeprefix("file:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if path == url or not path.startswith("/") or path.startswith("//"):
        raise SettingRefused(
            f"{setting} must be file:///an/absolute/path, or another kind of address that docs/settings.md names."
        )
    return Path(path)
