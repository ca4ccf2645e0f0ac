"""Whatever changes something leaves an entry in the record: every page, route, task and command, one by one."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from portal.api.endpoint import Endpoint
from portal.celery import app
from portal.operations import keycommands
from tests.audit import calling
from tests.audit.calling import Place

RECORD = {("portal.audit.record", name) for name in ("record", "record_all", "record_each", "record_hourly")}
ANYWHERE = {("portal.access.grants", name) for name in ("is_whole", "tell_unposted", "tell_put_back")}
"""Records a row that somebody forged, on whatever page it is met: no entry of what that page does."""
SAFE = {"require_safe", "require_http_methods(['GET', 'HEAD'])", "require_GET"}

PAGES_THAT_LEAVE_NONE = {
    "passkey-ask": "makes a challenge; what its answer does is recorded",
    "passkey-add-ask": "makes a challenge",
    "ask-to-add-passkey": "makes a challenge",
    "enter-passkey-ask": "makes a challenge",
    "passkey-offer": "keeps whether its reader wants to be asked again",
    "session": "keeps a session that is in use from ending",
    "sent-session": "keeps a session that is in use from ending",
    "language": "sets a cookie alone",
    "pictures": "sets a cookie alone",
    "sender-sign-in": "leads to a provider; what comes back from there is recorded",
    "enter-provider": "leads to a provider",
    "genuine": "answers a question",
    "brand-preview": "shows what would be",
    "brand-contrast": "shows what would be",
    "bulk": "keeps sealed what was asked for; what comes of it is recorded",
    "rules-sentence": "shows what would be",
    "rules-kind-built-in": "tries a kind on words that it does not keep",
    "rules-test": "keeps nothing",
    "rules-test-file": "keeps nothing",
    "rules-test-replay": "keeps nothing",
    "rules-test-notice": "shows what would be",
    "brand-certificate": "looks, and keeps what it saw",
    "brand-dns": "looks, and keeps what it saw",
    "console-health-look": "looks, and keeps what it saw",
    "directory-import": "keeps a file sealed for half an hour; what comes of it is recorded",
    "scim-nothing": "says that nothing is there",
    "POST /rules/test": "keeps nothing",
    "api-nothing": "says that nothing is there",
    "demo": "is of the demo, where mail goes nowhere",
}
TASKS_THAT_LEAVE_NONE = {
    "portal.operations.tasks.pulse": "says that its queue has a worker",
    "portal.operations.tasks.sequence": "is what signs the record",
    "portal.operations.tasks.clock_set_back": "brings due times near",
    "portal.operations.tasks.count": "counts what was recorded",
    "portal.operations.tasks.look": "looks, and keeps what it saw",
    "portal.operations.tasks.sweep_parked": "removes what was posted and never opened",
    "portal.delivery.tasks.renew_policies": "asks other hosts for their policies",
}
COMMANDS_THAT_LEAVE_NONE = {
    **dict.fromkeys(("beat", "up", "web", "worker"), "is a process of the portal"),
    **dict.fromkeys(("metrics", "recipe", "trace", "keys status", "keys verify"), "only shows"),
    "keys pair": "makes a pair of keys and keeps none",
    "keys drill": "reads out a code where there is no database",
}


def pages(resolver: URLResolver | None = None) -> Iterator[tuple[str, Place]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from pages(pattern)
        elif isinstance(pattern.callback, Endpoint):
            for route in pattern.callback.routes.values():
                yield f"{route.method} {route.path}", (route.handler.__module__, route.handler.__qualname__)
        elif isinstance(pattern, URLPattern):
            view = inspect.unwrap(pattern.callback)
            # Of a view that another function makes, that function.
            place = (view.__module__, view.__qualname__.partition(".<locals>")[0])
            yield pattern.name or str(pattern.pattern), place


def changing() -> dict[str, Place]:
    """Pages and routes that take more than GET and HEAD."""
    return {
        name: place
        for name, place in pages()
        if not SAFE.intersection(calling.decorators(place)) and not name.startswith("GET ")
    }


def tasks() -> dict[str, Place]:
    app.loader.import_default_modules()
    app.autodiscover_tasks(force=True)
    runs = {name: inspect.unwrap(task.run) for name, task in app.tasks.items() if name.startswith("portal.")}
    return {name: (run.__module__, run.__name__) for name, run in runs.items()}


def commands() -> dict[str, Place]:
    found = {
        f"keys {verb.name}": (f"{keycommands.__name__}.{verb.name}", "run")
        for verb in pkgutil.iter_modules(keycommands.__path__)
    }
    for config in apps.get_app_configs():
        if config.name.partition(".")[0] in calling.PACKAGES:
            folder = f"{config.path}/management/commands"
            for module in pkgutil.iter_modules([folder]):
                whole = f"{config.name}.management.commands.{module.name}"
                import_module(whole)
                found[module.name] = (whole, "Command")
    del found["keys"]  # which looks its verbs up by their names
    return found


def silent(places: dict[str, Place]) -> set[str]:
    for name, place in places.items():
        assert place[1] in calling.modules()[place[0]].bodies, f"{name} is not found in the sources"
    return {name for name, place in places.items() if not RECORD & calling.reachable(place, ANYWHERE)}


def test_every_page_and_route_that_changes_something_leaves_an_entry() -> None:
    assert silent(changing()) == set(PAGES_THAT_LEAVE_NONE)


def test_every_task_leaves_an_entry() -> None:
    assert silent(tasks()) == set(TASKS_THAT_LEAVE_NONE)


def test_every_command_that_changes_something_leaves_an_entry() -> None:
    assert silent(commands()) == set(COMMANDS_THAT_LEAVE_NONE)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (("portal.reading.views", "message"), True),  # names it at once
        (("portal.console.views", "retry"), True),  # three calls away
        (("portal.console.views", "health"), False),
    ],
)
def test_what_is_called_is_followed_through_the_sources(source: Place, found: bool) -> None:
    assert bool(RECORD & calling.reachable(source, ANYWHERE)) is found
