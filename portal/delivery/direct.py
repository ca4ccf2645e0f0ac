"""Mail straight to the servers of a domain: found by MX, as well protected as the domain or the operator says."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from portal.delivery import policies, resolving, sts
from portal.delivery.errors import Deferred, Refused, TlsTrouble
from portal.delivery.hop import OPEN_SECONDS, Note, Peer
from portal.delivery.letters import Prepared
from portal.delivery.reachable import is_reachable
from portal.delivery.relay import SmtpRelay
from portal.delivery.resolving import Host
from portal.delivery.tls import DANE, PUBLISHED, STS, Demand, Level, floor_of, policy_for
from portal.values import is_loopback

PORT = 25
LOOP, BAD_ADDRESS = "554 5.4.6", "553 5.1.3"
_MOST_HOSTS = 10


class Direct:
    """One domain's best mail server that answers. `ask` has the database's part done (Desk.ask)."""

    def __init__(
        self,
        domain: str,
        asked: str,
        own_name: str,
        note: Note = lambda policy, result: None,
        ask: Callable[[Callable[[], Any]], Any] = lambda call: call(),
    ) -> None:
        self._domain = domain
        self._asked = asked
        self._own_name = own_name.lower()
        self._note = note
        self._ask = ask
        self._hop: SmtpRelay | None = None

    def open(self) -> None:
        """Find a server and connect (RFC 5321 section 5.1).

        Raises:
            Refused: the domain takes no mail, or the mail would come back to us.
            Deferred: no server answers now, or none is as well protected as it must be.
        """
        if not self._domain:
            raise Refused(BAD_ADDRESS)
        if self._hop is not None:
            try:
                self._hop.open()
                return
            except Deferred:
                self.close()
        trouble: Deferred | Refused | None = None
        until = time.monotonic() + OPEN_SECONDS
        for host in self._hosts():
            if trouble is not None and time.monotonic() > until:
                break
            try:
                self._hop = self._reached(host)
                return
            except (Deferred, Refused) as error:
                trouble = error
        raise trouble or Deferred("no address")

    @property
    def tells(self) -> bool:
        return self._hop is not None and self._hop.tells

    @property
    def facts(self) -> dict[str, str]:
        return self._hop.facts if self._hop is not None else {}

    def send(self, id_: UUID, mail: Prepared, keep: Callable[[], None]) -> str:
        """Hand one mail over (see Transport.send)."""
        if self._hop is None:
            self.open()
        if self._hop is None:
            raise Deferred("no connection")
        return self._hop.send(id_, mail, keep)

    def close(self) -> None:
        hop, self._hop = self._hop, None
        if hop is not None:
            hop.close()

    def _hosts(self) -> list[Host]:
        if self._domain.startswith("["):  # an address in place of a name (RFC 5321 section 4.1.3)
            return [Host(self._domain, 0, (self._domain.strip("[]").removeprefix("ipv6:"),))]
        found = resolving.hosts_of(self._domain)
        ours = [host.preference for host in found if host.name == self._own_name]
        if ours:
            # Servers no better than ourselves would send it back here (section 5.1).
            found = [host for host in found if host.preference < min(ours)]
            if not found:
                raise Refused(LOOP)
        mixed = sorted(found, key=lambda host: (host.preference, random.random()))  # noqa: S311 shares the load
        return mixed[:_MOST_HOSTS]

    def _reached(self, host: Host) -> SmtpRelay:
        if not host.addresses:
            host = resolving.addresses_of(host)
        if not host.addresses:
            if host.name == self._domain:
                raise Refused(resolving.NO_ADDRESS)
            raise Deferred("no address")
        if not self._is_ours():
            host = replace(host, addresses=tuple(one for one in host.addresses if is_reachable(one)))
            if not host.addresses:
                raise Refused(resolving.NOT_PUBLIC)
        try:
            demand = self._demand(host)
        except TlsTrouble as error:
            self._note("no-policy-found", error.result)
            raise
        hop = SmtpRelay(Peer(host.name, PORT, demand, host.addresses), self._own_name, self._note)
        hop.open()
        # "localhost" says nothing: many a server that was never given a name introduces itself so.
        if not is_loopback(self._own_name) and hop.calls_itself(self._own_name):
            hop.close()
            raise Refused(LOOP)
        return hop

    def _is_ours(self) -> bool:
        """Whether the names of this domain are our own to set: its servers are where its administrators say."""
        return self._domain in settings.LETTERLOCK.inside_domains

    def _demand(self, host: Host) -> Demand:
        """What this server has to prove. Raises TlsTrouble when it cannot be the domain's, or has no policy to ask."""
        word = policy_for(self._domain, self._asked)
        if word in (PUBLISHED, DANE):
            base, tlsa = resolving.tlsa_of(host, PORT)
            usable = tuple(record for record in tlsa if record.usable)
            if usable:
                return Demand(Level.VERIFIED, (base, host.name, self._domain), usable, base, "tlsa")
            if word == DANE:
                raise TlsTrouble("dane-required")
            if tlsa:  # published, but in no form that proves anything: encrypted all the same (RFC 7672 section 2.2)
                floor = floor_of(self._asked)
                return self._plain(Level.REQUIRED if floor is Level.OPPORTUNISTIC else floor, host, "tlsa")
        if word in (PUBLISHED, STS) and (demand := self._sts(host, required=word == STS)):
            return demand
        if word == PUBLISHED:
            return self._plain(floor_of(self._asked), host)
        return self._plain(Level[word.upper()], host)

    def _sts(self, host: Host, *, required: bool) -> Demand | None:
        try:
            policy = policies.policy_of(self._domain, self._ask)
        except sts.PolicyUnusable as error:
            if required:
                raise TlsTrouble(error.result) from None
            self._note("sts", error.result)
            return None  # announced, never had: as if there were none (RFC 8461 section 5.1)
        if policy is None or policy.mode == "none":
            if required:
                raise TlsTrouble("sts-policy-fetch-error")
            return None
        testing = policy.mode == "testing" and not required and floor_of(self._asked) is not Level.VERIFIED
        if not policy.allows(host.name):
            if not testing:
                raise TlsTrouble("validation-failure")
            self._note("sts", "validation-failure")
        if testing and floor_of(self._asked) is Level.REQUIRED:
            return Demand(Level.REQUIRED, policy="sts")
        return Demand(Level.VERIFIED, (host.name,), policy="sts", testing=testing)

    def _plain(self, level: Level, host: Host, policy: str = "no-policy-found") -> Demand:
        """A level without a published policy. MX is not proved: a certificate must name the domain or a host in it."""
        names = [self._domain]
        if host.name.endswith(f".{self._domain}"):
            names.append(host.name)
        return Demand(level, tuple(names), policy=policy)
