"""The addresses of users under /scim/v2/Users."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from portal.api.models import Token
from portal.api.scim import users
from portal.api.scim.errors import ScimError, bad_value
from portal.api.scim.exchange import body, guarded_by_token, operations
from portal.api.scim.paths import read_filter
from portal.api.scim.resources import collection, single
from portal.audit.record import record
from portal.directory import keeping
from portal.directory.models import Membership, Person, Source
from portal.directory.sealed import external_lookup_of, held_in, lookup_of, user_lookup_of
from portal.ids import ids_of
from portal.mime.errors import BadAddress


@guarded_by_token
def all_users(request: HttpRequest, token: Token) -> HttpResponse:
    return collection(request, token, Person.objects.all(), _users_by, _user, _add_user)


@guarded_by_token
def one_user(request: HttpRequest, token: Token, id_: UUID) -> HttpResponse:
    return single(request, token, Person.objects.all(), id_, _user, _change_user, _remove_user)


def _add_user(request: HttpRequest, token: Token) -> Person:
    document = users.document_of(body(request))
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
    return person


def _change_user(request: HttpRequest, person: Person, token: Token) -> None:
    before = held_in(person)
    if request.method == "PUT":
        document = users.document_of(body(request))
    else:
        document = users.patched(
            dict(before.scim) or users.document_of(users.shown(person, "", [])), operations(request)
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


def _remove_user(person: Person, token: Token) -> None:
    record("directory.person_removed", person=str(person.pk), token=token.pk)
    person.delete()


def _index(person: Person, document: dict[str, Any]) -> None:
    """What a user is found by, and whether they count."""
    person.user_lookup = user_lookup_of(document["userName"])
    external = document.get("externalId", "")
    person.external_lookup = external_lookup_of(external) if external else b""
    person.active = users.is_active(document)


def _users_by(text: str) -> QuerySet[Person]:
    asked = read_filter(text)
    if asked.attribute == "username":
        return Person.objects.filter(user_lookup=user_lookup_of(asked.value))
    if asked.attribute == "externalid":
        return (
            Person.objects.filter(external_lookup=external_lookup_of(asked.value))
            if asked.value
            else Person.objects.none()
        )
    if asked.attribute in ("emails.value", "emails"):
        try:
            return Person.objects.filter(lookup=lookup_of(asked.value))
        except BadAddress:
            return Person.objects.none()
    if asked.attribute == "id":
        return Person.objects.filter(pk__in=ids_of([asked.value]))
    raise ScimError(400, "Users are found by userName, externalId, emails.value or id.", "invalidFilter")


def _user(request: HttpRequest, person: Person) -> dict[str, Any]:
    within = Membership.objects.filter(person=person).values_list("group_id", "group__name").order_by("pk")
    return users.shown(person, request.build_absolute_uri(f"/scim/v2/Users/{person.pk}"), list(within))
