"""The wake-ups of this room: no argument, safe to run twice, ring again while there is more."""

from celery import shared_task
from django.utils import timezone

from portal.celery import RENEW_POLICIES, SEND_BULK, SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery import late, policies
from portal.delivery.models import Outbound
from portal.delivery.sending import BATCH, send_due

K = Outbound.Kind
MAIL = (
    K.NOTICE,
    K.REPLY,
    K.RELAY,
    K.TELLING,
    K.REPORT,
    K.REFUSAL,
    K.TIP,
    K.PASSKEY,
    K.KEPT,
    K.NOTE,
    K.INVITATION,
    K.ALARM,
    K.MONTHLY,
    K.BRAND_TEST,
    K.REQUEST,
    K.OPENED,
    K.DIGEST,
    K.DELEGATED,
    K.CORRECTED,
    K.LARGE,
    K.MORE_TIME,
    K.REOPENED,
    K.REMINDER,
    K.WITHDRAWN,
)
SECONDS = 2400
"""No round takes anything up after 14 minutes; a server may then use up its patience with opening and with one mail."""


@shared_task(name=SEND_PASSCODES, time_limit=SECONDS)
def send_passcodes() -> None:
    if send_due([K.PASSCODE]) >= BATCH:
        ring(SEND_PASSCODES)


@shared_task(name=SEND_MAIL, time_limit=SECONDS)
def send_mail() -> None:
    late.look_now_and_then()
    if send_due(MAIL) >= BATCH:
        ring(SEND_MAIL)


@shared_task(name=SEND_BULK, time_limit=SECONDS)
def send_bulk() -> None:
    if send_due(MAIL, bulk=True) >= BATCH:
        ring(SEND_BULK)


@shared_task(name=RENEW_POLICIES)
def renew_policies() -> None:
    policies.renew_due(timezone.now())
