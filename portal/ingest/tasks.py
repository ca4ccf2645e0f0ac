"""The wake-up of the pipeline: no argument, safe to run twice, rings again while there is more."""

from celery import shared_task

from portal.celery import ring
from portal.ingest import pipeline

NAME = "portal.ingest.tasks.process"


@shared_task(name=NAME)
def process() -> None:
    if pipeline.process() >= pipeline.BATCH:
        ring(NAME)
