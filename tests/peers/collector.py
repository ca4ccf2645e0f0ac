"""A collector of traces: takes OTLP over HTTP as protobuf (opentelemetry-proto) and keeps what came."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Span:
    """One span, with ids in hexadecimal digits; `parent` is empty for a trace's first."""

    trace: str
    id: str
    parent: str
    name: str
    nanoseconds: int
    failed: bool
    facts: dict[str, str | int] = field(default_factory=dict)


class Collector:
    """Listens on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        """All that was sent, unpacked, as bytes."""
        collector = self

        class Page(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                collector.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes) -> None:
        asked = ExportTraceServiceRequest()
        asked.ParseFromString(body)
        self.bodies.append(body)
        for resource in asked.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    facts = {fact.key: fact.value.string_value or fact.value.int_value for fact in span.attributes}
                    self.spans.append(
                        Span(
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            span.name,
                            span.end_time_unix_nano - span.start_time_unix_nano,
                            span.status.code == 2,
                            facts,
                        )
                    )

    def trace(self, id_: str) -> list[Span]:
        """All spans of a trace that have come so far."""
        return [span for span in self.spans if span.trace == id_]
