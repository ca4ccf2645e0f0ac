"""One mail as conditions look at it: each form of each part is made when it is first asked for, and once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache

from portal.mime.addresses import normalise, parse_list
from portal.mime.errors import BadAddress
from portal.rules.contents import Attachment
from portal.rules.facts import Facts
from portal.rules.limits import MOST_SCANNED
from portal.rules.patterns import Pool
from portal.rules.sensitive import Found, SensitiveType, scan

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LABEL = re.compile(r"msip_label_([0-9a-f-]{36})_(enabled|siteid)\s{0,9}=\s{0,9}([0-9a-z-]{1,40})")


class View:
    """Never raises for what a mail holds. What cannot be read or is not known is None, never "nothing"."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._hits: dict[tuple[int, str], frozenset[int]] = {}
        self._senders: dict[str, tuple[str, ...]] = {}
        self._recipients: dict[str, tuple[str, ...]] = {}
        self._domains: dict[str, frozenset[str]] = {}
        self._there: frozenset[str] | None = None
        self.known: dict[int, bool | None] = {}
        """Answers of checks that several rules share (portal.rules.conditions.checks.Once)."""
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

    def domains(self, addresses: tuple[str, ...]) -> frozenset[str]:
        """All domains that any of these lies in."""
        if len(addresses) == 1:
            return family(addresses[0].rpartition("@")[2])
        return frozenset().union(*(family(one.rpartition("@")[2]) for one in addresses)) if addresses else frozenset()

    def sender_domains(self, where: str) -> frozenset[str]:
        found = self._domains.get(where)
        if found is None:
            found = self._domains[where] = self.domains(self.senders(where))
        return found

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

    def manager_of(self, address: str) -> str | None:
        """The manager of one of _everybody, in the comparing form; "" of somebody outside, who has none here, and None
        where the directory does not say."""
        if self.inside and not self.is_inside(address):
            return ""
        said = self.attributes.get(address, {}).get("manager", "")
        return _comparing(said) if "@" in said else None

    @property
    def senders_manager(self) -> str:
        """Of those who wrote it, the first one's whose manager is known and one of our own; "" for nobody."""
        found = ((one, self.manager_of(one) or "") for one in self.senders("either"))
        return next((manager for one, manager in found if self.is_inside(manager) and manager != one), "")

    def are_groups(self, wanted: Collection[str], named: Collection[str]) -> bool:
        """Whether the directory has these groups. `named` are all that any rule names, so that it is asked once."""
        if self._there is None:
            self._there = self.facts.directory.existing(named)
        return self._there.issuperset(wanted)

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

    @cached_property
    def labels(self) -> frozenset[str]:
        """Ids of the sensitivity labels that are set, each alone and with "@" and its tenant's id.

        MSIP_Label_<label>_Enabled=true; MSIP_Label_<label>_SiteId=<tenant> (as Microsoft's clients write it).
        """
        found: dict[str, dict[str, str]] = {}
        for value in self.header("msip_labels"):
            for piece in value.lower().split(";"):
                if (said := _LABEL.fullmatch(piece.strip())) is not None:
                    found.setdefault(said[1], {})[said[2]] = said[3]
        set_ = [(label, said.get("siteid", "")) for label, said in found.items() if said.get("enabled") == "true"]
        return frozenset([label for label, _ in set_] + [f"{label}@{tenant}" for label, tenant in set_])

    def header_values(self, name: str) -> frozenset[str]:
        """All values of a header, without regard to case."""
        return frozenset([value.strip().casefold() for value in self.header(name)])

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
        return self.facts.readable and len(self.body) <= MOST_SCANNED and self.facts.contents.is_sure

    @cached_property
    def files(self) -> tuple[Attachment, ...]:
        """With those inside of messages and archives."""
        return self.facts.contents.attachments

    @property
    def files_are_listed(self) -> bool:
        """Whether there are no further ones, in an archive that was not listed to its end."""
        return self.facts.contents.are_listed

    @cached_property
    def files_are_whole(self) -> bool:
        """Whether all text of all files was read; reads it."""
        return self.facts.contents.is_sure and not any(file.unreadable or file.truncated for file in self.files)

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

    def sensitive(self, names: Collection[str], own: Mapping[str, SensitiveType]) -> Mapping[str, tuple[Found, ...]]:
        """What of these kinds the subject holds, and what text and files together hold, as far as they can be read."""
        key = frozenset(names)
        found = self._sensitive.get(key)
        if found is None:
            inside, above = self.facts.contents.found(key, own), scan("\n".join(self.subjects), key, own)
            found = {name: tuple(one[name] for one in (inside, above) if name in one) for name in key}
            self._sensitive[key] = found
        return found


@lru_cache(maxsize=512)
def family(domain: str) -> frozenset[str]:
    """A domain and all domains that it lies in."""
    labels = domain.split(".") if domain else []
    return frozenset([".".join(labels[start:]) for start in range(len(labels))])


def _comparing(address: str) -> str:
    try:
        return normalise(address)
    except BadAddress:
        return address.strip().lower()
