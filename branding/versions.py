"""Versions of a brand: a draft is edited, published onto the brand's row, and an old one can be published anew.

What the rest of the portal reads is the row alone. A version holds all that an administrator sets of a brand, as JSON
by field; `words` is compared and joined word by word, so that two people can translate at the same time.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from branding import addresses
from branding.errors import BrandForged
from branding.models import Brand, BrandVersion
from branding.refusals import DraftIsOld, NotPublishable, NoVersion, SavedMeanwhile
from portal.audit.record import Fact, by_whom, record, record_hourly
from portal.owners import decides_alone

Document = dict[str, Any]
Path = tuple[str, ...]
State = BrandVersion.State
FIXED = frozenset({"id", "slug", "is_default", "archived_at", "intro", "seal"})
"""What no version changes."""
WORDS = "words"


@dataclass(frozen=True)
class Standing:
    """How a brand stands: what is live, the draft if there is one, and the version that it was begun from."""

    live: BrandVersion
    draft: BrandVersion | None
    base: Document

    @property
    def document(self) -> Document:
        """What an editor shows: the draft, or else what is live."""
        shown: Document = self.draft.document if self.draft else self.live.document
        return shown

    @property
    def changed(self) -> list[Path]:
        """What the draft changes."""
        return changes(self.base, self.draft.document) if self.draft else []

    @property
    def missed(self) -> list[Path]:
        """What became live since the draft was begun."""
        return changes(self.base, self.live.document) if self.draft else []

    @property
    def seen(self) -> str:
        """Stands for all of it, so that nobody publishes what they have not seen."""
        return token([self.live.document, self.document])


def standing(brand: Brand) -> Standing:
    """How a brand stands now. Changes nothing: a live version that no row holds yet is made in memory."""
    rows = BrandVersion.objects.filter(brand=brand)
    newest, draft = rows.filter(state=State.LIVE).first(), rows.filter(state=State.DRAFT).first()
    now = document_of(brand)
    if newest is None or newest.document != now:
        number = (newest.number if newest else 0) + 1
        newest = BrandVersion(brand=brand, number=number, state=State.LIVE, document=now, made_at=timezone.now())
    base = newest if draft is None or draft.base == newest.number else rows.filter(number=draft.base).first()
    return Standing(newest, draft, base.document if base else newest.document)


def document_of(brand: Brand) -> Document:
    """All that an administrator sets of a brand, as it stands on its row."""
    found = {field.attname: getattr(brand, field.attname) for field in _fields()}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in found.items()}


def as_brand(brand: Brand, document: Mapping[str, Any]) -> Brand:
    """A brand as it would be with this document: for a preview, never saved. Fields that it does not name stay."""
    shown = copy.copy(brand)
    shown.is_shown = True
    shown._state = copy.copy(brand._state)  # else a relation that is looked up here is kept on the true row
    shown._state.fields_cache = {}
    for field in _fields():
        if field.attname in document:
            value = copy.deepcopy(document[field.attname])
            setattr(shown, field.attname, getattr(field, "target_field", field).to_python(value))
    return shown


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Path]:
    """What differs: (field,), or (words, language, word)."""
    before, after = _leaves(old), _leaves(new)
    return [path for path in {**before, **after} if before.get(path) != after.get(path)]


def value_at(document: Mapping[str, Any], path: Path) -> Any:
    """What a document says at such a place; None where it says nothing."""
    return _leaves(document).get(path)


def token(part: object) -> str:
    """Stands for what a form was read with: 20 hex digits of the SHA-256 of its JSON."""
    return hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()[:20]


def save_draft(
    brand: Brand, edit: Callable[[Document], Document], part: Callable[[Document], object], seen: str, by: UUID | None
) -> None:
    """Change the draft, or begin one. `part` is what the form shows of a document, `seen` the token of that part.

    Raises SavedMeanwhile when somebody else changed that part since: nothing is saved then.
    """
    with transaction.atomic():
        row, now = _locked(brand)
        if token(part(now.document)) != seen:
            raise SavedMeanwhile
        wanted = edit(copy.deepcopy(now.document))
        draft = now.draft or BrandVersion(brand=row, number=0, state=State.DRAFT, base=now.live.number)
        if wanted == now.document:
            return
        draft.document, draft.made_by, draft.made_at = wanted, by, timezone.now()
        draft.save()
        record_hourly("brand.draft_saved", brand=row.slug, by=by_whom(by))


def discard(brand: Brand, seen: str, by: UUID | None) -> None:
    """Throw the draft away. Raises SavedMeanwhile when it is not the one that was seen."""
    with transaction.atomic():
        row, now = _locked(brand)
        if now.draft is None:
            return
        if now.seen != seen:
            raise SavedMeanwhile
        now.draft.delete()
        record("brand.draft_discarded", brand=row.slug, by=by_whom(by))


def catch_up(brand: Brand, by: UUID | None) -> None:
    """Bring what became live meanwhile into the draft; where both changed the same, the draft's stays."""
    with transaction.atomic():
        _row, now = _locked(brand)
        if now.draft is None or not now.missed:
            return
        merged = _leaves(now.live.document)
        own = _leaves(now.draft.document)
        for path in now.changed:
            if path in own:
                merged[path] = own[path]
            else:
                merged.pop(path, None)
        now.draft.document, now.draft.base = _joined(merged), now.live.number
        now.draft.save(update_fields=["document", "base"])
        record_hourly("brand.draft_saved", brand=brand.slug, by=by_whom(by))


def publish(brand: Brand, seen: str, by: UUID | None, *, good_host: str = "") -> BrandVersion | None:
    """Make the draft live, in one transaction; None when there is none. `good_host` was just looked at (new hosts need
    a certificate).

    Raises:
        SavedMeanwhile: it is not the draft that was seen.
        DraftIsOld: something else became live since it was begun.
        NotPublishable: something is missing, or needs an owner, which the error says.
    """
    with transaction.atomic():
        row, now = _locked(brand)
        if now.draft is None:
            return None
        if now.seen != seen:
            raise SavedMeanwhile
        if now.draft.base != now.live.number:
            raise DraftIsOld
        document = now.draft.document
        now.draft.delete()
        return _put_live(row, now, document, "brand.published", by, good_host)


def roll_back(brand: Brand, number: int, by: UUID | None, *, good_host: str = "") -> BrandVersion:
    """Publish an old version anew, under a new number. Raises NoVersion, NotPublishable."""
    with transaction.atomic():
        row, now = _locked(brand)
        document = version(brand, number).document
        whole = {**now.live.document, **{name: document[name] for name in now.live.document if name in document}}
        return _put_live(row, now, whole, "brand.rolled_back", by, good_host, number)


def note(brand: Brand) -> None:
    """Keep a version of a row that was changed by other means, in the caller's transaction."""
    _locked(brand)


def version(brand: Brand, number: int) -> BrandVersion:
    """A version that is or was live. Raises NoVersion."""
    found = BrandVersion.objects.filter(brand=brand, number=number).exclude(state=State.DRAFT).first()
    if found is None:
        raise NoVersion
    return found


def history(brand: Brand) -> list[BrandVersion]:
    """What is live and what was, the newest first."""
    return list(BrandVersion.objects.filter(brand=brand).exclude(state=State.DRAFT).order_by("-number"))


def problems(brand: Brand, document: Mapping[str, Any], good_host: str = "") -> list[str]:
    """Why a document cannot be live; empty when it can."""
    found = []
    host = document["host"]
    if not document["name"].strip():
        found.append("The brand has no name.")
    if not document["postal_address"].strip():
        found.append("There is no postal address. Mails say it at their end, so a brand without one is not published.")
    if Brand.objects.exclude(pk=brand.pk).filter(host=host).exists():
        found.append(f"{host} is another brand’s host.")
    for other in Brand.objects.exclude(pk=brand.pk).exclude(domains=[]):
        found += [f"{one} is a mail domain of {other.name}." for one in document["domains"] if one in other.domains]
    if host not in (brand.host, good_host):
        found.append(f"Recipients would see a warning. Publish is off until {host} has a certificate.")
    return found


def _strange(row: Brand, document: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Names that are not known as the organisation's and would come to lead somewhere: whoever keeps one reads what is
    typed at that host, gets the links of its notices, and what comes back. An owner has to publish them."""
    named = {document["host"], *document["domains"]}
    for field in ("from_address", "bounce_address"):
        named.add(document[field].rpartition("@")[2])
    was = {live["host"], *live["domains"], *(live[f].rpartition("@")[2] for f in ("from_address", "bounce_address"))}
    strange = sorted(name for name in named - was - {""} if not addresses.is_ours(name, row))
    said = "{name} is not known as yours: only an owner can publish it, as whoever keeps that name could read mail."
    return [said.format(name=name) for name in strange]


def _put_live(
    row: Brand,
    now: Standing,
    document: Document,
    kind: str,
    by: UUID | None,
    good_host: str,
    back_to: int | None = None,
) -> BrandVersion:
    found = problems(row, document, good_host)
    if not decides_alone(by):
        found += _strange(row, document, now.live.document)
    if found:
        raise NotPublishable(found)
    made = BrandVersion(
        brand=row,
        number=now.live.number + 1,
        state=State.LIVE,
        document=document,
        made_by=by,
        made_at=timezone.now(),
    )
    BrandVersion.objects.filter(brand=row, state=State.LIVE).update(state=State.OLD)
    made.save(force_insert=True)
    try:
        as_brand(row, document).save()
    except BrandForged as refused:
        raise NotPublishable([str(refused)]) from None
    fields = " ".join(sorted({path[0] for path in changes(now.live.document, document)}))
    facts: dict[str, Fact] = {"brand": row.slug, "number": made.number, "fields": fields, "by": by_whom(by)}
    if back_to is not None:
        facts["to"] = back_to
    record(kind, message=None, reader=None, **facts)
    return made


def _locked(brand: Brand) -> tuple[Brand, Standing]:
    """The row, nobody else's until the transaction ends, with a version that says what it says."""
    row = Brand.objects.select_for_update().get(pk=brand.pk)
    now = standing(row)
    if now.live._state.adding:
        BrandVersion.objects.filter(brand=row, state=State.LIVE).update(state=State.OLD)
        now.live.save(force_insert=True)
    return row, now


def _leaves(document: Mapping[str, Any]) -> dict[Path, Any]:
    found: dict[Path, Any] = {(name,): value for name, value in document.items() if name != WORDS}
    for language, words in (document.get(WORDS) or {}).items():
        found |= {(WORDS, language, word): said for word, said in words.items()}
    return found


def _joined(leaves: Mapping[Path, Any]) -> Document:
    whole: Document = {path[0]: value for path, value in leaves.items() if path[0] != WORDS}
    words: dict[str, dict[str, str]] = {}
    for path, said in leaves.items():
        if path[0] == WORDS:
            words.setdefault(path[1], {})[path[2]] = said
    return {**whole, WORDS: words}


def _fields() -> list[models.Field[Any, Any]]:
    return [field for field in Brand._meta.concrete_fields if field.name not in FIXED]
