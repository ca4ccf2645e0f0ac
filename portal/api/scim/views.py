"""The addresses under /scim/v2/: users, groups, and what this server can do."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseFailure
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from portal.api import tokens
from portal.api.errors import ApiError
from portal.api.models import Token
from portal.api.scim import groups, told, users
from portal.api.scim.errors import ScimError, bad_value, not_found
from portal.api.scim.paths import holds_no_letter, read_filter
from portal.api.scopes import Scope
from portal.audit.record import record
from portal.directory import keeping
from portal.directory.models import Group, Membership, Person, Source
from portal.directory.sealed import external_lookup_of, held_in, lookup_of, user_lookup_of
from portal.keys.errors import KeysError
from portal.mime.errors import BadAddress

MOST_BYTES = 4 * 1024 * 1024
"""Of a request."""
PER_PAGE = 100
_SHOWS = ("GET", "HEAD")
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
View = Callable[..., HttpResponse]


def _guarded(view: View) -> View:
    """Called as `view(request, token, …)` with a token of the scope scim; what is refused is told in SCIM's form."""

    # A token is not sent by a browser on its own, so no other site can make one speak here.
    @csrf_exempt
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, tokens.authorise(request, Scope.SCIM), *args, **kwargs)
        except ScimError as error:
            return _answer(error.document(), error.status)
        except ApiError as refused:
            response = _answer(ScimError(refused.status, str(refused)).document(), refused.status)
            for name, value in refused.headers().items():
                response.headers[name] = value
            return response
        except (DatabaseFailure, KeysError):
            response = _answer(ScimError(503, "Not now; try again in half a minute.").document(), 503)
            response.headers["Retry-After"] = "30"
            return response

    return guarded


@_guarded
def all_users(request: HttpRequest, token: Token) -> HttpResponse:
    """List and find, or add."""
    if request.method == "POST":
        return _add_user(request, token)
    if request.method not in _SHOWS:
        raise ScimError(405, "This address takes GET and POST.")
    rows = Person.objects.all()
    if asked := request.GET.get("filter"):
        rows = _users_by(asked)
    return _listed(request, rows, lambda row: _user(request, row))


@_guarded
def one_user(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    """Show, replace, change or remove one."""
    with transaction.atomic():
        person = Person.objects.select_for_update().filter(pk=id_).first()
        if person is None:
            raise not_found()
        _check_version(request, person.version)
        if request.method == "DELETE":
            record("directory.person_removed", person=str(person.pk), token=token.pk)
            person.delete()
            return HttpResponse(status=204)
        if request.method in ("PUT", "PATCH"):
            _change_user(request, person, token)
        elif request.method not in _SHOWS:
            raise ScimError(405, "This address takes GET, PUT, PATCH and DELETE.")
    return _shown(request, _user(request, person), person.version)


@_guarded
def all_groups(request: HttpRequest, token: Token) -> HttpResponse:
    """List and find, or add."""
    if request.method == "POST":
        return _add_group(request, token)
    if request.method not in _SHOWS:
        raise ScimError(405, "This address takes GET and POST.")
    rows = Group.objects.all()
    if asked := request.GET.get("filter"):
        rows = _groups_by(asked)
    return _listed(request, rows, lambda row: _group(request, row))


@_guarded
def one_group(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    """Show, replace, change or remove one."""
    with transaction.atomic():
        group = Group.objects.select_for_update().filter(pk=id_).first()
        if group is None:
            raise not_found()
        _check_version(request, group.version)
        if request.method == "DELETE":
            record("directory.group_removed", group=str(group.pk), token=token.pk)
            group.delete()
            return HttpResponse(status=204)
        if request.method in ("PUT", "PATCH"):
            _change_group(request, group, token)
        elif request.method not in _SHOWS:
            raise ScimError(405, "This address takes GET, PUT, PATCH and DELETE.")
    return _shown(request, _group(request, group), group.version)


@_guarded
@require_safe
def configuration(_request: HttpRequest, _token: Token) -> HttpResponse:
    return _answer(told.CONFIGURATION)


@_guarded
@require_safe
def resource_types(_request: HttpRequest, _token: Token, id_: str = "") -> HttpResponse:
    return _told(told.resource_types(), id_)


@_guarded
@require_safe
def schemas(_request: HttpRequest, _token: Token, id_: str = "") -> HttpResponse:
    return _told(told.schemas(), id_)


@_guarded
def nothing(_request: HttpRequest, _token: Token, rest: str = "") -> HttpResponse:
    """Any other address below /scim/v2/."""
    raise not_found()


def _add_user(request: HttpRequest, token: Token) -> HttpResponse:
    document = users.document_of(_body(request))
    if not document.get("userName"):
        raise bad_value("A user needs a userName.")
    held = users.held_of(document)
    try:
        with transaction.atomic():
            # Who came from a file before is kept by the program from now on.
            person = Person.objects.filter(lookup=lookup_of(held.address)).first() if held.address else None
            if person is not None and person.source == Source.SCIM:
                raise ScimError(409, "A user with this address is here already.", "uniqueness")
            if person is None:
                person = keeping.new_person(held, Source.SCIM)
            else:
                keeping.say(person, held)
            person.source = Source.SCIM
            _index(person, document)
            person.save()
            record("directory.person_added", person=str(person.pk), token=token.pk)
    except IntegrityError:
        raise ScimError(409, "A user with this userName or address is here already.", "uniqueness") from None
    return _shown(request, _user(request, person), person.version, 201)


def _change_user(request: HttpRequest, person: Person, token: Token) -> None:
    before = held_in(person)
    if request.method == "PUT":
        document = users.document_of(_body(request))
    else:
        document = users.patched(
            _kept(before.scim) or users.document_of(users.shown(person, "", [])), _operations(request)
        )
    if not document.get("userName"):
        raise ScimError(400, "A user needs a userName.", "mutability" if request.method == "PATCH" else "invalidValue")
    was_active = person.active
    held = users.held_of(document)
    said = keeping.say(person, held)
    _index(person, document)
    if not said and was_active == person.active:
        return
    person.source = Source.SCIM
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:
        raise ScimError(409, "A user with this userName or address is here already.", "uniqueness") from None
    record("directory.person_changed", person=str(person.pk), active=person.active, token=token.pk)


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    return dict(document)


def _index(person: Person, document: dict[str, Any]) -> None:
    """What a user is found by, and whether they count."""
    person.user_lookup = user_lookup_of(document["userName"])
    external = document.get("externalId", "")
    person.external_lookup = external_lookup_of(external) if external else b""
    person.active = users.is_active(document)


def _add_group(request: HttpRequest, token: Token) -> HttpResponse:
    wanted = groups.wanted_of(_body(request))
    if wanted.name is None:
        raise bad_value("A group needs a displayName.")
    with transaction.atomic():
        slug = keeping.slug_of(wanted.name)
        group = Group.objects.select_for_update().filter(slug=slug).exclude(source=Source.SCIM).first()
        if group is None and Group.objects.filter(slug=slug, name=wanted.name).exists():
            raise ScimError(409, "A group with this displayName is here already.", "uniqueness")
        # A group that came from a file is kept by the program from now on: rules that name it go on.
        group = group or Group(slug=keeping.free_slug(wanted.name))
        group.name, group.external, group.source = wanted.name, wanted.external or "", Source.SCIM
        group.external_lookup = external_lookup_of(group.external) if group.external else b""
        group.save()
        keeping.set_members(group, wanted.members or keeping.Members())
        record("directory.group_added", group=str(group.pk), token=token.pk)
    return _shown(request, _group(request, group), group.version, 201)


def _change_group(request: HttpRequest, group: Group, token: Token) -> None:
    if request.method == "PUT":
        wanted = groups.wanted_of(_body(request))
        if wanted.name is None:
            raise bad_value("A group needs a displayName.")
        changed = groups.put(group, wanted)
    else:
        changed = groups.patch(group, _operations(request))
    if not changed:
        return
    group.source, group.version = Source.SCIM, group.version + 1
    group.external_lookup = external_lookup_of(group.external) if group.external else b""
    group.save()
    record("directory.group_changed", group=str(group.pk), token=token.pk)


def _users_by(text: str) -> QuerySet[Person]:
    asked = read_filter(text)
    if asked.attribute == "username":
        return Person.objects.filter(user_lookup=user_lookup_of(asked.value))
    if asked.attribute == "externalid":
        return Person.objects.filter(external_lookup=external_lookup_of(asked.value)) if asked.value else _nobody()
    if asked.attribute in ("emails.value", "emails"):
        try:
            return Person.objects.filter(lookup=lookup_of(asked.value))
        except BadAddress:
            return _nobody()
    if asked.attribute == "id":
        return Person.objects.filter(pk=_uuid(asked.value))
    raise ScimError(400, "Users are found by userName, externalId, emails.value or id.", "invalidFilter")


def _groups_by(text: str) -> QuerySet[Group]:
    asked = read_filter(text)
    if asked.attribute == "displayname":
        return Group.objects.filter(name=asked.value)
    if asked.attribute == "externalid":
        lookup = external_lookup_of(asked.value)
        return Group.objects.filter(external_lookup=lookup) if asked.value else Group.objects.none()
    if asked.attribute == "id":
        return Group.objects.filter(pk=_uuid(asked.value))
    raise ScimError(400, "Groups are found by displayName, externalId or id.", "invalidFilter")


def _nobody() -> QuerySet[Person]:
    return Person.objects.none()


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        return UUID(int=0)


def _user(request: HttpRequest, person: Person) -> dict[str, Any]:
    within = Membership.objects.filter(person=person).values_list("group_id", "group__name").order_by("pk")
    return users.shown(person, request.build_absolute_uri(f"/scim/v2/Users/{person.pk}"), list(within))


def _group(request: HttpRequest, group: Group) -> dict[str, Any]:
    left_out = request.GET.get("excludedAttributes", "").lower().replace(" ", "").split(",")
    location = request.build_absolute_uri(f"/scim/v2/Groups/{group.pk}")
    return groups.shown(group, location, members="members" not in left_out)


def _listed(request: HttpRequest, rows: QuerySet[Any], show: Callable[[Any], dict[str, Any]]) -> HttpResponse:
    """A page of resources (RFC 7644 section 3.4.2.4)."""
    start, count = max(1, _number(request, "startIndex", 1)), _number(request, "count", PER_PAGE)
    count = max(0, min(count, told.MOST_RESULTS))
    found = [show(row) for row in rows.order_by("pk")[start - 1 : start - 1 + count]] if count else []
    return _answer(
        {
            "schemas": [_LIST],
            "totalResults": rows.count(),
            "startIndex": start,
            "itemsPerPage": len(found),
            "Resources": found,
        }
    )


def _told(documents: list[dict[str, Any]], id_: str) -> HttpResponse:
    if not id_:
        number = len(documents)
        return _answer(
            {
                "schemas": [_LIST],
                "totalResults": number,
                "startIndex": 1,
                "itemsPerPage": number,
                "Resources": documents,
            }
        )
    found = next((document for document in documents if document["id"].lower() == id_.lower()), None)
    if found is None:
        raise not_found()
    return _answer(found)


def _number(request: HttpRequest, name: str, usual: int) -> int:
    written = request.GET.get(name, "")
    if not written:
        return usual
    try:
        return int(written[:12])
    except ValueError:
        raise bad_value(f"{name} is a whole number.") from None


def _body(request: HttpRequest) -> dict[str, Any]:
    data = request.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ScimError(413, f"A request can have up to {MOST_BYTES // (1024 * 1024)} MiB.")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        raise ScimError(400, "The request is not JSON.", "invalidSyntax") from None
    if not isinstance(given, dict):
        raise ScimError(400, "The request must be a JSON object.", "invalidSyntax")
    if holds_no_letter(given):
        raise bad_value("A text holds a character that no text has.")
    return given


def _operations(request: HttpRequest) -> list[Any]:
    given = {name.lower(): value for name, value in _body(request).items()}
    operations = given.get("operations")
    if not isinstance(operations, list) or not 0 < len(operations) <= told.MOST_OPERATIONS:
        raise ScimError(400, f"Operations must be a list of 1 to {told.MOST_OPERATIONS} changes.", "invalidSyntax")
    return operations


def _check_version(request: HttpRequest, version: int) -> None:
    """If-Match (RFC 7644 section 3.14)."""
    wanted = request.headers.get("If-Match", "")
    if wanted and wanted != "*" and f'W/"{version}"' not in wanted:
        raise ScimError(412, "It was changed meanwhile. Read it again.")


def _shown(request: HttpRequest, document: dict[str, Any], version: int, status: int = 200) -> HttpResponse:
    tag = f'W/"{version}"'
    if request.method in _SHOWS and tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers={"ETag": tag})
    response = _answer(document, status)
    response.headers["ETag"] = tag
    if status == 201:
        response.headers["Location"] = document["meta"]["location"]
    return response


def _answer(document: Mapping[str, Any], status: int = 200) -> HttpResponse:
    response = HttpResponse(json.dumps(document, ensure_ascii=False), "application/scim+json", status)
    response.headers["Cache-Control"] = "no-store"
    return response
