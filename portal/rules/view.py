"""One mail as conditions look at it: each form of each part is made when it is first asked for, and once."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from functools import cached_property

from portal.mime.addresses import normalise, parse_list
from portal.mime.errors import BadAddress
from portal.rules.contents import Attachment
from portal.rules.facts import Facts
from portal.rules.limits import MOST_SCANNED
from portal.rules.patterns import Pool
from portal.rules.sensitive import Found, scan

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SENDER_PLACES = ("envelope", "header", "either")
RECIPIENT_PLACES = ("envelope", "to", "cc", "to_or_cc")


class View:
    """Never raises for what a mail holds. What cannot be read or is not known is None, never "nothing"."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._hits: dict[tuple[int, str], frozenset[int]] = {}
        self._senders: dict[str, tuple[str, ...]] = {}
        self._recipients: dict[str, tuple[str, ...]] = {}
        self._families: dict[str, frozenset[str]] = {}
        self._sensitive: dict[frozenset[str], Mapping[str, tuple[Found, ...]]] = {}

    # Addresses, in their comparing form

    def senders(self, where: str) -> tuple[str, ...]:
        """Those who wrote it: of the envelope, of From, or of both."""
        found = self._senders.get(where)
        if found is None:
            written = self._in_headers("from") if where != "envelope" else ()
            sent = (_comparing(self.facts.sender),) if self.facts.sender and where != "header" else ()
            found = self._senders[where] = tuple(dict.fromkeys((*sent, *written)))
        return found

    def recipients(self, where: str) -> tuple[str, ...]:
        """Those whom it goes to, or whom To and Cc name."""
        found = self._recipients.get(where)
        if found is None:
            if where == "envelope":
                found = tuple(map(_comparing, self.facts.recipients))
            else:
                found = tuple(dict.fromkeys(a for name in where.split("_or_") for a in self._in_headers(name)))
            self._recipients[where] = found
        return found

    def _in_headers(self, name: str) -> tuple[str, ...]:
        return tuple(_comparing(box.address) for value in self.header(name) for box in parse_list(value))

    def family(self, address: str) -> frozenset[str]:
        """The domain of an address and all domains that it lies in; empty when it is none."""
        found = self._families.get(address)
        if found is None:
            domain = address.rpartition("@")[2]
            labels = domain.split(".") if "@" in address else []
            found = frozenset([".".join(labels[start:]) for start in range(len(labels))])
            self._families[address] = found
        return found

    def domains(self, addresses: tuple[str, ...]) -> frozenset[str]:
        """All domains that any of these lies in."""
        if len(addresses) == 1:
            return self.family(addresses[0])
        return frozenset().union(*map(self.family, addresses)) if addresses else frozenset()

    @cached_property
    def sender_domains(self) -> Mapping[str, frozenset[str]]:
        return {where: self.domains(self.senders(where)) for where in SENDER_PLACES}

    @cached_property
    def recipient_domains(self) -> frozenset[str]:
        return self.domains(self.recipients("envelope"))

    @cached_property
    def inside(self) -> frozenset[str]:
        return frozenset(self.facts.inside_domains)

    def is_inside(self, address: str) -> bool:
        """Whether it is one of the organisation's own; nobody is while it has named no domain."""
        return address.rpartition("@")[2] in self.inside and "@" in address

    @cached_property
    def groups(self) -> Mapping[str, frozenset[str]]:
        return self.facts.directory.groups_of(self._everybody)

    @cached_property
    def attributes(self) -> Mapping[str, Mapping[str, str]]:
        return self.facts.directory.attributes_of(self._everybody)

    @cached_property
    def _everybody(self) -> tuple[str, ...]:
        asked = (*self.senders("either"), *self.recipients("envelope"), *self.recipients("to_or_cc"))
        return tuple(dict.fromkeys(asked))

    @cached_property
    def peer(self) -> Address | None:
        try:
            found = ipaddress.ip_address(self.facts.peer)
        except ValueError:
            return None
        return getattr(found, "ipv4_mapped", None) or found

    # Headers

    @cached_property
    def _fields(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for name, value in self.facts.headers:
            found.setdefault(name, []).append(value)
        return {name: tuple(values) for name, values in found.items()}

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header; `name` in lower case."""
        return self._fields.get(name, ())

    # Words and patterns

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Of several subjects, nobody knows which one a reader will see."""
        others = [value for value in self.header("subject") if value != self.facts.subject]
        return (self.facts.subject, *others)

    @cached_property
    def body(self) -> str:
        return self.facts.contents.body

    @property
    def body_is_whole(self) -> bool:
        return len(self.body) <= MOST_SCANNED

    @cached_property
    def files(self) -> tuple[Attachment, ...]:
        """With those inside of messages and archives."""
        return self.facts.contents.attachments

    @cached_property
    def files_are_whole(self) -> bool:
        """Whether all text of all files was read; reads it."""
        return not any(file.unreadable or file.truncated for file in self.files)

    def hits(self, pool: Pool, part: str) -> frozenset[int]:
        """What of a pool is in a part: `subject`, `body`, `files`, `file_names`, or `header:` and a name."""
        key = (id(pool), part)
        found = self._hits.get(key)
        if found is None:
            found = self._hits[key] = frozenset[int]().union(*map(pool.found, self._texts(part)))
        return found

    def _texts(self, part: str) -> list[str]:
        if part == "subject":
            return list(self.subjects)
        if part == "body":
            return [self.body]
        if part == "files":
            return [file.text for file in self.files if file.text]
        if part == "file_names":
            return [file.name for file in self.files]
        if part.startswith("senders:"):
            return list(self.senders(part.partition(":")[2]))
        return list(self.header(part.partition(":")[2]))

    # Sensitive information

    def sensitive(self, names: Collection[str]) -> Mapping[str, tuple[Found, ...]]:
        """What of these kinds the subject holds, and what text and files together hold, as far as they can be read."""
        key = frozenset(names)
        found = self._sensitive.get(key)
        if found is None:
            own = self.facts.own_types
            inside, above = self.facts.contents.found(key, own), scan(self.facts.subject, key, own)
            found = {name: tuple(one[name] for one in (inside, above) if name in one) for name in key}
            self._sensitive[key] = found
        return found


def _comparing(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return address.strip().lower()

