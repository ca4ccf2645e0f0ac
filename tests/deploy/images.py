"""The image without a container engine: the Dockerfile's own lines, carried out in a namespace of this machine."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import parts
from tests.servers import ROOT

USER = "10001"


@dataclass
class Stage:
    """One FROM with what follows it, in order: (INSTRUCTION, the rest of its line)."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [rest for instruction, rest in self.lines if instruction == name]

    def one(self, name: str) -> str:
        (found,) = self.all(name)
        return found

    @property
    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for line in self.all("ENV") for word in shlex.split(line))


def stages() -> list[Stage]:
    """Of the Dockerfile at the top; the last one is the image."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(None, text.splitlines()):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            found.append(Stage())
        if found:
            found[-1].lines.append((instruction, " ".join(rest.split())))
    return found


class Image:
    """What the Dockerfile makes, with this machine's Debian and environment below it instead of the base image."""

    def __init__(self, folder: Path) -> None:
        parts.need("bwrap", "setpriv")
        self.tree = folder / "letterlock"
        self.stage = stages()[-1]
        self._volumes = {name: folder / name for name in ("data", "keys", "spool")}
        for volume in (self.tree, *self._volumes.values()):
            volume.mkdir(parents=True)
        for volume in self._volumes.values():
            shutil.chown(volume, int(USER), int(USER))
            volume.chmod(0o700)
        self._build()

    def _build(self) -> None:
        build = stages()[0]
        for line in build.all("COPY"):
            *sources, target = line.split()
            for source in sources:
                place = self.tree / target / Path(source).name if target.endswith("/") else self.tree / target
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / source, place)
        (made,) = [line for line in build.all("RUN") if "collectstatic" in line]
        self._in_namespace(["sh", "-ec", made], {}, build=True, check=True)

    def command(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """The image's entry point with these arguments, as its user, with nothing to write on but the volumes."""
        entry = [*_words(self.stage.one("ENTRYPOINT")), *arguments]
        return self._wrapped(entry, {**self.stage.environment, **environment}, build=False)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Any command in a container of the image."""
        return self._in_namespace(command, {**self.stage.environment, **environment}, build=False, check=False)

    @property
    def health_check(self) -> list[str]:
        return _words(self.stage.one("HEALTHCHECK").partition("CMD ")[2])

    def _in_namespace(
        self, command: Sequence[str], environment: Mapping[str, str], *, build: bool, check: bool
    ) -> subprocess.CompletedProcess[str]:
        wrapped = self._wrapped(command, environment, build=build)
        return subprocess.run(wrapped, capture_output=True, text=True, check=check, timeout=120)

    def _wrapped(self, command: Sequence[str], environment: Mapping[str, str], *, build: bool) -> list[str]:
        packages = Path(sys.executable).parent.parent
        binds = ["--bind" if build else "--ro-bind", str(self.tree), "/opt/letterlock"]
        if not build:
            binds += [word for name, path in self._volumes.items() for word in ("--bind", str(path), f"/{name}")]
        user = [] if build else [
            "setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--",
        ]  # fmt: skip
        variables = {"PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin", **environment}
        return [
            "bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--clearenv",
            *(word for name, value in variables.items() for word in ("--setenv", name, value)),
            # Folders that bubblewrap makes itself are its user's alone otherwise.
            *(word for name in ["/opt", *_on_the_way()] for word in ("--perms", "0755", "--dir", name)),
            *(word for name in _system() for word in ("--ro-bind", name, name)),
            "--ro-bind", str(packages.resolve()), "/opt/venv", *binds,
            "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp",
            "--perms", "1777", "--tmpfs", "/dev/shm",  # as every container engine mounts it
            "--remount-ro", "/", "--chdir", "/opt/letterlock",
            "--", *user, *command,
        ]  # fmt: skip


def _interpreter() -> Path:
    """The folder of the Python that the environment was made with."""
    return Path(sys.executable).resolve().parent.parent


def _on_the_way() -> list[str]:
    return [str(folder) for folder in reversed(_interpreter().parents) if folder not in (Path("/"), Path("/usr"))]


def _system() -> list[str]:
    names = [name for name in ("/usr", "/bin", "/lib", "/lib64", "/etc") if Path(name).exists()]
    return names if _interpreter() == Path("/usr") else [*names, str(_interpreter())]


def _words(text: str) -> list[str]:
    """The exec form, ["a", "b"]."""
    return [str(word) for word in re.findall(r'"([^"]*)"', text)]
