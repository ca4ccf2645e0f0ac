"""The chart, rendered and linted by Helm's own engine and checked against Kubernetes' own schemas."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal import configuration
from portal.celery import QUEUES
from tests import parts
from tests.servers import ROOT

CHART = ROOT / "deploy" / "helm" / "letterlock"
VALUES: dict[str, Any] = {
    "publicUrl": "https://secure.example.org",
    "insideDomains": ["example.org"],
    "networks": ["192.0.2.25/32"],
    "proxies": ["10.1.0.0/16"],
    "blobUrl": "s3://letters/blobs?region=eu-central-1",
    "spoolUrl": "s3://letters/spool?region=eu-central-1",
    "rootKeySecret": "letterlock-root-key",
    "secrets": {"database": "db", "keyring": "keyring", "broker": "broker", "relay": "relay", "s3": "s3"},
    "web": {"ingress": {"enabled": True, "tlsSecret": "tls", "moreHosts": ["mail.example.net"]}},
    "networkPolicy": {"doorFrom": [{"ipBlock": {"cidr": "192.0.2.25/32"}}]},
}
PODS = {"web", "door", "worker-mail", "worker-bulk", "worker-passcode", "beat", "prepare"}


def ask(*values: dict[str, Any]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [parts.tool("python"), ROOT / "tests" / "deploy" / "chart.py", CHART],
        input=json.dumps(values), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def manifests(values: dict[str, Any]) -> list[dict[str, Any]]:
    (answer,) = ask(values)
    assert "refused" not in answer, answer
    assert [m for m in answer["lint"]["messages"] if m["severity"] > 1] == []
    files = {name: text for name, text in answer["rendered"].items() if name.endswith(".yaml")}
    return [item for text in files.values() for item in yaml.safe_load_all(text) if item]


@pytest.fixture(scope="module")
def rendered() -> list[dict[str, Any]]:
    return manifests(VALUES)


def of(rendered: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"].removeprefix("letterlock-"): item for item in rendered if item["kind"] == kind}


def pods(rendered: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {**of(rendered, "Deployment"), **of(rendered, "Job")}
    return {name: item["spec"]["template"]["spec"] for name, item in found.items()}


def test_kubernetes_takes_every_manifest(rendered: list[dict[str, Any]], tmp_path: Path) -> None:
    every = tmp_path / "all.yaml"
    every.write_text(yaml.safe_dump_all(rendered))
    done = subprocess.run(
        [parts.tool("kubernetes-validate"), "--strict", "--no-warn", every], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    every.write_text(yaml.safe_dump_all([{**rendered[0], "unheard": "of"}]))
    done = subprocess.run([parts.tool("kubernetes-validate"), "--strict", every], capture_output=True, text=True)
    assert done.returncode != 0  # the check can say no


def test_no_pod_may_more_than_it_needs(rendered: list[dict[str, Any]]) -> None:
    found = pods(rendered)
    assert set(found) == PODS
    for name, pod in found.items():
        assert pod["automountServiceAccountToken"] is False, name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"] and confined["runAsNonRoot"]
            assert confined["allowPrivilegeEscalation"] is False and confined["capabilities"] == {"drop": ["ALL"]}
            assert confined["seccompProfile"] == {"type": "RuntimeDefault"}
            assert confined["runAsUser"] == 10001
            assert container["resources"]["limits"]["memory"]
    assert all(account["automountServiceAccountToken"] is False for account in of(rendered, "ServiceAccount").values())
    assert not of(rendered, "Role") and not of(rendered, "Secret")


def test_only_pods_that_open_mail_have_the_root_key(rendered: list[dict[str, Any]]) -> None:
    keyed = {name for name, pod in pods(rendered).items() if "root-key" in json.dumps(pod)}
    assert keyed == PODS - {"door", "beat"}
    service = manifests({**VALUES, "rootKeySecret": "", "keyUrl": "vault:https://vault.example.org/transit/letterlock"})
    assert not any("root-key" in json.dumps(pod) for pod in pods(service).values())
    assert "vault:https" not in json.dumps(pods(service)["door"])


SECRETS = {
    "relay": "smtp://mail.example.org:25",
    "database": "postgresql://messages:secret@db/letterlock",
    "keyring": "postgresql://keyring:secret@db/letterlock_keys",
    "broker": "rediss://:secret@redis:6379/0",
}


def test_the_settings_of_every_pod_are_settings_that_are_taken(rendered: list[dict[str, Any]], tmp_path: Path) -> None:
    for secret, value in SECRETS.items():
        (tmp_path / secret).write_text(value)
    for pod in pods(rendered).values():
        given = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
        mounts = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        for name, value in given.items():
            if name.endswith("_FILE"):
                assert str(Path(value).parent) in mounts
                given[name] = str(tmp_path / Path(value).parent.name)
        found = configuration.read(given)
        assert found.spool_url.startswith("s3:") and found.https


def test_probes_replicas_and_budgets(rendered: list[dict[str, Any]]) -> None:
    web, door = (pods(rendered)[name]["containers"][0] for name in ("web", "door"))
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["livenessProbe"]["httpGet"]["path"] == "/livez"
    headers = {header["name"]: header["value"] for header in web["readinessProbe"]["httpGet"]["httpHeaders"]}
    assert headers == {"Host": "secure.example.org", "X-Forwarded-Proto": "https"}
    assert door["readinessProbe"]["exec"]["command"] == ["python", "-m", "portal.operations.probe", "door"]
    assert set(of(rendered, "HorizontalPodAutoscaler")) == {"web", "worker-mail"}
    assert set(of(rendered, "PodDisruptionBudget")) == {"web", "door", "worker-mail", "worker-passcode"}
    for name, deployment in of(rendered, "Deployment").items():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name
        assert ("replicas" in deployment["spec"]) == (name not in of(rendered, "HorizontalPodAutoscaler"))


def test_what_prepares_comes_before_all_else(rendered: list[dict[str, Any]]) -> None:
    job = of(rendered, "Job")["prepare"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    account = of(rendered, "ServiceAccount")["prepare"]["metadata"]["annotations"]
    assert int(account["helm.sh/hook-weight"]) < int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
    assert "annotations" not in of(rendered, "ServiceAccount")["letterlock"]["metadata"]


DOOR = {
    "tlsSecret": "mail-tls", "smtpsPort": 465, "lmtpPort": 24, "processes": 4, "clientCertificates": True,
    "proxyNetworks": ["10.2.0.0/16"],
}  # fmt: skip


def test_all_of_the_door_can_be_used(tmp_path: Path) -> None:
    rendered = manifests({**VALUES, "door": DOOR, "metrics": {"enabled": True}})
    found = pods(rendered)
    (container,) = found["door"]["containers"]
    given = {item["name"]: item["value"] for item in container["env"] if not item["name"].endswith("_FILE")}
    (tmp_path / "url").write_text("smtp://mail.example.org:25")
    settings = configuration.read({**given, "LETTERLOCK_RELAY_URL_FILE": str(tmp_path / "url")})
    listening = (settings.smtps, settings.lmtp, settings.metrics)
    assert [address and address.port for address in listening] == [2465, 2424, 9464]
    assert (settings.door_processes, [str(net) for net in settings.proxy_networks]) == (4, ["10.2.0.0/16"])
    assert settings.tls_client_ca is not None
    assert {"name": "tls", "mountPath": "/secrets/tls", "readOnly": True} in container["volumeMounts"]
    assert not any("mail-tls" in json.dumps(pod) for name, pod in found.items() if name != "door")
    service = {port["name"]: port["port"] for port in of(rendered, "Service")["door"]["spec"]["ports"]}
    assert service == {"smtp": 25, "smtps": 465, "lmtp": 24}
    named = {port["name"] for port in container["ports"]}
    assert named == {"smtp", "smtps", "lmtp", "metrics"}
    policies = of(rendered, "NetworkPolicy")
    assert {port["port"] for port in policies["door"]["spec"]["ingress"][0]["ports"]} == {2525, 2465, 2424}
    assert [port["port"] for port in policies["metrics"]["spec"]["ingress"][0]["ports"]] == [9464]
    measured = {name for name, pod in found.items() if "LETTERLOCK_METRICS" in json.dumps(pod)}
    assert measured == PODS - {"prepare"}


RUNTIME = {"type": "RuntimeDefault"}
LOCALHOST = {"type": "Localhost", "localhostProfile": "letterlock-previews.json"}


def test_only_pods_that_render_files_have_the_profile_for_it_and_only_when_asked() -> None:
    def profiles(**previews: object) -> dict[str, Any]:
        found = pods(manifests({**VALUES, "previews": {"seccompProfile": LOCALHOST["localhostProfile"], **previews}}))
        for pod in found.values():
            for container in pod.get("initContainers", []):
                assert container["securityContext"]["seccompProfile"] == RUNTIME
        return {name: pod["containers"][0]["securityContext"] for name, pod in found.items()}

    alone = profiles()
    assert {name for name, has in alone.items() if has["seccompProfile"] == LOCALHOST} == {"web"}
    assert all(has["seccompProfile"] == RUNTIME for name, has in alone.items() if name != "web")
    assert all(has["allowPrivilegeEscalation"] is False and "appArmorProfile" not in has for has in alone.values())
    more = profiles(workers=True, appArmorUnconfined=True)
    loosened = {"web", "worker-mail", "worker-bulk", "worker-passcode"}
    assert {name for name, has in more.items() if has["seccompProfile"] == LOCALHOST} == loosened
    assert {name for name, has in more.items() if has.get("appArmorProfile") == {"type": "Unconfined"}} == loosened


def test_every_queue_has_a_worker(rendered: list[dict[str, Any]]) -> None:
    served = [pod["containers"][0]["args"] for name, pod in pods(rendered).items() if name.startswith("worker-")]
    assert sorted(queue for args in served for queue in args[2].split(",")) == sorted(QUEUES)


def test_networks_let_in_pages_and_mail_only(rendered: list[dict[str, Any]]) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in rendered if item["kind"] == "NetworkPolicy"}
    assert policies["letterlock"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policies["letterlock"]
    assert [rule["ports"][0]["port"] for rule in policies["letterlock-web"]["ingress"]] == [8000]
    (door,) = policies["letterlock-door"]["ingress"]
    mail_server, *ours = door["from"]
    assert mail_server == {"ipBlock": {"cidr": "192.0.2.25/32"}}
    # The health page asks the door, and doctor, which is typed in a worker.
    parts_let_in = [one["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for one in ours]
    assert parts_let_in == ["web", "worker-mail"]
    for name, pod in pods(rendered).items():
        given = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
        assert given.get("LETTERLOCK_SMTP") == (None if name == "door" else "letterlock-door:25"), name


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"publicUrl": "http://secure.example.org"}, "publicUrl"),
    ({"insideDomains": []}, "insideDomains"),
    ({"blobUrl": "file:///blobs"}, "blobUrl"),
    ({"spoolUrl": "s3://user:secret@letters/spool"}, "spoolUrl"),
    ({"secrets": {"database": "db"}}, "secrets"),
    ({"keyUrl": "vault:https://vault.example.org/transit/letterlock"}, "oneOf"),
    ({"rootKeySecret": ""}, "oneOf"),
    ({"unheard": "of"}, "unheard"),
    ({"settings": {"PATH": "/x"}}, "PATH"),
    # It would give the door the root key's address, or stand in clear in every pod.
    ({"settings": {"LETTERLOCK_KEY_URL": "vault:https://vault.example.org/transit/letterlock"}}, "LETTERLOCK_KEY_URL"),
    ({"settings": {"LETTERLOCK_DATABASE_URL": "postgresql://messages:secret@db/x"}}, "LETTERLOCK_DATABASE_URL"),
    ({"door": {"smtpsPort": 465}}, "door"),
    ({"door": {"clientCertificates": True, "tlsSecret": ""}}, "door"),
    ({"previews": {"seccompProfile": "/var/lib/kubelet/seccomp/x.json"}}, "seccompProfile"),
    ({"previews": {"appArmorUnconfined": True}}, "appArmorUnconfined"),
]


def test_values_that_cannot_work_are_refused() -> None:
    for (_, named), answer in zip(REFUSED, ask(*({**VALUES, **changed} for changed, _ in REFUSED)), strict=True):
        assert named in answer["refused"]


def test_yamllint_finds_nothing() -> None:
    rules = "{extends: default, rules: {line-length: disable, document-start: disable, braces: {max-spaces-inside: 0}}}"
    files = [CHART / "Chart.yaml", CHART / "values.yaml", ROOT / "compose.yaml"]
    done = subprocess.run([parts.tool("yamllint"), "-s", "-d", rules, *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
