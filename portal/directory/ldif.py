"""Reads people and groups from LDIF as `ldapsearch -LLL` prints it (RFC 2849), from OpenLDAP or Active Directory."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from portal.directory.wanted import MOST_BYTES, BadFile, Wanted, address_or_nothing

Entry = Mapping[str, list[str]]
_GROUPS = frozenset({"group", "groupofnames", "groupofuniquenames", "posixgroup", "groupofurls"})
_ATTRIBUTES = {
    "name": ("displayname", "cn"),
    "title": ("title",),
    "department": ("department", "departmentnumber"),
    "company": ("company", "o"),
    "office": ("physicaldeliveryofficename",),
    "city": ("l",),
    "country": ("co", "c"),
}
_LINE = re.compile(r"([A-Za-z0-9.;=*-]{1,200}):([:<]?) *(.*)", re.DOTALL)
_DISABLED = 2
"""ACCOUNTDISABLE in userAccountControl ([MS-ADTS] section 2.2.16)."""
_MOST_VALUES = 250_000


def read(data: bytes) -> Wanted:
    """What the file wants. BadFile when it is no LDIF of entries, or too large."""
    if len(data) > MOST_BYTES:
        raise BadFile(f"The file has more than {MOST_BYTES // 1_000_000} MB.")
    entries = list(_entries(data))
    if not entries:
        raise BadFile("No entry is in the file. Write it with ldapsearch -LLL.")
    return _Taken(entries).wanted()


def _entries(data: bytes) -> Iterator[Entry]:
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    number = 1
    for block in re.split(r"\n[ \t]*\n", text):
        # A line that begins with one blank goes on with the one before (RFC 2849 section 2).
        lines = [line for line in block.replace("\n ", "").split("\n") if line.strip() and not line.startswith("#")]
        entry = _entry(lines, number)
        number += block.count("\n") + 2
        if "changetype" in entry:
            raise BadFile("The file holds changes, not entries. Write it with ldapsearch -LLL.")
        if "dn" in entry:
            yield entry


def _entry(lines: list[str], number: int) -> Entry:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadFile(f"What begins near line {number} is no LDIF.")
        name, form, value = match[1].lower(), match[2], match[3]
        if form == "<" or (name == "version" and not found):
            continue  # a value in a file of its own is no business of ours
        if form == ":":
            try:
                value = base64.b64decode(value, validate=True).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                raise BadFile(f"A value near line {number} is no Base64.") from None
        base, _, option = name.partition(";")
        if option.startswith("range=") and not option.endswith("-*"):
            found["cut"].append(base)
        values = found[base]
        if len(values) >= _MOST_VALUES:
            raise BadFile(f"An entry near line {number} has more than {_MOST_VALUES:,} values.")
        values.append(value)
    return found


class _Taken:
    """The entries, by what names them."""

    def __init__(self, entries: list[Entry]) -> None:
        self._wanted = Wanted()
        self._groups = [entry for entry in entries if self._is_group(entry)]
        self._people = [entry for entry in entries if not self._is_group(entry)]
        self._address_of: dict[str, str] = {}
        self._name_of = {_dn(entry["dn"][0]): self._group_name(entry) for entry in self._groups}

    def wanted(self) -> Wanted:
        for entry in self._people:
            self._note(entry)
        self._wanted.lists_people = bool(self._address_of)
        self._wanted.lists_groups = bool(self._groups) or any("memberof" in entry for entry in self._people)
        for entry in self._people:
            self._take_person(entry)
        for entry in self._groups:
            self._take_group(entry)
        return self._wanted

    def _is_group(self, entry: Entry) -> bool:
        classes = {value.lower() for value in entry.get("objectclass", ())}
        return bool(classes & _GROUPS) or (not classes and ("member" in entry or "uniquemember" in entry))

    def _note(self, entry: Entry) -> None:
        """Which address a person's names stand for, so that groups and managers can be resolved."""
        address = next((plain for value in entry.get("mail", ()) if (plain := address_or_nothing(value))), "")
        if address:
            self._address_of[_dn(entry["dn"][0])] = address
            for uid in entry.get("uid", ()):
                self._address_of.setdefault("uid:" + uid.lower(), address)

    def _take_person(self, entry: Entry) -> None:
        address = self._address_of.get(_dn(entry["dn"][0]))
        if address is None:
            # A unit or a computer has no mail; a person without is nobody that mail goes to.
            if "mail" in entry or "person" in {value.lower() for value in entry.get("objectclass", ())}:
                self._wanted.problem("An entry of a person has no address; left out.")
            return
        said = {
            name: entry[held][0] for name, held_in in _ATTRIBUTES.items() for held in held_in[::-1] if entry.get(held)
        }
        said["manager"] = self._address_of.get(_dn(entry["manager"][0]), "") if entry.get("manager") else ""
        control = (entry.get("useraccountcontrol") or ["0"])[0]
        active = not (control.isdigit() and int(control[:12]) & _DISABLED)
        more = [value[5:] for value in entry.get("proxyaddresses", ()) if value.lower().startswith("smtp:")]
        more += entry.get("mail", [])[1:]
        for one in {address, *filter(None, map(address_or_nothing, more))}:
            self._wanted.person(one, said.items(), active=active)
            for group in entry.get("memberof", ()):
                self._wanted.join(self._wanted.group(self._name_of.get(_dn(group)) or _first_of(group)), one)

    def _take_group(self, entry: Entry) -> None:
        group = self._wanted.group(self._group_name(entry))
        if "cut" in entry:
            self._wanted.problem("A group's members are cut by the server (range=); its others are not here.")
        for value in [*entry.get("member", ()), *entry.get("uniquemember", ())]:
            # uniqueMember may have a bit string behind the name (RFC 4517 section 3.3.21).
            self._join(group.name, _dn(value.partition("#'")[0]))
        for uid in entry.get("memberuid", ()):
            self._join(group.name, "uid:" + uid.lower())

    def _join(self, group: str, named: str) -> None:
        held = self._wanted.group(group)
        if named in self._address_of:
            self._wanted.join(held, self._address_of[named])
        elif named in self._name_of:
            self._wanted.join(held, "group:" + self._name_of[named])
        else:
            self._wanted.problem("A member of a group is no entry of the file with an address; left out.")

    def _group_name(self, entry: Entry) -> str:
        return (entry.get("displayname") or entry.get("cn") or [_first_of(entry["dn"][0])])[0]


def _dn(value: str) -> str:
    """A distinguished name for comparing: no case, no blanks around commas and equals signs."""
    # Runs of blanks are made one first: a pattern that begins with a run takes the square of its length.
    return re.sub(r" ?([,=+]) ?", r"\1", " ".join(value.split())).casefold()


def _first_of(dn: str) -> str:
    """The value of a distinguished name's first part, without its escapes (RFC 4514 section 2.4)."""
    first = re.split(r"(?<!\\),", dn, maxsplit=1)[0].partition("=")[2]
    return re.sub(r"\\(.)", r"\1", first).strip() or "group"
