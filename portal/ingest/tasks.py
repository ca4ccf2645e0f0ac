"""The wake-ups of the pipeline: no argument, safe to run twice, ring again while there is more."""

from celery import shared_task

from portal.celery import PROCESS, PROCESS_BULK, ring
from portal.ingest import pipeline


@shared_task(name=PROCESS)
def process() -> None:
    if pipeline.process() >= pipeline.BATCH:
        ring(PROCESS)


@shared_task(name=PROCESS_BULK)
def process_bulk() -> None:
    if pipeline.process(bulk=True) >= pipeline.BATCH:
        ring(PROCESS_BULK)
