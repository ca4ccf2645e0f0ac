"""compose.yaml as Compose itself reads it: who runs as what, who sees which secret, what is reachable from outside."""

from __future__ import annotations

import os
import subprocess
from dataclasses import fields
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from portal import configuration
from portal.celery import QUEUES
from tests import parts
from tests.servers import ROOT, PostgreSQL

KEYED = ("prepare", "web", "worker-passcode", "worker-mail", "worker-bulk")
OURS = ("prepare", "bucket", "web", "door", "worker-passcode", "worker-mail", "worker-bulk", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parts.need("docker-compose")
    done = subprocess.run(
        ["docker-compose", "--env-file", ".env.example", "-f", "compose.yaml", "config"],
        cwd=ROOT, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def test_without_the_env_file_it_says_what_to_do(tmp_path: Path) -> None:
    parts.need("docker-compose")
    (tmp_path / "empty").touch()
    done = subprocess.run(
        ["docker-compose", "--env-file", tmp_path / "empty", "-f", "compose.yaml", "config", "-q"],
        cwd=ROOT, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode != 0 and "copy .env.example to .env" in done.stderr


def test_our_containers_can_write_nothing_and_become_nobody_else(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["init"], name
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["ulimits"]["core"] == 0
        assert "user" not in service  # the image's own
    assert all("privileged" not in service for service in compose["services"].values())


def test_only_the_web_part_may_start_the_sandbox_of_previews(compose: dict[str, Any]) -> None:
    for name in OURS:
        more = [option for option in compose["services"][name]["security_opt"] if "no-new-privileges" not in option]
        # AppArmor's rules are loosened only where .env says so.
        wanted = ["seccomp:./deploy/seccomp/letterlock-previews.json", "apparmor=docker-default"]
        assert more == (wanted if name == "web" else []), name


def test_only_web_and_mail_are_reachable_from_outside(compose: dict[str, Any]) -> None:
    published = {
        name: sorted({int(port["published"]) for port in service["ports"]})
        for name, service in compose["services"].items() if "ports" in service
    }  # fmt: skip
    assert published == {"proxy": [80, 443], "door": [25]}
    networks = {name: set(service["networks"]) for name, service in compose["services"].items()}
    assert compose["networks"]["services"]["internal"] and compose["networks"]["pages"]["internal"]
    for name in ("postgresql", "redis", "s3"):
        assert networks[name] == {"services"}
    assert not networks["proxy"] & {"services", "mail"}


def test_the_proxy_alone_can_have_the_address_that_is_believed(compose: dict[str, Any]) -> None:
    (given,) = compose["networks"]["pages"]["ipam"]["config"]
    address = ip_address(compose["services"]["proxy"]["networks"]["pages"]["ipv4_address"])
    assert address in ip_network(given["subnet"])
    assert address not in ip_network(given["ip_range"])  # from which the web server, started first, gets its own
    assert ip_network(environment(compose, "web")["LETTERLOCK_PROXIES"]) == ip_network(address)


def test_every_part_knows_where_the_door_is(compose: dict[str, Any]) -> None:
    """manage.py doctor asks it from any container; the door itself listens to all."""
    for name in OURS:
        wanted = "0.0.0.0:2525" if name == "door" else "door:2525"
        assert environment(compose, name)["LETTERLOCK_SMTP"] == wanted, name


def test_passwords_are_in_files_and_the_root_key_is_where_it_must_be(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for setting, value in service.get("environment", {}).items():
            assert "PASSWORD" not in setting or setting.endswith("_FILE"), name
            assert ":" not in str(value).partition("//")[2].partition("@")[0] or "@" not in str(value), (name, setting)
    with_keys = {
        name for name, service in compose["services"].items()
        if any(str(volume).startswith("keys:") for volume in service.get("volumes", []))
    }  # fmt: skip
    assert with_keys == {"prepare", "web", "worker-passcode", "worker-mail", "worker-bulk"}
    read_only = {name for name in with_keys if "keys:/keys:ro" in compose["services"][name]["volumes"]}
    assert read_only == with_keys - {"prepare"}


def test_everything_waits_for_the_preparation_and_starts_again_by_itself(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("web", "door", "worker-passcode", "worker-mail", "worker-bulk", "beat"):
        assert services[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
        assert services[name]["restart"] == "unless-stopped"
    assert set(services["prepare"]["depends_on"]) == {"postgresql", "redis", "bucket"}
    for name in ("web", "door", "postgresql", "redis", "s3"):
        assert services[name]["healthcheck"]["test"]


SECRETS = {
    "relay_url": "smtp://mail.example.org:25",
    "database_url": "postgresql://messages:secret@postgresql/letterlock",
    "keyring_url": "postgresql://keyring:secret@postgresql/letterlock_keys",
    "broker_url": "redis://:secret@redis:6379/0",
}


def test_the_settings_of_every_container_are_settings_that_are_taken(compose: dict[str, Any], tmp_path: Path) -> None:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
    for name in OURS:
        given = dict(compose["services"][name]["environment"])
        files = {key: str(tmp_path / Path(value).name) for key, value in given.items() if key.endswith("_FILE")}
        given |= {key: file for key, file in files.items() if key.startswith("LETTERLOCK_")}
        found = configuration.read(given)
        assert found.https and not found.demo
        assert found.spool_url == "file:///spool/mail"
        assert (name in ("prepare", "web", "worker-passcode", "worker-mail", "worker-bulk")) == (
            found.key_url == "file:/keys/root.key"
        )


GIVEN = {"data", "http", "smtp", "demo", "public_url"}
"""What the image or the file says by itself."""


def test_every_setting_can_be_set(compose: dict[str, Any]) -> None:
    for name in OURS:
        given = {setting.removesuffix("_FILE").removeprefix("LETTERLOCK_") for setting in environment(compose, name)}
        known = {field.name.upper() for field in fields(configuration.Configuration) if field.name not in GIVEN}
        of_the_door = {"SMTPS", "LMTP", "TLS_CERTIFICATE", "TLS_KEY", "TLS_CLIENT_CA", "PROXY_NETWORKS"} | {
            "DOOR_PROCESSES"
        }
        missing = known - given - {"PROXIES"} - (set() if name == "door" else of_the_door)
        assert missing == (set() if name in KEYED else {"KEY_URL"}), name
    assert "./tls:/tls:ro" in str(compose["services"]["door"]["volumes"]).replace(f"{ROOT}/", "./")


def environment(compose: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"][name]["environment"]
    return found


def test_every_queue_has_a_worker(compose: dict[str, Any]) -> None:
    served = [compose["services"][name]["command"] for name in OURS if name.startswith("worker-")]
    assert sorted(queue for command in served for queue in command[2].split(",")) == sorted(QUEUES)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "compose" / "secrets.sh", tmp_path],
        capture_output=True, text=True, env={"PATH": os.environ["PATH"], "RELAY_URL": "smtp://mail.example.org:25"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tmp_path / "secrets"


def test_the_secrets_are_made_once_each_for_its_reader_and_fit_the_file(secrets: Path, compose: dict[str, Any]) -> None:
    named = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert {path.name for path in secrets.iterdir()} == named
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir()} == {0o400}
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert len(set(before.values())) == len(before)
    again = subprocess.run(["sh", ROOT / "deploy" / "compose" / "secrets.sh", secrets.parent], capture_output=True)
    assert again.returncode == 0
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    given = {
        f"LETTERLOCK_{name.upper()}_FILE": str(secrets / name) for name in ("database_url", "keyring_url", "relay_url")
    }
    found = configuration.read(given)
    assert found.database_url.endswith("@postgresql/letterlock")
    assert found.keyring_url.endswith("@postgresql/letterlock_keys")


@pytest.mark.servers
def test_each_of_the_two_roles_reaches_its_own_database_only(postgresql: PostgreSQL, secrets: Path) -> None:
    programs = parts.postgresql_folder()
    with psycopg.connect(postgresql.url.rpartition("/")[0] + "/postgres", autocommit=True) as line:
        line.execute("DROP DATABASE letterlock")  # of the tests' own server, which starts with it
    done = subprocess.run(
        ["sh", ROOT / "deploy" / "postgresql" / "databases.sh"], capture_output=True, text=True,
        env={
            "PATH": f"{programs}:{os.environ['PATH']}", "SECRETS": str(secrets), "POSTGRES_USER": "postgres",
            "PGHOST": "127.0.0.1", "PGPORT": str(postgresql.port),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not any(
        (secrets / f"{role}_password").read_text() in done.stdout + done.stderr for role in ("messages", "keyring")
    )

    def names(role: str, database: str) -> Any:
        with psycopg.connect(host="127.0.0.1", port=postgresql.port, user=role, dbname=database) as line:
            line.execute("CREATE TABLE mine (id int)")
            return line.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert names("messages", "letterlock") == ("messages", False)
    assert names("keyring", "letterlock_keys") == ("keyring", False)
    for role, database in (("messages", "letterlock_keys"), ("keyring", "letterlock")):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            names(role, database)
