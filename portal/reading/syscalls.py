"""System calls that a sandboxed renderer may not make: a seccomp filter as bytes (seccomp(2), linux/filter.h).

What opens a way out or deep into the kernel is refused, whoever asks: namespaces (in a new one of users a process has
every capability), mounts, sockets but local ones, other processes' memory, keys, BPF and the like. Everything else is
left to the sandbox's other walls.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in struct seccomp_data; both machines below are little-endian, so the argument's low half comes first."""
_NAMESPACES = 0x7E020000
"""Every CLONE_NEW… flag that clone takes (linux/sched.h)."""
_AF_UNIX = 1
_FOREIGN = 0x40000000
"""From here on x86-64 has the calls of another ABI (x32)."""


@dataclass(frozen=True)
class Machine:
    """Numbers of a machine's system calls; `refused` are refused whole."""

    architecture: int
    clone: int
    clone3: int
    socket: int
    refused: tuple[int, ...]


_NEWER = (425, 426, 427, 428, 429, 430, 431, 432, 433, 442)
"""io_uring, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr: alike on all machines."""
MACHINES = {
    # ptrace, pivot_root, chroot, mount, umount2, swapon, swapoff, reboot, init_module, delete_module, add_key,
    # request_key, keyctl, unshare, perf_event_open, name_to_handle_at, open_by_handle_at, setns, process_vm_readv,
    # process_vm_writev, finit_module, kexec_load, kexec_file_load, bpf, userfaultfd
    "x86_64": Machine(
        0xC000003E, 56, 435, 41,
        (101, 155, 161, 165, 166, 167, 168, 169, 175, 176, 248, 249, 250, 272, 298, 303, 304, 308, 310, 311, 313, 246,
         320, 321, 323, *_NEWER),
    ),
    "aarch64": Machine(
        0xC00000B7, 220, 435, 198,
        (117, 41, 51, 40, 39, 224, 225, 142, 105, 106, 217, 218, 219, 97, 241, 264, 265, 268, 270, 271, 273, 104, 294,
         280, 282, *_NEWER),
    ),
}  # fmt: skip


def filter_of(machine: str = "") -> bytes:
    """The program for the kernel; b"" for a machine whose numbers are not known here."""
    here = MACHINES.get(machine or platform.machine())
    if here is None:
        return b""
    refuse, missing = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, here.architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, refuse),
    ]
    for number in here.refused:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    # Its flags lie in memory, where a filter cannot look; the C library then asks by `clone`.
    lines += [(_EQUAL, 0, 1, here.clone3), (_RETURN, 0, 0, missing)]
    lines += [
        (_EQUAL, 0, 4, here.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 3, here.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
