"""Real servers for tests: PostgreSQL, Redis and a whole Letterlock, each on free ports and in a folder of its own."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from tests import parts, secrecy, shared

ROOT = Path(__file__).resolve().parent.parent
MANAGE = ROOT / "manage.py"
TABLES = "from portal.operations.preparing import migrate; migrate()"
FILES = "from portal.operations.preparing import collect_static, make_words; collect_static(); make_words()"
BUSY = 4
"""How much longer than on a quiet machine anything may take on one where four workers share two slow cores."""
PARTS = ("web", "door", "worker-passcode", "worker-mail", "worker-bulk", "beat", "demo", "metrics")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on, and that nothing else takes before a server is started there.

    Not one of those that the kernel gives to connections and to servers that leave the choice to it (ip(7),
    ip_local_port_range), nor one that another process of this run was given: seconds pass until it is bound.
    """
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ours = range(12_000, first_given if first_given > 20_000 else 60_000)
    while True:
        port = random.choice(ours)
        with socket.socket() as probe, contextlib.suppress(OSError):
            (shared.place() / f"port-{port}").touch(exist_ok=False)
            probe.bind(("127.0.0.1", port))
            return port


def wait_for(what: Callable[[], object], seconds: float, sentence: str) -> Any:
    """The first true answer of `what`; AssertionError with the sentence if it took BUSY times `seconds`.

    It rests as long as the asking took, a second at most: a command asked without end would starve what it waits for.
    """
    seconds *= BUSY
    until = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        answer = what()
        if answer:
            return answer
        now = time.monotonic()
        assert now < until, f"{sentence} (waited {seconds:.0f} s)"
        time.sleep(min(max(0.05, now - began), 1))


def listens(port: int) -> bool:
    """Whether something accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """A process that is started, stopped and killed."""

    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> int:
        """SIGTERM, then wait; the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL to this process alone."""
        return self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("The server did not stop within 120 s.") from None
        finally:
            self.process = None


class PostgreSQL(Server):
    """A PostgreSQL with an empty database; as the user postgres when tests run as root, which it refuses to be."""

    with_tables = "letterlock_tables"
    """The name of a database with Letterlock's tables and no rows, to be copied: migrations take seconds."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Without `durable` it leaves to the kernel when to write: tests kill it, and never the machine. Nor does it
        look at tables by itself then: how something is looked for would depend on what it has found so far.
        """
        parts.need("postgresql")
        programs = parts.postgresql_folder()
        assert programs is not None
        self._programs = programs
        self._durable = durable
        # Short and open to the user postgres, as pytest's own folders are not; a socket's path has 107 bytes.
        self.folder = Path("/tmp") / f"letterlock-pg-{os.getpid()}-{free_port()}"
        self.log = folder / "postgresql.log"
        self.port = free_port()
        self.database, self._made = "letterlock", 0
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            self._user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self.database}"

    def new_database(self, *, tables: bool = False) -> None:
        """An empty database, which `url` names from now on; with `tables`, those of Letterlock are in it."""
        self._made += 1
        self.database = f"letterlock{self._made}"
        self._createdb(self.database, *(["-T", self.with_tables] if tables else []))

    def _createdb(self, name: str, *options: str) -> None:
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", *options, name)

    def take_over_folder(self) -> None:
        """Make it the folder of the user that PostgreSQL runs as."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self._user:
            shutil.chown(self.folder, self._user["user"], self._user["group"])

    def start(self) -> None:
        if not (self.folder / "data").exists():
            self._lay_out()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(self._programs / "postgres", "-D", "data", "-p", str(self.port), "-k", str(self.folder)),
                    *([] if self._durable else ["-F", "-c", "autovacuum=off"]),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._user,
            )
        wait_for(self._ready, 30, f"PostgreSQL did not start, see {self.log}")

    def _lay_out(self) -> None:
        """Begin with a copy of what the first of a run has made."""
        self.take_over_folder()
        made = shared.made_once("postgresql", self._make)
        subprocess.run(["cp", "-a", made, self.folder / "data"], check=True)

    def _make(self, data: Path) -> None:
        self._run("initdb", "-D", "data", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.start()
        self._createdb(self.with_tables)
        run_shell(TABLES, LETTERLOCK_DATABASE_URL=self.url.rpartition("/")[0] + f"/{self.with_tables}")
        self.stop()
        # `mv` keeps whose the files are, also from the small disk of a test that fills it; shutil.move would not.
        subprocess.run(["mv", self.folder / "data", data], check=True)

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> int:
        # SIGTERM waits for clients to leave (smart shutdown); SIGINT sends them away.
        return super()._end(signal.SIGINT if number == signal.SIGTERM else number)

    def _ready(self) -> bool:
        found = self._run(
            "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "letterlock", check=False
        )
        return found.returncode == 0 or b"already exists" in found.stderr

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self._programs / program, *arguments], cwd=self.folder, capture_output=True, check=check, **self._user
        )


class Redis(Server):
    """A Redis that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        parts.need("redis")
        self.folder = folder
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = parts.program("redis-server")
        assert program is not None
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: listens(self.port), 30, "Redis did not start")


class S3(Server):
    """An S3-compatible server (moto's) with one empty bucket; its access keys are in `environment`."""

    bucket = "letterlock"
    environment: ClassVar[dict[str, str]] = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_DEFAULT_REGION": "eu-north-1",
        # Nothing may ask the machine it runs on for other access keys.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/blobs?endpoint={self.endpoint}&region=eu-north-1"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: listens(self.port), 60, "The S3 server did not start")
        self._ask("PUT", "")

    def objects(self) -> dict[str, bytes]:
        """Every object in the bucket, by name."""
        names = re.findall(rb"<Key>([^<]+)</Key>", self._ask("GET", "?list-type=2"))
        return {name.decode(): self._ask("GET", f"/{name.decode()}") for name in names}

    def _ask(self, method: str, path: str) -> bytes:
        asked = urllib.request.Request(f"{self.endpoint}/{self.bucket}{path}", method=method)
        # moto believes what is in this header; it proves no signature.
        asked.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return bytes(answer.read())


def ready_folder() -> Path:
    """A data folder with the tables and static files of a first start; no key, no row."""
    return shared.made_once("data", _make_ready)


def _make_ready(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    run_shell(TABLES, FILES, LETTERLOCK_DATA=str(folder))


def run_shell(*commands: str, **settings: str) -> None:
    """Run commands in `manage.py shell`: what needs no key, for the database and data folder that `settings` name."""
    with tempfile.TemporaryDirectory() as folder:
        environment = without_ours() | {"LETTERLOCK_DATA": folder} | settings
        command = (sys.executable, MANAGE, "shell", "-v0", "--no-imports", "-c", ";".join(commands))
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, umask=0o077)


def without_ours() -> dict[str, str]:
    """This process's environment without what is set for Letterlock in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LETTERLOCK_", "DJANGO_"))}


class Portal(Server):
    """A whole Letterlock: `manage.py up` with its own data folder and ports. Settings are given by their full names."""

    def __init__(self, data: Path, *, ready: bool = True, **settings: str) -> None:
        """`ready`: a data folder that is not there yet begins with a copy of `ready_folder`."""
        self.data = data
        self._ready = ready
        self.root = ROOT
        """Where its sources are; a test may choose those of another version."""
        self.http_port, self.smtp_port = free_port(), free_port()
        self.environment = {
            **without_ours(),
            "LETTERLOCK_DATA": str(data),
            "LETTERLOCK_HTTP": f"127.0.0.1:{self.http_port}",
            "LETTERLOCK_SMTP": f"127.0.0.1:{self.smtp_port}",
            **settings,
        }
        atexit.register(self.kill)  # a test that failed between start and stop leaves nothing behind
        self.terminal = data.parent / f"{data.name}.terminal.txt"
        """What the person at the terminal sees."""

    @property
    def url(self) -> str:
        return self.environment.get("LETTERLOCK_PUBLIC_URL") or f"http://localhost:{self.http_port}"

    @property
    def smtp(self) -> tuple[str, int]:
        """Where the door listens."""
        return "127.0.0.1", self.smtp_port

    def trace(self, id_: str) -> dict[str, Any]:
        """What `manage.py trace ID --json` says."""
        found: dict[str, Any] = json.loads(self.manage("trace", id_, "--json").stdout)
        return found

    @property
    def outbox(self) -> Path:
        """The Maildir of outgoing mail."""
        return self.data / "outbox"

    def start(self, *, within: float = 120) -> None:
        """Start, and wait until the health page says that all is well."""
        self.launch()
        try:
            wait_for(self._well_or_ended, within, "Letterlock did not become well")
            assert self.process is not None
            assert self.process.poll() is None, "Letterlock ended at once"
        except AssertionError as error:
            states, seen = self.health()[1], self.seen()
            with contextlib.suppress(AssertionError):
                self.stop()
            raise AssertionError(f"{error}: {states}\n{seen}") from None

    def launch(self) -> None:
        """Start without waiting."""
        self._lay_out()
        with self.terminal.open("ab") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, self.root / "manage.py", "up"],
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=terminal,
                start_new_session=True,
            )

    def manage(self, *arguments: str, check: bool = True, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a command with this portal's settings; its output as text."""
        self._lay_out()
        done = subprocess.run(
            [sys.executable, self.root / "manage.py", *arguments],
            cwd=self.root, env=self.environment, capture_output=True, input=stdin,
        )  # fmt: skip
        result = subprocess.CompletedProcess(
            arguments, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )
        assert not check or result.returncode == 0, f"manage.py {' '.join(arguments)}: {result.stdout}{result.stderr}"
        return result

    def health(self) -> tuple[int, dict[str, str]]:
        """Status and JSON of /healthz, which may take six seconds to say what hangs; (0, {}) when nothing answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        try:
            line.request("GET", "/healthz")
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            line.close()

    def seen(self) -> str:
        """All that was printed to the terminal so far."""
        return self.terminal.read_text() if self.terminal.exists() else ""

    def log(self, part: str) -> str:
        """The log of a part: web, door, worker-passcode, worker-mail, worker-bulk, beat, demo."""
        path = self.data / "logs" / f"{part}.log"
        return path.read_text() if path.exists() else ""

    def processes(self) -> dict[str, int]:
        """Process ids of the running parts, by the same names."""
        assert self.process is not None
        names = {name_of(child): child for child in children_of(self.process.pid)}
        return {part: names[shown] for part in PARTS if (shown := f"ll-{part}"[:15]) in names}

    def all_processes(self) -> set[int]:
        """Every process of the tree, the parts' own children too."""
        assert self.process is not None
        found, fresh = {self.process.pid}, [self.process.pid]
        while fresh:
            for child in children_of(fresh.pop()):
                if child not in found:
                    found.add(child)
                    fresh.append(child)
        return found

    def kill_part(self, part: str) -> int:
        """kill -9 of one part with its own children; it is started again. Returns the old process id."""
        process = self.processes()[part]
        os.killpg(process, signal.SIGKILL)
        return process

    def _end(self, number: signal.Signals) -> int:
        ran = self.process is not None
        try:
            return super()._end(number)
        finally:
            if ran:
                secrecy.hear_portal(self.data, self.terminal)

    def _lay_out(self) -> None:
        if self._ready and self.root == ROOT and not self.data.exists():
            left = ["*.sqlite3"] if "LETTERLOCK_DATABASE_URL" in self.environment else []
            shutil.copytree(ready_folder(), self.data, ignore=shutil.ignore_patterns(*left))

    def _well_or_ended(self) -> bool:
        return self.health()[0] == 200 or self.process is None or self.process.poll() is not None


class Part(Server):
    """One part of a portal, here or where the words `where` lead to; `tend` starts it again when it ended."""

    def __init__(self, portal: Portal, *command: str, where: Sequence[str] = ()) -> None:
        self._portal = portal
        self._command = [*where, sys.executable, str(portal.root / "manage.py"), *command]

    def start(self) -> None:
        with self._portal.terminal.open("ab") as terminal:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._portal.root, env=self._portal.environment,
                stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
            )  # fmt: skip

    def tend(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            self.start()


def children_of(process: int) -> list[int]:
    """Direct children, from /proc (proc(5): field 4 of stat is the parent)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == process and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def name_of(process: int) -> str:
    """The name that a process gave itself, at most 15 characters."""
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def alive(process: int) -> bool:
    """Whether a process runs; one that waits only to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
