"""The wake-ups of this room: no argument, safe to run twice, ring again while there is more."""

from celery import shared_task

from portal.celery import SEND_BULK, SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery.models import Outbound
from portal.delivery.sending import BATCH, send_due

K = Outbound.Kind
MAIL = (K.NOTICE, K.REPLY, K.RELAY, K.REFUSAL)


@shared_task(name=SEND_PASSCODES)
def send_passcodes() -> None:
    if send_due([K.PASSCODE]) >= BATCH:
        ring(SEND_PASSCODES)


@shared_task(name=SEND_MAIL)
def send_mail() -> None:
    if send_due(MAIL) >= BATCH:
        ring(SEND_MAIL)


@shared_task(name=SEND_BULK)
def send_bulk() -> None:
    if send_due(MAIL, bulk=True) >= BATCH:
        ring(SEND_BULK)
