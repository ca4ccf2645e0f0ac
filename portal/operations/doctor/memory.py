"""Ways in which keys in memory could reach a disk: swap, and images of a crashed process."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from pathlib import Path

from portal.operations.doctor.finding import Finding, notice, unknown, well, wrong

_DEVICE = re.compile(r"dm-\d+")


def swap(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Iterator[Finding]:
    try:
        lines = (proc / "swaps").read_text().splitlines()[1:]
    except OSError:
        yield unknown("swap", "/proc/swaps cannot be read.", "Look on the machine below: swapon --show.")
        return
    clear = [line.split()[0] for line in lines if line.split() and not _kept_from_disk(line.split()[0], sys)]
    if clear:
        yield notice(
            "swap",
            f"{', '.join(clear)} is swap that is not encrypted.",
            "Keys and text of mail in memory can be written there and stay for years.",
            "Take it away (swapoff -a and /etc/fstab), or encrypt it with a fresh key at each start (crypttab, swap).",
        )
    else:
        yield well("swap", "Encrypted, or in memory only." if lines else "None.")


def _kept_from_disk(device: str, sys: Path) -> bool:
    name = Path(device).resolve().name if device.startswith("/dev/") else Path(device).name
    if name.startswith("zram"):
        return True
    if not _DEVICE.fullmatch(name):
        return False
    try:
        return (sys / "block" / name / "dm" / "uuid").read_text().startswith("CRYPT-")
    except OSError:
        return False


def core_files() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if (soft, hard) == (0, 0):
        yield well("core files", "No process of Letterlock leaves one.")
    else:
        yield wrong(
            "core files",
            "A crash may leave an image of the process's memory.",
            "Keys would be in it.",
            "Write LimitCORE=0 into the service's unit, or run: ulimit -c 0",
        )
