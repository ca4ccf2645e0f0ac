"""What is kept of decisions: how often each rule spoke, and facts to try other rules on; in the mails' transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from portal.inserting import insert
from portal.rules.decision import Decision
from portal.rules.models import Hits, Seen
from portal.rules.seen import KEPT_DAYS


def note(decided: Sequence[tuple[Decision, Seen]]) -> None:
    """Two statements for a group of mails; no row is changed, so that no worker waits for another."""
    insert([row for _, row in decided], ignore_conflicts=True)
    today = timezone.localdate()
    spoke = Counter((rule.id, rule.only_logged) for decision, _ in decided for rule in decision.matched)
    Hits.objects.bulk_create(
        Hits(rule=rule, day=today, only_logged=logged, number=number) for (rule, logged), number in spoke.items()
    )


def hits(days: int = 7) -> dict[tuple[str, bool], int]:
    """How often each rule spoke in the last days, today counted; by its id and whether that was only logged."""
    since = timezone.localdate() - timedelta(days=days - 1)
    rows = Hits.objects.filter(day__gte=since).values_list("rule", "only_logged").annotate(all=Sum("number"))
    return {(rule, logged): number for rule, logged, number in rows.order_by()}


def between(since: date, until: date) -> list[tuple[str, bool, int]]:
    """How often each rule spoke from one day to another, the most first; its id, whether only logged, and how often."""
    rows = Hits.objects.filter(day__gte=since, day__lte=until).values_list("rule", "only_logged")
    return list(rows.annotate(all=Sum("number")).order_by("-all", "rule", "only_logged"))


HITS_DAYS = 400


def tidy() -> None:
    """Forget facts and counts whose time is over, and add up the rows of past days."""
    now, today = timezone.now(), timezone.localdate()
    Seen.objects.filter(at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    Hits.objects.filter(day__lt=today - timedelta(days=HITS_DAYS)).delete()
    past = Hits.objects.filter(day__lt=today, day__gte=today - timedelta(days=3))
    for day in past.values_list("day", flat=True).distinct():
        _add_up(day)


def _add_up(day: date) -> None:
    with transaction.atomic():
        rows = list(Hits.objects.select_for_update().filter(day=day))
        counts: Counter[tuple[str, bool]] = Counter()
        for row in rows:
            counts[row.rule, row.only_logged] += row.number
        if len(counts) == len(rows):
            return
        Hits.objects.filter(pk__in=[row.pk for row in rows]).delete()
        Hits.objects.bulk_create(
            Hits(rule=rule, day=day, only_logged=logged, number=number) for (rule, logged), number in counts.items()
        )
