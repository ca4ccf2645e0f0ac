"""Counters and spans: nothing is loaded while off, key services are measured, a collector that is away is one line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal import meters
from portal.operations import standing
from tests.servers import ROOT, free_port

_START = """
import json, os, sys, time
sys.path.insert(0, {root!r})
os.environ["LETTERLOCK_DATA"] = {data!r}
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import django
django.setup()
"""


def run(tmp_path: Path, script: str, **environment: str) -> tuple[dict[str, object], str]:
    """A fresh process: what it printed as JSON, and its log."""
    text = _START.format(root=str(ROOT), data=str(tmp_path / "data")) + script
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found, done.stderr


def test_while_off_nothing_is_loaded_and_nothing_is_written(tmp_path: Path) -> None:
    said, _ = run(
        tmp_path,
        """
import uuid
from portal import observing
began = time.perf_counter()
for _ in range(2000):
    with observing.work("seal", uuid.uuid4(), size=1):
        observing.count("letterlock_door_replies", code="2xx")
print(json.dumps({
    "loaded": [name for name in ("prometheus_client", "opentelemetry") if name in sys.modules],
    "each": (time.perf_counter() - began) / 2000,
}))
""",
    )
    assert said["loaded"] == []
    assert float(str(said["each"])) < 0.0005
    assert not (tmp_path / "data" / "metrics").exists()


def test_calls_of_a_key_service_are_measured_and_failures_counted_by_kind(tmp_path: Path) -> None:
    said, _ = run(
        tmp_path,
        """
import pathlib
from portal import meters
folder = pathlib.Path(os.environ["LETTERLOCK_DATA"]) / "metrics"
folder.mkdir(parents=True)
meters.switch_on(folder)
from portal.keys.errors import KeysError, ProviderUnavailable
from portal.keys.providers.guarding import Guarded

class Away:
    def wrap(self, key, context): raise ProviderUnavailable("canary")
    def unwrap(self, wrapped, context): return b"key"
    def health(self): raise ProviderUnavailable("canary")
    def describe(self): return "canary"

guarded = Guarded(Away())
guarded.unwrap(b"x", b"y")
for _ in range(2):
    try:
        guarded.health()
    except KeysError:
        pass
meters.count("letterlock_no_such_thing")
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry, path=str(folder))
print(json.dumps({
    f"{sample.name} {sorted(sample.labels.items())}": sample.value
    for family in registry.collect() for sample in family.samples
    if not sample.name.endswith("_bucket") and sample.value
}))
""",
    )
    assert said["letterlock_key_provider_seconds_count [('call', 'unwrap')]"] == 1
    assert said["letterlock_key_provider_seconds_count [('call', 'health')]"] == 2
    assert said["letterlock_key_provider_errors_total [('call', 'health'), ('error', 'ProviderUnavailable')]"] == 2
    assert "canary" not in json.dumps(said)


def test_a_collector_that_is_away_costs_one_log_line(tmp_path: Path) -> None:
    said, log = run(
        tmp_path,
        """
import uuid
from portal import observing, spans
spans.EXPORT_SECONDS = 0.3
began = time.perf_counter()
for _ in range(600):
    with observing.work("seal", uuid.uuid4(), size=1):
        pass
worked = time.perf_counter() - began
spans.flush(5)
with observing.work("seal", uuid.uuid4(), size=1):
    pass
spans.flush(5)
print(json.dumps({"worked": worked}))
""",
        LETTERLOCK_OTLP_URL=f"http://127.0.0.1:{free_port()}/v1/traces",
        OTEL_RESOURCE_ATTRIBUTES="secret=canary",
    )
    assert float(str(said["worked"])) < 5
    lines = [line for line in log.splitlines() if line]
    assert len(lines) == 1, log
    assert "LETTERLOCK_OTLP_URL" in lines[0]
    assert "127.0.0.1" not in lines[0]


def test_a_figure_that_cannot_be_written_stops_no_mail(tmp_path: Path) -> None:
    said, log = run(
        tmp_path,
        """
import pathlib
from portal import meters
folder = pathlib.Path(os.environ["LETTERLOCK_DATA"]) / "gone"
folder.mkdir(parents=True)
meters.switch_on(folder)
import shutil
shutil.rmtree(folder)
meters.count("letterlock_events", kind="message.sealed")
print(json.dumps({}))
""",
    )
    assert said == {}
    assert "A figure was not counted" in log


def test_what_ended_processes_counted_is_added_up_and_stays_the_same(tmp_path: Path) -> None:
    said, _ = run(
        tmp_path,
        """
import pathlib
from portal import meters
folder = pathlib.Path(os.environ["LETTERLOCK_DATA"]) / "metrics"
folder.mkdir(parents=True)
meters.switch_on(folder)
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from portal.operations import folding

def children(number):
    for _ in range(number):
        child = os.fork()
        if child == 0:
            meters.count("letterlock_events", kind="message.sealed")
            meters.took("letterlock_seal_seconds", 0.03)
            meters.took("letterlock_web_seconds", 0.3, view="inbox")
            os._exit(0)
        os.waitpid(child, 0)

def figures():
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return {
        f"{sample.name} {sorted(sample.labels.items())}": round(sample.value, 6)
        for family in registry.collect() for sample in family.samples
    }

rounds = []
for _ in range(2):
    children(folding.MOST_LEFT + 2)
    before = figures()
    gone = folding.fold(folder)
    rounds.append({"same": before == figures(), "gone": gone, "files": len(list(folder.iterdir()))})
print(json.dumps({"rounds": rounds, "sealed": figures()["letterlock_events_total [('kind', 'message.sealed')]"],
                  "few": folding.fold(folder)}))
""",
    )
    assert said["sealed"] == 44
    assert said["few"] == 0
    assert all(one["same"] and one["gone"] >= 44 and one["files"] <= 4 for one in said["rounds"])  # type: ignore[attr-defined]


def test_every_name_that_is_counted_is_a_meter() -> None:
    used: set[str] = set()
    for path in [*(ROOT / "portal").rglob("*.py"), *(ROOT / "branding").rglob("*.py")]:
        used |= set(re.findall(r'(?:count|took)\(\s*"(letterlock_[a-z_]+)"', path.read_text()))
    assert used
    assert used <= {meter.name for meter in meters.METERS}


@pytest.mark.parametrize("name", [*(meter.name for meter in meters.METERS), *standing.GAUGES])
def test_every_figure_is_documented(name: str) -> None:
    kinds = {meter.name: "" if meter.seconds else "_total" for meter in meters.METERS}
    assert f"`{name}{kinds.get(name, '')}`" in (ROOT / "docs" / "operations.md").read_text()
