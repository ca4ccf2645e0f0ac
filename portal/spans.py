"""Spans for OpenTelemetry: pieces of work with a beginning, an end and numbers, sent to LETTERLOCK_OTLP_URL.

A mail's trace id is its UUID, so that door, task and page join one trace and nothing travels between them for it. The
trace's first span has the UUID's last eight bytes as its id; whatever else knows the mail hangs itself below that.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

log = logging.getLogger("letterlock.traces")

EXPORT_SECONDS = 3.0
"""Longest time that one batch may take; meanwhile up to 2,048 spans wait, and more are dropped."""
GATHER_SECONDS = 1.0
COMPLAIN_SECONDS = 60.0

_url = ""
_writer: Callable[..., None] | None = None
_provider: Any = None
_lock = threading.Lock()


def switch_on(url: str) -> None:
    """Send spans there from now on. Nothing of OpenTelemetry is loaded before the first one."""
    global _url
    _url = url


def on() -> bool:
    """Whether spans are wanted."""
    return bool(_url)


def new_id() -> int:
    """A span's id: 64 random bits, never 0 (W3C Trace Context section 3.2.2.4)."""
    return secrets.randbits(64) or 1


def root_of(trace: str) -> int:
    """The id of a trace's first span."""
    return int(trace[16:], 16) or 1


def write(
    name: str,
    trace: str,
    *,
    id_: int,
    parent: int | None,
    began_ns: int,
    failed: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> None:
    """Note a piece of work that has just ended.

    `trace` is 32 hexadecimal digits, `began_ns` a time.time_ns(); `failed` names an error's type; `facts` are ids,
    sizes and names from fixed lists. Costs some 30 µs, never waits and never raises.
    """
    global _writer
    if not _url:
        return
    try:
        if _writer is None:
            with _lock:
                _writer = _writer or _make_writer(_url)
        _writer(name, trace, id_, parent, began_ns, failed, dict(facts or {}))
    except Exception as error:
        _complain(error)


def flush(seconds: float = 2.0) -> None:
    """Before a process ends: give what waits a chance."""
    if _provider is not None:
        # The SDK keeps no time limit of its own here, and no stop may wait for a collector that is away.
        thread = threading.Thread(target=_provider.force_flush, name="flush", daemon=True)
        thread.start()
        thread.join(seconds)


def _make_writer(url: str) -> Callable[..., None]:
    global _provider
    # What the operator's shell happens to hold must not decide where traces go or what they hold.
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]
    # The libraries' own words may hold the collector's answers.
    for name in ("opentelemetry", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

    given = threading.local()

    class Given(IdGenerator):
        """Ids are chosen when work begins; the SDK asks when it has ended."""

        def generate_span_id(self) -> int:
            return int(given.span)

        def generate_trace_id(self) -> int:
            return int(given.trace)

    class Calm(SpanExporter):
        """The exporter, whose failures are one log line a minute."""

        def __init__(self) -> None:
            self._way = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            try:
                result = self._way.export(spans)
            except Exception as error:
                _complain(error)
                return SpanExportResult.FAILURE
            if result is not SpanExportResult.SUCCESS:
                _complain(None)
            return result

        def shutdown(self) -> None:
            self._way.shutdown()  # type: ignore[no-untyped-call]

    resource = Resource({"service.name": "letterlock", "service.instance.id": secrets.token_hex(8)})
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=Given(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Calm(), schedule_delay_millis=GATHER_SECONDS * 1000))
    _provider = provider
    tracer = provider.get_tracer("letterlock")

    def make(
        name: str, trace: str, id_: int, parent: int | None, began_ns: int, failed: str, facts: dict[str, str | int]
    ) -> None:
        given.trace, given.span = int(trace, 16), id_
        above = None
        if parent is not None:
            context = SpanContext(given.trace, parent, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
            above = set_span_in_context(NonRecordingSpan(context))
        span = tracer.start_span(name, context=above, start_time=began_ns, attributes=facts)
        if failed:
            span.set_attribute("error.type", failed)
            span.set_status(Status(StatusCode.ERROR))
        span.end(time.time_ns())

    return make


_complained = 0.0


def _complain(error: Exception | None) -> None:
    """At most once a minute, however much is lost."""
    global _complained
    now = time.monotonic()
    if _complained and now - _complained < COMPLAIN_SECONDS:
        return
    _complained = now
    why = type(error).__name__ if error else "it does not answer, or refuses them"
    log.warning("Traces are lost: the collector at LETTERLOCK_OTLP_URL took none (%s). Mail is not affected.", why)


def _forget_after_fork() -> None:
    """Threads do not survive a fork: a child begins anew."""
    global _writer, _provider, _lock
    _writer, _provider, _lock = None, None, threading.Lock()


os.register_at_fork(after_in_child=_forget_after_fork)
