"""`manage.py webhook VERB`: programs that are told what happens: added, looked at, switched, tried."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.api import telling, webhooks
from portal.api.errors import ApiError, EntryGone
from portal.api.models import Delivery, Webhook
from portal.operations.commands import sentences

SHOWN = 20


class Command(BaseCommand):
    help = "Tell other programs what is recorded, by signed HTTP requests (Standard Webhooks)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        add = _named(chosen.add_parser("add", help="Tell this address; prints the secret, once."))
        add.add_argument("url")
        add.add_argument("--event", action="append", default=[], metavar="KIND", help="message.opened, or message.*")
        add.add_argument("--private", action="store_true", help="it may lie in a network of your own")
        chosen.add_parser("list", help="All webhooks, with what waits.").add_argument("--json", action="store_true")
        _named(chosen.add_parser("test", help="Send an event that tells of nothing, now."))
        _named(chosen.add_parser("off", help="Send nothing more; what happens meanwhile is told when it is on again."))
        _named(chosen.add_parser("on", help="Go on, at once."))
        _named(chosen.add_parser("secret", help="Make a new secret; for a day the old one signs as well."))
        _named(chosen.add_parser("remove", help="For good, with all that waits for it."))
        shown = _named(chosen.add_parser("deliveries", help=f"The last {SHOWN} and what came of them."))
        shown.add_argument("--failed", action="store_true", help="only those that were given up")
        shown.add_argument("--json", action="store_true")
        again = _named(chosen.add_parser("redeliver", help="Send again what was given up, or one delivery."))
        again.add_argument("id", nargs="?", metavar="DELIVERY", help="msg_…, as deliveries shows it")

    def handle(self, *_: object, **options: Any) -> None:
        with sentences():
            try:
                for line in _VERBS[options["verb"]](options):
                    self.stdout.write(line)
            except ApiError as error:
                raise CommandError(str(error)) from None


def _named(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name")
    return parser


def _add(options: dict[str, Any]) -> list[str]:
    _, secret = webhooks.add(options["name"], options["url"], options["event"], private=options["private"])
    return [secret]


def _list(options: dict[str, Any]) -> list[str]:
    found = [
        {
            "name": hook.name,
            "on": hook.on,
            "events": hook.events,
            "url": webhooks.where(hook).url.partition("?")[0],
            "waiting": hook.deliveries.filter(state=Delivery.State.WAITING).count(),
            "failed": hook.deliveries.filter(state=Delivery.State.FAILED).count(),
        }
        for hook in Webhook.objects.order_by("name")
    ]
    if options["json"]:
        return [json.dumps(found, indent=2)]
    if not found:
        return ["There is no webhook. Add one: manage.py webhook add NAME https://…"]
    return [
        f"{one['name']}  {'on' if one['on'] else 'off'}  {one['url']}  {', '.join(one['events']) or 'everything'}  "
        f"{one['waiting']} waiting, {one['failed']} given up"
        for one in found
    ]


def _test(options: dict[str, Any]) -> list[str]:
    delivery = telling.test(webhooks.find(options["name"]))
    if delivery.state != Delivery.State.DELIVERED:
        raise CommandError(f"The test was not taken: {delivery.answer}.")
    return [f"The test was taken: {delivery.answer}."]


def _on(options: dict[str, Any]) -> list[str]:
    webhooks.switch(webhooks.find(options["name"]), on=True)
    return ["It is on."]


def _off(options: dict[str, Any]) -> list[str]:
    webhooks.switch(webhooks.find(options["name"]), on=False)
    return ["It is off."]


def _secret(options: dict[str, Any]) -> list[str]:
    return [webhooks.renew_secret(webhooks.find(options["name"]))]


def _remove(options: dict[str, Any]) -> list[str]:
    webhooks.remove(webhooks.find(options["name"]))
    return ["It is removed."]


def _deliveries(options: dict[str, Any]) -> list[str]:
    chosen = webhooks.find(options["name"]).deliveries.order_by("-made_at", "-entry")
    if options["failed"]:
        chosen = chosen.filter(state=Delivery.State.FAILED)
    rows = list(chosen[:SHOWN])
    if options["json"]:
        return [json.dumps([_row(delivery) for delivery in rows], indent=2)]
    return [
        f"msg_{row.id.hex}  {timezone.localtime(row.made_at):%Y-%m-%d %H:%M:%S}  {row.state}, "
        f"{row.tries} {'try' if row.tries == 1 else 'tries'}  {row.answer}"
        for row in rows
    ] or ["Nothing yet."]


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": f"msg_{delivery.id.hex}",
        "made_at": delivery.made_at.isoformat(),
        "state": delivery.state,
        "tries": delivery.tries,
        "answer": delivery.answer,
        "body": _body(delivery),
    }


def _body(delivery: Delivery) -> Any:
    try:
        return json.loads(telling.body_of(delivery))
    except EntryGone:
        return None


def _redeliver(options: dict[str, Any]) -> list[str]:
    hook = webhooks.find(options["name"])
    chosen = hook.deliveries.all()
    if options["id"]:
        wanted = options["id"].removeprefix("msg_")
        rows = [delivery for delivery in chosen.filter(entry__isnull=False) if delivery.id.hex == wanted]
        if not rows:
            raise CommandError("There is no such delivery; `manage.py webhook deliveries NAME` shows them.")
    else:
        rows = list(chosen.filter(state=Delivery.State.FAILED, entry__isnull=False))
    number = telling.again(hook, rows)
    return [f"{number} {'delivery' if number == 1 else 'deliveries'} will be sent again at once."]


_VERBS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "add": _add,
    "list": _list,
    "test": _test,
    "on": _on,
    "off": _off,
    "secret": _secret,
    "remove": _remove,
    "deliveries": _deliveries,
    "redeliver": _redeliver,
}
