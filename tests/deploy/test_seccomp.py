"""The profile by which a container may start the sandbox of previews, given to the kernel without an engine."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import parts
from tests.reading import documents
from tests.servers import ROOT

PROFILE = ROOT / "deploy" / "seccomp" / "letterlock-previews.json"
ALLOW, EPERM = 0x7FFF0000, 0x00050001
"""As libseccomp counts actions (seccomp.h)."""
EQUAL = 4
FOR_THE_SANDBOX = {"clone", "unshare", "mount", "umount2", "pivot_root", "capset", "chown"}
DANGEROUS = {
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "setns", "bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_setup", "add_key", "keyctl", "request_key", "personality", "chroot", "reboot", "swapon", "acct"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "open_by_handle_at", "name_to_handle_at"),
    *("fsopen", "fsmount", "fsconfig", "move_mount", "open_tree", "mount_setattr", "settimeofday", "clock_settime"),
    *("iopl", "ioperm", "modify_ldt", "quotactl", "syslog", "vhangup"),
}


class _Compare(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PROFILE.read_text())
    return found


def compiled(profile: dict[str, Any]) -> int:
    """The profile as the kernel takes it, made by libseccomp as container engines make it; a file's descriptor."""
    name = ctypes.util.find_library("seccomp")
    if name is None:
        parts.need("libseccomp")
    library = ctypes.CDLL(name)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(EPERM))
    for rule in profile["syscalls"]:
        compared = [_Compare(one["index"], EQUAL, one["value"], 0) for one in rule.get("args", [])]
        for call in rule["names"]:
            number = library.seccomp_syscall_resolve_name(call.encode())
            if number >= 0:  # below are calls of other machines
                array = (_Compare * len(compared))(*compared)
                assert library.seccomp_rule_add_array(context, ALLOW, number, len(compared), array) == 0, call
    made = os.memfd_create("filter", 0)
    assert library.seccomp_export_bpf(context, made) == 0
    os.lseek(made, 0, os.SEEK_SET)
    return made


def run(profile: dict[str, Any], program: str, *words: Path) -> list[str]:
    """What a Python program says under the profile, as a user without capabilities."""
    parts.need("bwrap")
    filter_ = compiled(profile)
    done = subprocess.run(
        [
            *("bwrap", "--unshare-user", "--uid", "10001", "--gid", "10001", "--cap-drop", "ALL"),
            *("--dev-bind", "/", "/", "--seccomp", str(filter_), "--", sys.executable, "-c", program, *words),
        ],
        cwd=ROOT, capture_output=True, text=True, pass_fds=[filter_],
    )  # fmt: skip
    os.close(filter_)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


RENDERS = """
import sys
from pathlib import Path
from portal.reading import sandbox
from portal.reading.rendering.wire import Asked
for name in sys.argv[1:]:
    kind, want = ("pdf", "picture") if name.endswith("pdf") else ("office", "pdf")
    print(sandbox.run(Asked(kind, want, suffix="odt"), [Path(name).read_bytes()]).state)
"""


def test_the_sandbox_renders_under_it_and_not_without_what_it_adds(profile: dict[str, Any], tmp_path: Path) -> None:
    parts.need("libreoffice")
    pdf, office = tmp_path / "a.pdf", tmp_path / "a.odt"
    pdf.write_bytes(documents.pdf("Hello"))
    office.write_bytes(documents.odt("Hello"))
    assert run(profile, RENDERS, pdf, office) == ["ok", "ok"]
    rule, *sockets = profile["syscalls"]
    less = {**rule, "names": sorted({*rule["names"]} - {"mount", "umount2", "pivot_root"})}
    assert run({"syscalls": [less, *sockets]}, RENDERS, pdf) == ["failed"]
    local = [rule for rule in sockets if rule["args"][0]["value"] != socket.AF_NETLINK]
    assert run({"syscalls": [rule, *local]}, RENDERS, pdf) == ["failed"], "it switches loopback on"


CALLS = """
import socket
def tried(family, kind):
    try: socket.socket(family, kind).close()
    except OSError as error: return error.errno
    return 0
print(*(tried(*one) for one in ((1, 1), (2, 1), (10, 1), (16, 3), (17, 3), (38, 5), (40, 1))))
"""


def test_only_sockets_of_the_network_of_this_machine_and_of_its_settings_can_be_made(profile: dict[str, Any]) -> None:
    assert run(profile, CALLS) == ["0", "0", "0", "0", "1", "1", "1"], "not packets, kernel ciphers, virtual machines"


def test_what_opens_the_kernel_is_not_in_it(profile: dict[str, Any]) -> None:
    names = {name for rule in profile["syscalls"] for name in rule["names"]}
    assert names >= FOR_THE_SANDBOX
    assert not names & DANGEROUS
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {rule["action"] for rule in profile["syscalls"]} == {"SCMP_ACT_ALLOW"}
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"], "no 32-bit calls"


def test_it_is_what_the_units_of_systemd_allow(profile: dict[str, Any]) -> None:
    """Newer versions of systemd know more calls, so the file may have fewer than this machine would make."""
    parts.need("systemd-analyze")
    made = script().profile()
    assert {**made, "syscalls": made["syscalls"][1:]} == {**profile, "syscalls": profile["syscalls"][1:]}
    assert {*profile["syscalls"][0]["names"]} <= {*made["syscalls"][0]["names"]}


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seccomp", ROOT / "scripts" / "seccomp.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
