"""What the rooms say about their work while they do it: which mail it is, how long it took, whether it failed.

Log lines, metrics and traces are made from it. With metrics and traces off it costs about a microsecond.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

from portal import meters, spans
from portal.meters import count

__all__ = ["Request", "accepted", "answered", "count", "event", "mail", "mail_id", "request", "trace_id", "work"]

Fact = str | int


@dataclass
class Request:
    """One request for a page."""

    id: str
    trace: str = field(default_factory=lambda: uuid4().hex)
    """32 hexadecimal digits, for as long as the request concerns no mail; "" for a probe, which nobody traces."""
    span: int = field(default_factory=spans.new_id)
    mail: UUID | None = None
    """The message that it was about, once known."""

    @classmethod
    def of_a_probe(cls, id_: str) -> Request:
        """One of those by which load balancers and the like ask every few seconds whether the portal is well."""
        return cls(id_, trace="")


_mail: ContextVar[UUID | None] = ContextVar("mail", default=None)
_request: ContextVar[Request | None] = ContextVar("request", default=None)
_span: ContextVar[int | None] = ContextVar("span", default=None)

_STEPS = {
    "recipient.passcode_asked": "asked",
    "recipient.passcode_sent": "sent",
    "recipient.confirmed": "confirmed",
    "recipient.passcode_failed": "failed",
}


def mail_id() -> UUID | None:
    """The mail that is being worked on."""
    asked = _request.get()
    return _mail.get() or (asked.mail if asked else None)


def request() -> Request | None:
    """The request that is being answered."""
    return _request.get()


def trace_id() -> str:
    """The trace that this work belongs to: 32 hexadecimal digits, or nothing."""
    number, asked = mail_id(), _request.get()
    return number.hex if number else asked.trace if asked else ""


@contextmanager
def mail(number: UUID | None) -> Iterator[None]:
    """What is done inside is about this mail; without a number nothing changes."""
    if number is None:
        yield
        return
    before = _mail.set(number)
    if (asked := _request.get()) is not None:
        asked.mail = number
    try:
        yield
    finally:
        _mail.reset(before)


@contextmanager
def work(
    name: str, number: UUID | None = None, *, labels: dict[str, str] | None = None, **facts: Fact
) -> Iterator[None]:
    """A piece of work, about a mail if one is named: timed as `letterlock_<name>_seconds` and traced as `name`.

    `labels` are the metric's; `facts` are ids and sizes for the trace. A key service's failures are counted too.
    """
    with mail(number):
        if not (meters.on() or spans.on()):
            yield
            return
        began, began_ns, id_, parent = time.monotonic(), time.time_ns(), spans.new_id(), _span.get()
        inside = _span.set(id_)
        failed = ""
        try:
            yield
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            _span.reset(inside)
            meters.took(f"letterlock_{name}_seconds", time.monotonic() - began, **(labels or {}))
            if failed and labels and name == "key_provider":
                count("letterlock_key_provider_errors", **labels, error=failed)
            if trace := trace_id():
                above = spans.root_of(trace) if parent is None else parent
                known = {**facts, **(labels or {})}
                spans.write(name, trace, id_=id_, parent=above, began_ns=began_ns, failed=failed, facts=known)


@contextmanager
def answering(asked: Request) -> Iterator[None]:
    """What is done inside answers this request."""
    before, span = _request.set(asked), _span.set(asked.span)
    try:
        yield
    finally:
        _request.reset(before)
        _span.reset(span)


def answered(asked: Request, view: str, status: int, began_ns: int) -> None:
    """A request has its answer; it joins the mail's trace when it was about one."""
    trace = asked.mail.hex if asked.mail else asked.trace
    if not trace:
        count("letterlock_probes", view=view, status=str(status))
        return
    count("letterlock_web_requests", view=view, status=str(status))
    meters.took("letterlock_web_seconds", (time.time_ns() - began_ns) / 1e9, view=view)
    spans.write(
        "page", trace, id_=asked.span, parent=spans.root_of(trace) if asked.mail else None, began_ns=began_ns,
        failed="ServerError" if status >= 500 else "", facts={"view": view, "status": status, "request": asked.id},
    )  # fmt: skip


def accepted(mails: Sequence[tuple[UUID, int, int]]) -> None:
    """Mails are durable: their ids, sizes in bytes and beginnings (time.time_ns()). Their traces begin here."""
    if not (meters.on() or spans.on()):
        return
    for number, size, began_ns in mails:
        meters.took("letterlock_intake_seconds", (time.time_ns() - began_ns) / 1e9)
        trace = number.hex
        spans.write("intake", trace, id_=spans.root_of(trace), parent=None, began_ns=began_ns, facts={"size": size})


def event(kind: str, number: int = 1) -> None:
    """An entry of the record, counted once it is committed."""
    if not meters.on():
        return
    from django.db import transaction

    transaction.on_commit(partial(_count_event, kind, number), robust=True)


def _count_event(kind: str, number: int) -> None:
    for _ in range(number):
        count("letterlock_events", kind=kind)
        if step := _STEPS.get(kind):
            count("letterlock_passcodes", step=step)
