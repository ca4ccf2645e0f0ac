"""The key services as processes: a transit server and moto's KMS."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3

from tests.servers import ROOT, Server, free_port, listens, wait_for

TOKEN = "hvs.peer-token-that-must-never-be-shown"
REGION = "eu-central-1"


class TransitServer(Server):
    """tests/peers/transit.py."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.token_file = folder / "token"
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(TOKEN + "\n")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.peers.transit", str(self.port), TOKEN], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        wait_for(lambda: listens(self.port), 20, "The transit server did not start")

    def key(self, name: str, **wanted: bool) -> None:
        """Make a key, derived unless told otherwise."""
        self._post(f"v1/transit/keys/{name}", {"derived": True, **wanted})

    def rotate(self, name: str) -> None:
        self._post(f"v1/transit/keys/{name}/rotate", {})

    def behave(self, **how: Any) -> None:
        """seconds, garbage, sealed, deny, tokens, wrong."""
        self._post("peer", how)

    def url(self, name: str) -> str:
        """What LETTERLOCK_KEY_URL says for a key."""
        return f"vault:{self.address}/transit/{name}?token-file={self.token_file}"

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"{self.address}/{path}", json.dumps(body).encode(), {"X-Vault-Token": TOKEN}, method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()


class KmsServer(Server):
    """moto's server, which speaks KMS; what is in it goes with the process."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: listens(self.port), 60, "moto did not start")

    def client(self, service: str = "kms") -> Any:
        return boto3.session.Session(aws_access_key_id="peer", aws_secret_access_key="peer").client(
            service, region_name=REGION, endpoint_url=self.address
        )

    def key(self, alias: str) -> str:
        """A new key with an alias; its ARN."""
        client = self.client()
        arn = str(client.create_key()["KeyMetadata"]["Arn"])
        client.create_alias(AliasName=f"alias/{alias}", TargetKeyId=arn)
        return arn

    def enforce(self, yes: bool) -> None:
        """Whether access keys and policies count from now on; else everybody may do everything."""
        count = b"0" if yes else b"inf"
        request = urllib.request.Request(
            f"{self.address}/moto-api/reset-auth", count, {"Content-Type": "text/plain"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()

    def user(self, name: str, *actions: str) -> tuple[str, str]:
        """Access key id and secret of a new user who may do these actions, like "kms:Decrypt"."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def url(self, key: str) -> str:
        """What LETTERLOCK_KEY_URL says for an ARN or "alias/NAME"."""
        return f"awskms:{key}?region={REGION}&endpoint={self.address}"
