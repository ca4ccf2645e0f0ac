"""A whole portal watched: one trace from door to page, figures that add up, and nobody's words or names in either."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from uuid import UUID

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.mails import JONAS, Mailbox, link_in, mail, send
from tests.peers.collector import Collector, Span
from tests.person import Person
from tests.servers import Portal, free_port, wait_for

pytestmark = pytest.mark.servers

CANARY = "Quartzfinch"


class Watched:
    """A portal through which one mail went: sent, told, and read by its recipient."""

    def __init__(self, portal: Portal, collector: Collector, metrics: str) -> None:
        self.portal, self.collector, self.metrics = portal, collector, metrics
        raw = mail(f"[secure] {CANARY}", f"The {CANARY} is well.", files=[(f"{CANARY}.txt", "text/plain", b"x")])
        self.id = UUID(send(portal.smtp, raw))
        mailbox = Mailbox(portal.outbox, JONAS)
        self.link = link_in(mailbox.wait("notice"))
        self.person = Person(portal.url)
        self.page = self.person.sign_in(self.link, mailbox)

    def figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        text = urllib.request.urlopen(self.metrics, timeout=10).read().decode()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float:
        return self.figures().get((name, tuple(sorted(labels.items()))), -1.0)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    port = free_port()
    with (
        Collector() as collector,
        Portal(
            tmp_path_factory.mktemp("watched") / "data",
            LETTERLOCK_DEMO="off",
            LETTERLOCK_INSIDE_DOMAINS="aldervalley.example",
            LETTERLOCK_LOG_FORMAT="json",
            LETTERLOCK_METRICS=f"127.0.0.1:{port}",
            LETTERLOCK_OTLP_URL=collector.url,
        ) as portal,
    ):
        yield Watched(portal, collector, f"http://127.0.0.1:{port}/metrics")


def test_mail_notice_and_page_are_one_trace(watched: Watched) -> None:
    assert CANARY in watched.page.text
    names = {"intake", "read", "pipeline", "seal", "delivery", "open", "page"}
    wait_for(
        lambda: names <= {span.name for span in watched.collector.trace(watched.id.hex)}, 10, "the trace is not whole"
    )
    spans = watched.collector.trace(watched.id.hex)
    ids = {span.id for span in spans}
    (first,) = [span for span in spans if not span.parent]
    assert first.name == "intake"
    assert first.facts["size"]
    assert all(span.parent in ids for span in spans if span is not first), "every span hangs on one of this trace"
    by_id = {span.id: span for span in spans}
    (seal,) = [span for span in spans if span.name == "seal"]
    assert by_id[seal.parent].name == "pipeline"
    opened = next(span for span in spans if span.name == "open")
    assert by_id[opened.parent].name == "page"
    assert not any(span.failed for span in spans)


def spans_of(watched: Watched, view: str) -> list[Span]:
    return [span for span in watched.collector.spans if span.facts.get("view") == view]


def test_requests_about_no_mail_have_traces_of_their_own(watched: Watched) -> None:
    watched.person.get("/api/v1/openapi.json")
    wait_for(lambda: spans_of(watched, "api-openapi"), 10, "no span of it")
    span = spans_of(watched, "api-openapi")[0]
    assert span.trace != watched.id.hex
    assert not span.parent


def test_probes_have_no_traces_and_figures_of_their_own(watched: Watched) -> None:
    probes = ("livez", "readyz", "healthz")
    assert [watched.person.get(f"/{name}").status for name in probes] == [200, 200, 200]

    def counted() -> bool:
        figures = watched.figures()
        return all(("letterlock_probes_total", (("status", "200"), ("view", name))) in figures for name in probes)

    wait_for(counted, 10, "a probe was not counted")
    watched.person.get("/api/v1/openapi.json?last")
    wait_for(lambda: len(spans_of(watched, "api-openapi")) > 1, 10, "no span of what was asked last")
    views = {span.facts.get("view") for span in watched.collector.spans} | {
        dict(labels).get("view") for name, labels in watched.figures() if name.startswith("letterlock_web_")
    }
    assert not views & {*probes}
    traces = {span.trace for span in watched.collector.spans if span.name == "page"}
    assert {span.trace for span in watched.collector.spans} <= traces | {watched.id.hex}, "nor any work they ask for"


def test_nothing_of_the_mail_is_in_what_the_collector_got(watched: Watched) -> None:
    sent = b"".join(watched.collector.bodies)
    assert sent
    for secret in (CANARY, JONAS, "jonas", "mail.example", "aldervalley", watched.link.rpartition("/")[2]):
        assert secret.encode() not in sent, secret


def test_the_figures_tell_what_happened(watched: Watched) -> None:
    def seen() -> bool:
        return watched.figure("letterlock_passcodes_total", step="confirmed") == 1

    wait_for(seen, 10, "the confirmed passcode was not counted")
    assert watched.figure("letterlock_passcodes_total", step="asked") == 1
    assert watched.figure("letterlock_passcodes_total", step="sent") == 1
    for kind in ("message.accepted", "message.sealed", "wrapper.queued", "recipient.confirmed"):
        assert watched.figure("letterlock_events_total", kind=kind) == 1, kind
    assert watched.figure("letterlock_seal_seconds_count") == 1
    assert watched.figure("letterlock_open_seconds_count") >= 1
    assert watched.figure("letterlock_intake_seconds_count") == 1
    assert watched.figure("letterlock_delivery_outcomes_total", kind="notice", outcome="sent") == 1
    assert watched.figure("letterlock_delivery_answers_total", kind="notice", code="2xx") == 1
    assert watched.figure("letterlock_door_replies_total", code="3xx") == 1
    assert watched.figure("letterlock_mails", state="received") == 0
    assert watched.figure("letterlock_keys_ahead_days") in (7, 8), "one less when midnight has just passed"
    assert watched.figure("letterlock_database_up") == 1
    assert watched.figure("letterlock_disk_free_bytes") > 0
    assert watched.figure("letterlock_build_info", version="0.1.0") == 1


def test_no_label_names_a_person_a_mail_or_a_path(watched: Watched) -> None:
    text = urllib.request.urlopen(watched.metrics, timeout=10).read().decode()
    for secret in (CANARY, "@", "jonas", "mail.example", "aldervalley", str(watched.id), watched.id.hex, "/m/"):
        assert secret not in text, secret
    views = {dict(labels)["view"] for name, labels in watched.figures() if name == "letterlock_web_requests_total"}
    assert all(view.replace("-", "").replace("_", "").isalnum() for view in views)


def test_the_figures_are_not_on_the_public_address_and_nothing_else_is_on_theirs(watched: Watched) -> None:
    assert watched.person.get("/metrics").status == 404
    with pytest.raises(HTTPError, match="404"):
        urllib.request.urlopen(watched.metrics.replace("/metrics", "/healthz"), timeout=10)


def test_figures_outlive_a_killed_part(watched: Watched) -> None:
    before = watched.figure("letterlock_seal_seconds_count")
    livez = watched.figure("letterlock_probes_total", view="livez", status="200")
    watched.portal.kill_part("worker-mail")
    watched.person.get("/livez")

    def fresh() -> bool:
        return watched.figure("letterlock_probes_total", view="livez", status="200") > livez

    wait_for(fresh, 10, "the figures are not counted on")
    assert watched.figure("letterlock_seal_seconds_count") >= before >= 1


def test_every_log_line_is_an_object_and_joins_request_mail_and_trace(watched: Watched) -> None:
    answer = watched.person.get("/healthz", X_Request_Id="stranger-0123456789")
    assert answer.headers["X-Request-Id"] != "stranger-0123456789", "only the TLS proxy's is believed"
    lines = [line for path in (watched.portal.data / "logs").glob("*.log") for line in path.read_text().splitlines()]
    assert lines
    for line in lines:
        said = json.loads(line)
        assert {"time", "level", "part", "message"} <= said.keys()
        assert CANARY not in line
        assert "jonas" not in line


def test_a_part_started_alone_serves_its_own_figures_and_takes_them_along(tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.servers import MANAGE

    port = free_port()
    portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_METRICS=f"127.0.0.1:{port}")
    portal.manage("prepare")
    url = f"http://127.0.0.1:{port}/metrics"

    def served() -> str:
        try:
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            return ""

    door = subprocess.Popen([sys.executable, MANAGE, "door"], env=portal.environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(served, 30, "the door alone served no figures")
        send(portal.smtp, mail())
        wait_for(lambda: "letterlock_intake_seconds_count 1.0" in served(), 10, "the mail was not counted")
    finally:
        door.terminate()
        door.wait(120)
    wait_for(lambda: not served(), 10, "the figures are still served after the door's end")


def test_the_doctor_finds_a_running_portal_well_but_for_what_a_test_machine_lacks(watched: Watched) -> None:
    done = watched.portal.manage("doctor", "--json", check=False)
    said = json.loads(done.stdout)
    wrong = [finding for finding in said["findings"] if finding["state"] == "wrong"]
    assert not wrong
    assert {finding["area"] for finding in said["findings"]} == {
        "settings", "DNS", "TLS", "keys", "queues", "clock", "disk", "memory", "parts",
    }  # fmt: skip
    assert all(finding["fix"] for finding in said["findings"] if finding["state"] != "well")
    assert said["state"] == ("notice" if done.returncode else "well")
    checks = {finding["check"]: finding["state"] for finding in said["findings"]}
    assert checks["keyring backup"] == "notice"
    assert checks["clock at the public address"] == "well"


def test_a_test_message_goes_the_whole_way_and_leaves_nothing_behind(watched: Watched) -> None:
    before = {path.name for path in watched.portal.outbox.glob("*/*")}
    done = watched.portal.manage("doctor", "--mail")
    hops = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("  well")]
    assert [" ".join(hop).rstrip(":") for hop in hops] == ["handed in", "sealed: It", "notice sent", "received: The"]
    assert {path.name for path in watched.portal.outbox.glob("*/*")} == before
    id_ = done.stdout.split("in the vault as ")[1].split(".")[0]
    assert watched.portal.trace(id_)["state"] in ("withdrawn", "gone")
