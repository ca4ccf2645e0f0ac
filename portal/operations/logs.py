"""Log lines that can hold no content, key, code, link or address, whoever writes them."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
import traceback
from pathlib import Path

from portal import observing

HERE = Path(__file__).resolve().parent.parent.parent
OURS = ("letterlock", "portal", "branding")
FRAMES = 12
_LINK = re.compile(r"/(m|enter)/[^\s/?'\"]{4,}")
_ADDRESS = re.compile(r"[^\s<>\"'=:,;/\\]+@[^\s<>\"'=:,;/\\]+")
_HARMLESS = re.compile(r"[\w.:/\[\]-]{1,120}")


class PlainFormatter(logging.Formatter):
    """`time level part message`, one line each; of an exception the type, our own sentence and where, nothing else."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_moment(record.created)} {record.levelname} {part()} {_message(record)}"
        if error := _error(record):
            line += f" {error}"
        asked = observing.request()
        if asked is not None:
            line += f" (request {asked.id})"
        return hide(line.replace("\r", " ").replace("\n", " "))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, under the same rules: time, level, part, message, and what it belongs to where known."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": _moment(record.created),
            "level": record.levelname,
            "part": part(),
            "message": _message(record),
            "error": _error(record),
            **belongs_to(),
        }
        return json_line(said)


def json_line(said: dict[str, str]) -> str:
    """The object without what is empty, each value hidden before it is escaped: an escape could split an address."""
    return json.dumps({name: hide(value) for name, value in said.items() if value}, ensure_ascii=False)


def belongs_to() -> dict[str, str]:
    """Ids of the mail, the request and the trace that this work belongs to, as far as there are any."""
    number, asked = observing.mail_id(), observing.request()
    return {
        "message_id": str(number) if number else "",
        "request_id": asked.id if asked else "",
        "trace_id": observing.trace_id(),
    }


def last_word(error: BaseException) -> str:
    """The line with which a process ends that nothing caught this error in, in the format that the logs have."""
    sentence = "The process ends"
    if os.environ.get("LETTERLOCK_LOG_FORMAT") != "json":
        return hide(f"{sentence}: {exception_line(error)}")
    moment = _moment(time.time())
    return json_line(
        {"time": moment, "level": "CRITICAL", "part": part(), "message": f"{sentence}.", "error": exception_line(error)}
    )


def notice(sentence: str) -> str:
    """A line of JSON about the tree of processes itself."""
    return json_line({"time": _moment(time.time()), "level": "WARNING", "part": part(), "message": sentence})


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _error(record: logging.LogRecord) -> str:
    return exception_line(record.exc_info[1]) if record.exc_info and record.exc_info[1] is not None else ""


def part() -> str:
    """Which part of the product this process is: web, door, worker-seal ..., or the command's name."""
    return os.environ.get("LETTERLOCK_PART") or (sys.argv[1] if len(sys.argv) > 1 else "letterlock")


def hide(text: str) -> str:
    """The text without what could open a message or name a person."""
    return _ADDRESS.sub("…@…", _LINK.sub(r"/\1/…", text))


def exception_line(error: BaseException) -> str:
    """Type, our own error sentence when it is of our families, and the frames as file:line, innermost first.

    The text of a foreign exception may hold what it failed on (UnicodeDecodeError has the bytes), so it is left out.
    """
    sentence = f": {error}" if _is_ours(type(error)) else ""
    found = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(found))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    because = f" because of {type(cause).__name__}" if cause is not None else ""
    return f"[{type(error).__name__}{sentence}{because}{' at ' + where if where else ''}]"


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    if record.exc_info and record.name == "celery.app.trace":
        # Celery writes the exception's text and traceback into the message itself.
        data = record.args if isinstance(record.args, dict) else {}
        return f"The task {data.get('name', 'of unknown name')} failed."
    if not isinstance(record.msg, str):  # log.error(error): its text is not a template
        return type(record.msg).__name__
    template = record.msg.partition("\n")[0]
    try:
        return template % _harmless(record.args) if record.args else template
    except (TypeError, ValueError, KeyError):
        return template


def _harmless(args: object) -> object:
    """Arguments of a foreign log line, with all but numbers, names and the like taken out."""
    if isinstance(args, dict):
        return {key: _value(value) for key, value in args.items()}
    return tuple(_value(value) for value in args) if isinstance(args, tuple) else args


def _value(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, BaseException):
        return type(value).__name__
    return value if isinstance(value, str) and _HARMLESS.fullmatch(value) else "…"


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in OURS


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(HERE) and "site-packages" not in path.parts:
        return str(path.relative_to(HERE))
    return "/".join(path.parts[-2:])
