"""The guard around a key service: a time limit a call, a few retries, and a pause when it keeps failing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from portal import observing
from portal.keys.errors import KeyringDamaged, KeyringForeign, KeysError, ProviderDenied, ProviderUnavailable
from portal.keys.provider import Provider, Renewable

CALL_SECONDS = 2.0
ATTEMPTS = 3
RETRY_WITHIN = 2.5  # seconds after which nothing is tried again: a person may be waiting for the page
BACK_OFF = (0.1, 0.4)  # seconds before the second and third attempt, each up to half as long again
FAILURES = 3  # in a row, then the guard stops asking for a while
PAUSES = (1.0, 30.0)  # seconds without asking: the first pause and, doubled each time, the longest
HEALTH_SECONDS = 10.0
_MOST_STUCK = 8
T = TypeVar("T")


class Guarded:
    """A provider that answers, or says within seconds why not; thread-safe.

    Only ProviderUnavailable is tried again. A key is never accepted as wrapped before it has been unwrapped once.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._breaker = _Breaker()
        self._well_until = 0.0
        self._stuck = threading.Semaphore(_MOST_STUCK)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        wrapped = self._call("wrap", lambda: self._provider.wrap(key, context))
        # Whoever answers a wrap with garbage would otherwise be noticed when the only copy cannot be opened.
        try:
            opened = self._call("unwrap", lambda: self._provider.unwrap(wrapped, context))
        except (KeyringDamaged, KeyringForeign):
            opened = b""
        if opened != key:
            raise ProviderUnavailable(
                f"What the {self.describe()} wraps it cannot unwrap. Nothing was stored; mail waits until it is mended."
            )
        return wrapped

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._call("unwrap", lambda: self._provider.unwrap(wrapped, context))

    def health(self) -> None:
        """Asks at most every ten seconds while all is well, and does not ask at all during a pause."""
        if time.monotonic() < self._well_until and self._breaker.closed:
            return
        self._call("health", self._provider.health)
        self._well_until = time.monotonic() + HEALTH_SECONDS

    def describe(self) -> str:
        return self._provider.describe()

    def __repr__(self) -> str:
        return f"<Guarded {self.describe()}>"

    def _call(self, call: str, ask: Callable[[], T]) -> T:
        with observing.work("key_provider", labels={"call": call}):
            return self._ask(ask)

    def _ask(self, ask: Callable[[], T]) -> T:
        started = time.monotonic()
        attempts = 1 if self._breaker.admit() else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                answer = self._within(ask)
            except ProviderUnavailable as error:
                self._breaker.failed(error)
                spent = time.monotonic() - started
                final = attempt == attempts or isinstance(error, ProviderDenied) or spent > RETRY_WITHIN
                if final or not self._breaker.closed:
                    raise
                time.sleep(BACK_OFF[attempt - 1] * random.uniform(1, 1.5))  # noqa: S311 # spreads processes, no secret
            except KeysError:
                self._breaker.worked()  # a clear "no" is an answer
                raise
            except BaseException:
                self._breaker.left()  # a task's own time limit, or Ctrl-C: nothing was learnt
                raise
            else:
                self._breaker.worked()
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _within(self, ask: Callable[[], T]) -> T:
        """The answer, or ProviderUnavailable after the time limit; a thread that is stuck is left to itself."""
        # Time limits of sockets start anew with each byte, and a hardware module knows none at all.
        if not self._stuck.acquire(blocking=False):
            raise self._slow()
        done = threading.Event()
        answers: list[T] = []
        errors: list[KeysError] = []

        def work() -> None:
            try:
                answers.append(ask())
            except KeysError as error:
                errors.append(error)
            except Exception as error:  # a library's own failure must not bring its text along
                errors.append(
                    ProviderUnavailable(
                        f"The {self.describe()} failed in a way that was not foreseen ({type(error).__name__}). "
                        "Mail waits until it is mended."
                    )
                )
            finally:
                self._stuck.release()
                done.set()

        threading.Thread(target=work, name="key-provider", daemon=True).start()
        if not done.wait(CALL_SECONDS):
            raise self._slow()
        if errors:
            raise errors[0] from None
        return answers[0]

    def _slow(self) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"The {self.describe()} did not answer within {CALL_SECONDS:.0f} seconds. Mail waits until it does."
        )


class GuardedRenewable(Guarded):
    """The guard around a provider whose root key can be given a new version."""

    def __init__(self, provider: Provider, renewable: Renewable) -> None:
        super().__init__(provider)
        self._renewable = renewable

    def renewing(self) -> bool:
        """Whether a new root version is there, and an older one not retired yet."""
        return self._call("renewing", self._renewable.renewing)

    def renew(self) -> None:
        """From now on `wrap` uses a new root version; idempotent while older ones are not retired."""
        self._call("renew", self._renewable.renew)

    def is_newest(self, wrapped: bytes) -> bool:
        """Whether a wrapped key is of the newest root version."""
        return self._call("is_newest", lambda: self._renewable.is_newest(wrapped))

    def retire(self) -> None:
        """Destroy the older root versions, with all that is still wrapped under them."""
        self._call("retire", self._renewable.retire)


def guarded(provider: Provider) -> Guarded:
    """The provider behind a guard, which offers what the provider does."""
    return GuardedRenewable(provider, provider) if isinstance(provider, Renewable) else Guarded(provider)


class _Breaker:
    """Counts failures in a row; after some of them it lets nobody ask for a while, then one, who decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = 0.0
        self._until = 0.0
        self._trying = False
        self._last: tuple[type[ProviderUnavailable], str] | None = None

    @property
    def closed(self) -> bool:
        """Whether anyone may ask."""
        return self._pause == 0.0

    def admit(self) -> bool:
        """True when this call is the one trial after a pause. Raises the last failure during a pause."""
        with self._lock:
            if self._pause == 0.0:
                return False
            if self._trying or time.monotonic() < self._until:
                kind, sentence = self._last or (ProviderUnavailable, ProviderUnavailable.sentence)
                raise kind(sentence)
            self._trying = True
            return True

    def worked(self) -> None:
        with self._lock:
            self._failures, self._pause, self._trying, self._last = 0, 0.0, False, None

    def left(self) -> None:
        with self._lock:
            self._trying = False

    def failed(self, error: ProviderUnavailable) -> None:
        with self._lock:
            self._failures += 1
            self._last = (type(error), str(error))
            if self._trying or (self._pause == 0.0 and self._failures >= FAILURES):
                self._pause = min(self._pause * 2, PAUSES[1]) or PAUSES[0]
                self._until = time.monotonic() + self._pause
                self._trying = False
