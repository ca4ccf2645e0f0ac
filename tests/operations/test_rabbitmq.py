"""RabbitMQ as the broker: mail is told, also after it was killed, and its queues are bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.celery import MOST_WAITING
from tests.mails import JONAS, KARIN, Mailbox, mail, send
from tests.peers.rabbitmq import RabbitMQ
from tests.servers import ROOT, Portal, wait_for

pytestmark = pytest.mark.servers
RING = """
import django
django.setup()
from portal.celery import PROCESS, app, ring
for _ in range(300):
    ring(PROCESS)
with app.connection_for_read() as connection:
    print(connection.default_channel.queue_declare("seal", passive=True).message_count)
"""


def test_mail_is_told_and_queues_are_bounded(tmp_path: Path) -> None:
    with RabbitMQ(tmp_path) as broker:
        portal = Portal(tmp_path / "data", LETTERLOCK_DEMO="off", LETTERLOCK_BROKER_URL=broker.url)
        portal.environment["LETTERLOCK_SWEEP_SECONDS"] = "1"
        environment = {**os.environ, "LETTERLOCK_BROKER_URL": broker.url, "LETTERLOCK_DATA": str(tmp_path)}
        command = [sys.executable, "-c", RING]
        rung = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
        assert rung.stdout.decode().strip() == str(MOST_WAITING), rung.stderr.decode()
        with portal:
            send(portal.smtp, mail())
            Mailbox(portal.outbox, JONAS).wait("notice")
            broker.kill()
            send(portal.smtp, mail(), KARIN)
            broker.start()
            Mailbox(portal.outbox, KARIN).wait("notice", seconds=60)
            wait_for(lambda: portal.health()[0] == 200, 60, "It did not become well again")
        assert "guest" not in portal.seen()
