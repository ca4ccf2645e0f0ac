"""Writes deploy/seccomp/letterlock-previews.json, by which a container may start the sandbox of previews.

The calls are those of our systemd unit for the web part with its drop-in for previews: systemd's own groups
(systemd.exec(5), SystemCallFilter=), which `systemd-analyze syscall-filter` lists, with what the units add and take
away, and less NOT. The form is that of the OCI runtime specification (config-linux.md, "Seccomp"), which Docker,
containerd and CRI-O read alike.

    python scripts/seccomp.py > deploy/seccomp/letterlock-previews.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SYSTEMD = Path(__file__).resolve().parent.parent / "deploy" / "systemd"
UNITS = (SYSTEMD / "letterlock-web.service", SYSTEMD / "previews.conf")
NOT = {
    *("add_key", "keyctl", "request_key"),  # a container's keys of the kernel are its host's
    *("io_uring_enter", "io_uring_register", "io_uring_setup"),  # does what a filter of calls cannot see
    *("kcmp", "name_to_handle_at", "personality", "process_vm_readv", "process_vm_writev", "setns", "userfaultfd"),
}
"""In systemd's groups, and needed by nothing of ours; Docker's own profile forbids most of it, too."""
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}


def profile() -> dict[str, Any]:
    """The document. A call that is not in it fails with EPERM."""
    names = calls([line for unit in UNITS for line in unit.read_text().splitlines()], _groups()) - NOT
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        # No others: through 32-bit calls a filter could be passed by.
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [
            {"names": sorted(names - {"socket"}), "action": "SCMP_ACT_ALLOW"},
            *(
                {
                    "names": ["socket"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 0, "value": FAMILIES[family], "op": "SCMP_CMP_EQ"}],
                }
                for family in families([line for unit in UNITS for line in unit.read_text().splitlines()])
            ),
        ],
    }


def calls(lines: list[str], groups: dict[str, set[str]]) -> set[str]:
    """What SystemCallFilter= of these lines allows; each adds to what stood before, or with ~ takes away."""
    found: set[str] = set()
    for words in _of(lines, "SystemCallFilter="):
        named = {name for word in words.lstrip("~").split() for name in _flat(word, groups)}
        found = found - named if words.startswith("~") else found | named
    return found


def families(lines: list[str]) -> list[str]:
    """What RestrictAddressFamilies= allows."""
    return sorted(
        {word for words in _of(lines, "RestrictAddressFamilies=") for word in words.split()}, key=FAMILIES.get
    )  # type: ignore[arg-type]


def _of(lines: list[str], setting: str) -> list[str]:
    return [line.removeprefix(setting) for line in lines if line.startswith(setting)]


def _flat(word: str, groups: dict[str, set[str]]) -> set[str]:
    return {name for inner in groups[word] for name in _flat(inner, groups)} if word.startswith("@") else {word}


def _groups() -> dict[str, set[str]]:
    """Systemd's groups by their names; each holds calls and other groups."""
    told = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    found: dict[str, set[str]] = {}
    for line in told.splitlines():
        words = line.partition("#")[0].split()
        if words and line.startswith("@"):
            inside = found.setdefault(words[0], set())
        elif words and found:
            inside.add(words[0])
    return found


if __name__ == "__main__":
    json.dump(profile(), sys.stdout, indent=1)
    sys.stdout.write("\n")
