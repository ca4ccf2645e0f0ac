"""One address of the API and what is asked of every request to it, before a handler sees it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from portal.api import shapes, strict, tokens
from portal.api.errors import ApiError, KindRefused, MethodRefused, NothingHere
from portal.api.models import Token
from portal.api.problems import problem, refusal
from portal.api.scopes import Scope
from portal.ingest.bulk_errors import RunBusy
from portal.ingest.errors import NotTaken, SpoolUnavailable
from portal.keys.errors import KeysError
from portal.lifecycle.errors import LifecycleError, UnknownMessage
from portal.rules.errors import RulesError
from portal.vault.errors import VaultError

Q = TypeVar("Q")
B = TypeVar("B")
JSON = "application/json"
PROBLEM = "application/problem+json"
BODY_BYTES = 64 * 1024
Answer = HttpResponse | StreamingHttpResponse


@dataclass(frozen=True)
class Call(Generic[Q, B]):
    """A request that may be answered: by whom, and what was asked, read as its route says."""

    request: HttpRequest
    token: Token
    path: Mapping[str, str]
    query: Q
    body: B


@dataclass(frozen=True)
class Media:
    """An answer or a body that is no JSON."""

    type: str
    text: str


@dataclass(frozen=True)
class Route(Generic[Q, B]):
    """A method at an address: what it takes, what it answers, and who may. The document is made of these alone."""

    method: str
    path: str
    """Behind /api/v1, like /messages/{id}."""
    name: str
    """The operation's id."""
    summary: str
    scope: Scope
    handler: Callable[[Call[Q, B]], object]
    """Gives a shape, which becomes JSON, or a whole answer."""
    answers: Mapping[int, type | Media]
    query: type[Q] | None = None
    body: type[B] | None = None
    most: int = BODY_BYTES
    """Bytes of a JSON body."""
    bodies: Sequence[Media] = ()
    """Others that the handler reads itself."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields of the request, with what they say."""
    needed_headers: Sequence[str] = ()
    errors: Sequence[int] = ()
    """Refusals beside those that every route has."""
    text: str = ""

    @property
    def takes_body(self) -> bool:
        return self.body is not None or bool(self.bodies)

    def call(self, request: HttpRequest, token: Token, path: Mapping[str, str]) -> Call[Any, Any]:
        """Raises ApiError for what is not as the route says."""
        given = {name: request.GET.getlist(name) for name in request.GET}
        query = shapes.read_query(self.query or Nothing, given)
        return Call(request, token, path, query if self.query else None, self._body(request))

    def _body(self, request: HttpRequest) -> Any:
        kind = request.content_type or ""
        if self.body is not None and kind == JSON:
            return shapes.read(self.body, strict.parse(strict.read(request, self.most)))
        if any(kind == media.type for media in self.bodies):
            return None
        if self.takes_body:
            raise KindRefused(" or ".join([*([JSON] if self.body else []), *(media.type for media in self.bodies)]))
        return None


@dataclass(frozen=True)
class Nothing:
    """A shape without fields."""


class Endpoint:
    """A view: all routes of one address."""

    csrf_exempt = True  # a token is not sent by a browser on its own, so no other site can make one speak here

    def __init__(self, routes: Sequence[Route[Any, Any]]) -> None:
        self.routes = {route.method: route for route in routes}

    @property
    def allowed(self) -> str:
        """As the header Allow names them."""
        return ", ".join(sorted({*self.routes, *(["HEAD"] if "GET" in self.routes else [])}))

    def __call__(self, request: HttpRequest, **path: str) -> Answer:
        try:
            return self._answer(request, path)
        except UnknownMessage:
            return refusal(NothingHere())
        except ApiError as refused:
            return refusal(refused)
        except LifecycleError as refused:
            return problem(409, "This cannot be done to it now", str(refused))
        except (NotTaken, RunBusy, SpoolUnavailable) as refused:
            return problem(refused.status, refused.title, str(refused))
        except RulesError:
            return problem(503, "The rules cannot be used", "The live rules cannot be used just now: try again later.")
        except (KeysError, VaultError):
            return problem(503, "The keys are away", "The key service does not answer: nothing was changed, try again.")
        except DatabaseFailure:
            away = SpoolUnavailable("the database does not answer")
            return problem(away.status, away.title, str(away))

    def _answer(self, request: HttpRequest, path: Mapping[str, str]) -> Answer:
        # An answer to HEAD loses its body on the way out, and nothing that GET does changes anything.
        route = self.routes.get("GET" if request.method == "HEAD" else request.method or "")
        if route is None:
            raise MethodRefused(self.allowed)
        token = tokens.authorise(request, route.scope)
        found = route.handler(route.call(request, token, path))
        return found if isinstance(found, Answer) else as_json(found, next(iter(route.answers)))


def as_json(value: object, status: int = 200) -> HttpResponse:
    """A shape as the body of an answer."""
    return HttpResponse(json.dumps(shapes.write(value), ensure_ascii=False), JSON, status)


def nothing(request: HttpRequest, **_: str) -> HttpResponse:
    """Every address below /api/v1 that no route has."""
    return refusal(NothingHere())


nothing.csrf_exempt = True  # type: ignore[attr-defined] # it changes nothing, and a program shall see the same answer
