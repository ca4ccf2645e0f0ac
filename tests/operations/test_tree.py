"""The supervised tree: well within seconds, mended when a part dies, gone within ten seconds, on real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers import Portal, PostgreSQL, Redis, alive, children_of, listens, wait_for

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One portal for the tests that leave it well."""
    with Portal(tmp_path_factory.mktemp("running") / "data", LETTERLOCK_DEMO="off") as portal:
        yield portal


def ended(processes: set[int], within: float) -> bool:
    until = time.monotonic() + within
    while any(alive(process) for process in processes):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_it_starts_says_where_everything_is_and_stops_leaving_no_process(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data", ready=False, LETTERLOCK_DEMO="off")
    portal.start(within=120)
    assert portal.health()[1] == dict.fromkeys(("web", "door", "worker", "database", "keys", "storage", "audit"), "ok")
    wait_for(lambda: "Stop " in portal.seen(), 20, "It did not say how to stop")
    first, *lines = portal.seen().splitlines()
    assert first.startswith("The first start")
    assert [line.split("  ")[0] for line in lines] == ["Administrator", "Read", "Send", "Outgoing mail", "Stop"]
    assert portal.url in lines[1]
    assert f"127.0.0.1:{portal.smtp_port}" in lines[2]
    assert str(portal.outbox) in lines[3]
    assert set(portal.processes()) == {"web", "door", "worker-passcode", "worker-mail", "worker-bulk", "beat"}
    tree = portal.all_processes()
    assert len(tree) >= 11, "supervisor, six parts, one web process, two and one of the pools"
    began = time.monotonic()
    assert portal.stop() == 0
    assert time.monotonic() - began < 10
    assert ended(tree, 1)
    assert not listens(portal.http_port)
    assert not listens(portal.smtp_port)


def test_ctrl_c_stops_it_and_a_second_start_keeps_keys_and_says_no_link(portal: Portal) -> None:
    tree = portal.all_processes()
    root = (portal.data / "root.key").read_bytes()
    assert portal.process is not None
    portal.process.send_signal(signal.SIGINT)
    assert portal.process.wait(10) == 0
    assert ended(tree, 1)
    before = len(portal.seen())
    portal.start()
    wait_for(lambda: "Stop " in portal.seen()[before:], 20, "It did not say how to stop")
    assert (portal.data / "root.key").read_bytes() == root
    assert "/admin/enter/" not in portal.seen()[before:]


def test_when_the_supervisor_is_killed_all_its_processes_die(portal: Portal) -> None:
    tree = portal.all_processes()
    portal.kill()
    assert ended(tree, 5)


@pytest.mark.parametrize("part", ["web", "door", "worker-passcode", "worker-mail", "worker-bulk", "beat"])
def test_a_part_that_is_killed_comes_back(running: Portal, part: str) -> None:
    old = running.kill_part(part)
    wait_for(lambda: running.processes().get(part, old) != old, 40, f"{part} was not started again")
    wait_for(lambda: running.health()[0] == 200, 60, "It did not become well again")
    assert f"{part} ended with status -9 and is started again." in running.seen()


def test_a_killed_pool_process_comes_back_without_a_restart_of_the_worker(running: Portal) -> None:
    worker = running.processes()["worker-mail"]
    first = wait_for(lambda: children_of(worker), 15, "The worker has no pool")
    os.kill(first[0], signal.SIGKILL)
    wait_for(
        lambda: len(children_of(worker)) == len(first) and first[0] not in children_of(worker), 15, "No new process"
    )
    assert running.processes()["worker-mail"] == worker


def test_a_second_tree_on_the_same_folder_is_refused(running: Portal) -> None:
    other = Portal(running.data, LETTERLOCK_DEMO="off")
    refused = other.manage("up", check=False)
    assert refused.returncode == 1
    assert "LETTERLOCK_DATA" in refused.stderr
    assert running.health()[0] == 200


def test_the_health_page_names_a_door_that_is_away(running: Portal) -> None:
    door = running.processes()["door"]
    os.kill(door, signal.SIGSTOP)
    try:
        status, states = wait_for(lambda: (found := running.health())[0] == 503 and found, 30, "It stayed well")
    finally:
        os.kill(door, signal.SIGCONT)
    assert status == 503
    assert "LETTERLOCK_SMTP" in states["door"]
    assert states["database"] == states["keys"] == "ok"
    wait_for(lambda: running.health()[0] == 200, 60, "It did not become well again")


def test_the_health_page_names_a_root_key_that_cannot_be_read(running: Portal) -> None:
    (running.data / "root.key").chmod(0)
    try:
        _, states = wait_for(lambda: (found := running.health())[0] == 503 and found, 30, "It stayed well")
    finally:
        (running.data / "root.key").chmod(0o600)
    assert "LETTERLOCK_KEY_URL" in states["keys"]
    wait_for(lambda: running.health()[0] == 200, 60, "It did not become well again")


def test_no_process_leaves_a_core_file_or_lets_another_look_into_it(running: Portal) -> None:
    for process in running.all_processes():
        limits = Path(f"/proc/{process}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"], process
        # The kernel gives the files of a process that is not dumpable to root (proc(5)); as root that says nothing.
        if os.geteuid() != 0:
            assert Path(f"/proc/{process}/environ").stat().st_uid == 0


def test_pages_carry_the_headers_that_keep_them_private(running: Portal) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{running.url}/no/such/page", timeout=10)
    headers = refused.value.headers
    assert refused.value.code == 404
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_no_link_reaches_a_log(running: Portal) -> None:
    link = "abcdefghjkmnpqrstvwxyz"
    for path in (f"/m/{link}", f"/m/{link}/files/1", f"/admin/enter/{link}{link}"):
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"{running.url}{path}", timeout=10).read()
    everything = "".join(path.read_text() for path in (running.data / "logs").iterdir()) + running.seen()
    assert link not in everything


def test_it_runs_on_postgresql_and_redis_and_outlives_their_absence(
    tmp_path: Path, postgresql: PostgreSQL, redis: Redis
) -> None:
    portal = Portal(
        tmp_path / "data",
        LETTERLOCK_DEMO="off",
        LETTERLOCK_DATABASE_URL=postgresql.url,
        LETTERLOCK_BROKER_URL=redis.url,
    )
    with portal:
        redis.kill()
        postgresql.kill()
        wait_for(lambda: portal.health()[0] == 503, 30, "Nobody noticed that the database is away")
        assert "LETTERLOCK_DATABASE_URL" in portal.health()[1]["database"]
        postgresql.start()
        wait_for(
            lambda: portal.health()[1].get("database") == "ok", 60, "It did not become well with the database back"
        )
        # That the broker is away is seen when no worker was heard of for half a minute: let it have passed.
        with psycopg.connect(postgresql.url, autocommit=True) as line:
            line.execute("UPDATE operations_heartbeat SET at = at - interval '30 seconds'")
        wait_for(lambda: portal.health()[0] == 503, 60, "Nobody noticed that the broker is away")
        assert "worker" in {name for name, state in portal.health()[1].items() if state != "ok"}
        redis.start()
        wait_for(lambda: portal.health()[0] == 200, 60, "It did not become well with the broker back")
        assert not (portal.data / "broker").exists()
        assert not (portal.data / "letterlock.sqlite3").exists()


def test_a_part_that_will_not_stop_is_ended_within_ten_seconds(portal: Portal) -> None:
    tree = portal.all_processes()
    os.kill(portal.processes()["worker-mail"], signal.SIGSTOP)
    began = time.monotonic()
    assert portal.stop() == 0
    assert time.monotonic() - began < 10
    assert ended(tree, 1)
    assert "worker-mail did not stop in time and is ended now." in portal.seen()


def test_a_second_ctrl_c_ends_everything_at_once(portal: Portal) -> None:
    tree = portal.all_processes()
    os.kill(portal.processes()["worker-mail"], signal.SIGSTOP)
    assert portal.process is not None
    portal.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    portal.process.send_signal(signal.SIGINT)
    portal.process.wait(10)
    assert time.monotonic() - began < 6  # and not the eight seconds of a first one
    assert ended(tree, 1)
