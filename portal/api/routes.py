"""The one table of the API: every route with its scope, what it takes and what it answers."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from portal.api import acting, auditing, bulk, hooks, looking, messages, reporting, sending, trying
from portal.api.endpoint import Media, Route
from portal.api.scopes import Scope

BASE = "/api/v1"
_KEY = {"Idempotency-Key": "1 to 255 ASCII characters of your own choice: the same mail under the same key is one mail"}
_RUN_KEY = {"Idempotency-Key": "1 to 255 ASCII characters of your own choice: names the run"}
_BESIDE = {
    "Letterlock-Sender": "with message/rfc822: the sender, in the place of the one in the mail’s header",
    "Letterlock-Recipients": "with message/rfc822: the recipients likewise, with commas between",
}
_ACTS = (404, 409)
_BULK = [Media(kind, "one mail a line" if "json" in kind or "nd" in kind else "mails as .eml") for kind in bulk.READERS]

ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        "POST", "/messages", "sendMessage", "Hand in one mail", Scope.MESSAGES_SEND, sending.take,
        {202: sending.Taken, 200: sending.Taken},
        body=sending.Mail, most=sending.MOST_BYTES, bodies=(Media(sending.MAIL, "a whole mail (RFC 5322)"),),
        headers=_KEY | _BESIDE, errors=(409,),
        text="202 once the mail is durable; 200 when it was before, under the same Idempotency-Key. The rules decide "
        "whether it is protected, unless it asks for protection itself.",
    ),
    Route(
        "GET", "/messages", "listMessages", "List messages", Scope.MESSAGES_READ, messages.list_,
        {200: messages.Page}, query=messages.ListAsked,
        text="The newest first. No addresses, no subjects.",
    ),
    Route(
        "GET", "/messages/{id}", "getMessage", "What became of a mail", Scope.MESSAGES_READ, messages.one,
        {200: messages.Shown}, errors=(404,),
        text="Its state and its recipients with theirs, by masked addresses.",
    ),
    Route(
        "GET", "/messages/{id}/timeline", "getTimeline", "What happened to it", Scope.MESSAGES_READ, messages.timeline,
        {200: messages.Timeline}, errors=(404,),
    ),
    Route(
        "POST", "/messages/{id}/withdraw", "withdrawMessage", "Withdraw", Scope.MESSAGES_ACT, acting.withdraw,
        {200: messages.Shown}, body=acting.Withdraw, errors=_ACTS,
        text="Closed at once, and destroyed when the time to undo is over. Again is no error and keeps the first.",
    ),
    Route(
        "POST", "/messages/{id}/undo", "undoWithdrawal", "Undo a withdrawal", Scope.MESSAGES_ACT, acting.undo,
        {200: messages.Shown}, body=acting.Undo, errors=_ACTS,
    ),
    Route(
        "POST", "/messages/{id}/extend", "extendMessage", "Give another last day", Scope.MESSAGES_ACT, acting.extend,
        {200: messages.Shown}, body=acting.Extend, errors=_ACTS,
        text="Later, earlier, or never. What has closed and is not destroyed opens again.",
    ),
    Route(
        "POST", "/messages/{id}/resend", "resendNotice", "Send the notice again", Scope.MESSAGES_ACT, acting.resend,
        {200: messages.Shown}, body=acting.Resend, errors=_ACTS,
        text="To one recipient, with the link they have; at most every five minutes.",
    ),
    Route(
        "POST", "/messages:bulk", "sendBulk", "Hand in many mails", Scope.MESSAGES_SEND, bulk.take,
        {202: bulk.RunShown, 200: bulk.RunShown}, bodies=_BULK, headers=_RUN_KEY,
        needed_headers=("Idempotency-Key",), errors=(409,),
        text="The same body under the same key is the same run, and goes on where it was cut. A line is a mail with "
        "`from`, `to`, `subject`, `text`, `html`, `attachments` and `protect`, or `rfc822` in base64 with `from` and "
        "`to` beside it; `sender` and `recipients` are other names of `from` and `to`, here and for one mail.",
    ),
    Route(
        "GET", "/messages:bulk", "getBulkByKey", "How far the run of a key is", Scope.MESSAGES_SEND, bulk.ask,
        {200: bulk.RunShown}, headers=_RUN_KEY, needed_headers=("Idempotency-Key",), errors=(404,),
    ),
    Route(
        "GET", "/bulk/{id}", "getBulk", "A run with a page of its items", Scope.MESSAGES_SEND, bulk.page,
        {200: bulk.RunShown}, query=bulk.PageAsked, errors=(404,),
    ),
    Route(
        "POST", "/rules/test", "testRules", "What the rules would decide", Scope.RULES_TEST, trying.test,
        {200: trying.Decided},
        body=sending.Mail, most=sending.MOST_BYTES, bodies=(Media(sending.MAIL, "a whole mail (RFC 5322)"),),
        headers=_BESIDE,
        text="About a mail as POST /messages takes it, at most 32 MiB, and why. Nothing of it is kept.",
    ),
    Route(
        "GET", "/brands", "listBrands", "List brands", Scope.BRANDS_READ, looking.brands, {200: looking.Brands},
    ),
    Route(
        "GET", "/brands/{slug}", "getBrand", "What a brand’s pages show of it", Scope.BRANDS_READ, looking.brand,
        {200: looking.BrandShown}, errors=(404,),
    ),
    Route(
        "GET", "/audit/entries", "listEntries", "Read the record", Scope.AUDIT_READ, auditing.entries,
        {200: Media(auditing.NDJSON, "one entry a line")}, query=auditing.EntriesAsked,
        text="The oldest first. The header Link names the next page while there is one; without it, ask again later "
        "with the id of the last entry as `after`.",
    ),
    Route(
        "GET", "/audit/head", "getHead", "The newest signed head", Scope.AUDIT_READ, auditing.head,
        {200: auditing.HeadShown}, errors=(404,),
    ),
    Route(
        "GET", "/audit/proof", "proveEntry", "Prove that an entry is in the record", Scope.AUDIT_READ, auditing.proof,
        {200: auditing.Proof}, query=auditing.ProofAsked, errors=(404,),
    ),
    Route(
        "GET", "/audit/consistency", "proveHead", "Prove that nothing was changed since a head", Scope.AUDIT_READ,
        auditing.consistency, {200: auditing.Consistency}, query=auditing.ConsistencyAsked, errors=(404,),
    ),
    Route(
        "GET", "/audit/export", "exportRecord", "The record as a file", Scope.AUDIT_READ, auditing.export,
        {200: Media("*/*", "JSON Lines, CSV or CEF")}, query=auditing.ExportAsked, errors=(404,),
        text="As far as it is signed. The record says that it was exported, and by which token.",
    ),
    Route(
        "GET", "/keys", "getKeys", "How the keys are", Scope.KEYS_READ, looking.key_state, {200: looking.KeysShown},
    ),
    Route(
        "GET", "/reports", "getReport", "The figures of a period", Scope.REPORTS_READ, reporting.report,
        {200: reporting.ReportShown}, query=reporting.ReportAsked,
        text="As the reports page shows them; counted within a minute or so.",
    ),
    Route(
        "GET", "/webhooks", "listWebhooks", "List webhooks", Scope.WEBHOOKS_MANAGE, hooks.list_, {200: hooks.Hooks},
    ),
    Route(
        "GET", "/webhooks/{id}/deliveries", "listDeliveries", "What a webhook was told", Scope.WEBHOOKS_MANAGE,
        hooks.deliveries, {200: hooks.Deliveries}, query=hooks.DeliveriesAsked, errors=(404,),
    ),
    Route(
        "POST", "/webhooks/{id}/redeliver", "redeliver", "Tell it again", Scope.WEBHOOKS_MANAGE, hooks.redeliver,
        {200: hooks.Again}, body=hooks.Redeliver, errors=(404,),
        text="One delivery, or all that were given up.",
    ),
)  # fmt: skip


def addresses() -> dict[str, list[Route[Any, Any]]]:
    """The routes by their address."""
    ordered = sorted(ROUTES, key=lambda route: route.path)
    return {path: list(found) for path, found in groupby(ordered, key=lambda route: route.path)}
