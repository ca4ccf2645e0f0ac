"""`manage.py up`: the whole product as one supervised tree."""

from __future__ import annotations

import fcntl
import gc
import http.client
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command

from portal import meters
from portal.configuration import Configuration
from portal.delivery.hop import relay_at
from portal.operations import hardening, ports, preparing
from portal.operations.errors import StartRefused
from portal.operations.health import OK, reachable
from portal.operations.logs import notice
from portal.operations.supervising import Part, Tree

HEALTHY_WITHIN = 60.0
SHARED = (
    "portal.urls",
    "portal.operations.web",
    "portal.operations.working",
    "portal.ingest.management.commands.door",
    "portal.delivery.tasks",
    "portal.ingest.tasks",
    "portal.lifecycle.tasks",
    "portal.operations.tasks",
    "celery.app.amqp",
    "celery.app.log",
    "celery.apps.beat",
    "celery.concurrency.prefork",
    "celery.contrib.django.task",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.strategy",
)
"""What the parts load first, with all that they need in turn. Nothing that looks at the data folder when loaded."""
DEMO_STAMP = "demo.loaded"


class Stop:
    """Counts the signals that ask for an end: the first stops in order, the second at once."""

    def __init__(self) -> None:
        self.asked = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: object) -> None:
        self.asked += 1

    def impatient(self) -> bool:
        return self.asked > 1


def up(configuration: Configuration) -> None:
    """Run until SIGINT or SIGTERM. Raises OperationsError when it cannot start."""
    ports.require_free(configuration)
    hardening.harden()
    preparing.make_data_folder(configuration)
    meters.begin(configuration)
    with _alone(configuration) as lock:
        stop = Stop()
        if not (configuration.data / "logs").exists():
            _say("The first start makes keys, tables and pages. It takes up to a minute.")
        link = _prepare_while_loading()
        tree = Tree(_parts(configuration), configuration.data / "logs", _say, close=lambda: os.close(lock))
        try:
            tree.start()
            _wait_until_well(configuration, tree, stop)
            if not stop.asked:
                _load_demo_once(configuration, tree)
                print("\n".join([*link, *welcome(configuration)]), flush=True)  # noqa: T201 # what they came for
            while not stop.asked:
                tree.tend(0.25)
                _mark_demo_loaded(configuration, tree)
        finally:
            tree.stop(stop.impatient)


def _prepare_while_loading() -> list[str]:
    """Prepare in a process of its own, whose lines are returned, while this one loads what every part will need.

    The parts are copies of this process, so no key may ever be opened in it; and on two cores the start is as long as
    the longer of the two, not as both.
    """
    manage = Path(__file__).resolve().parent.parent.parent / "manage.py"
    with subprocess.Popen(
        [sys.executable, str(manage), "prepare", "--start"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hardening.die_with_parent,
    ) as child:
        for module in SHARED:
            importlib.import_module(module)
        said, refused = child.communicate()
    if child.returncode:
        raise StartRefused(refused.strip() or "The preparation did not end well. Run manage.py prepare to see why.")
    gc.freeze()  # what is loaded by now stays one copy in memory, however often the children collect
    return said.splitlines()


def welcome(configuration: Configuration) -> list[str]:
    """The lines a newcomer needs: where to read, where to send, where outgoing mail lands, how to stop."""
    page = "/demo/" if configuration.demo else "/"
    lands = f"the folder {configuration.outbox}"
    if configuration.demo:
        lands += f", shown at {configuration.public_url}/demo/mail/"
    if configuration.relay_url == "mx:":
        lands = "the mail servers of each domain"
    elif configuration.relay_url:
        relay = relay_at(configuration.relay_url)
        lands = f"{relay.host}:{relay.port}"
    return [
        f"Read           {configuration.public_url}{page}",
        f"Send           by SMTP to {configuration.smtp}",
        f"Outgoing mail  goes to {lands}",
        "Stop           Ctrl-C",
    ]


def _command(name: str, *arguments: str, **options: str | int) -> Callable[[], None]:
    """A command of ours, to be run in a process of its own."""

    def run() -> None:
        call_command(name, *arguments, **options)

    return run


def _parts(configuration: Configuration) -> list[Part]:
    return [
        Part("web", _command("web")),
        Part("door", _command("door")),
        Part("worker-passcode", _command("worker", queues="passcode", pool="solo")),
        Part("worker-mail", _command("worker", queues="seal,notice")),
        # A process of its own, and one that yields (nice): on two cores a bulk run takes what the others leave.
        Part("worker-bulk", _command("worker", queues="bulk", processes=1)),
        Part("beat", _command("beat")),
        *([Part("metrics", _command("metrics"))] if configuration.metrics else []),
    ]


@contextmanager
def _alone(configuration: Configuration) -> Iterator[int]:
    """One tree a data folder: two would sweep the same rows and write the same logs."""
    descriptor = os.open(configuration.data / "up.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartRefused(
                f"Another Letterlock runs with the data folder {configuration.data}. Stop it, or choose another "
                "folder: LETTERLOCK_DATA=./other make run"
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_until_well(configuration: Configuration, tree: Tree, stop: Stop) -> None:
    """Until the health page says that all is well; after a minute say what is not, and let the tree go on trying."""
    until = time.monotonic() + HEALTHY_WITHIN
    states: dict[str, str] = {}
    while time.monotonic() < until and not stop.asked:
        tree.tend(0.1)
        states = _ask(configuration)
        if states and all(state == OK for state in states.values()):
            return
    if not stop.asked:
        for name, state in (states or {"web": "The web server does not answer."}).items():
            if state != OK:
                _say(f"{name}: {state}")


def _ask(configuration: Configuration) -> dict[str, str]:
    """What the health page says; nothing while the web server is not up yet."""
    line = http.client.HTTPConnection(reachable(configuration.http.host), configuration.http.port, timeout=7)
    try:
        line.request("GET", "/healthz", headers={"Host": urlsplit(configuration.public_url).netloc})
        found = json.loads(line.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        line.close()
    return found if isinstance(found, dict) else {}


def _load_demo_once(configuration: Configuration, tree: Tree) -> None:
    """The demo's messages go through the real door, in a process of their own, while the first page can be read."""
    if configuration.demo and not (configuration.data / DEMO_STAMP).exists():
        tree.add(Part("demo", _command("demo", "load"), once=True))


def _mark_demo_loaded(configuration: Configuration, tree: Tree) -> None:
    for part in tree.parts:
        if part.name == "demo" and part.ended_with == 0:
            (configuration.data / DEMO_STAMP).touch()
            tree.parts.remove(part)
            return


def _say(line: str) -> None:
    if os.environ.get("LETTERLOCK_LOG_FORMAT") == "json" and not line.startswith("{"):
        line = notice(line)
    with suppress(OSError):  # a file on a full disk, or a terminal that went away
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
