"""The API as a stranger meets it: described truthfully, safe against whatever is sent, and reached from Python."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from time import monotonic, sleep

import httpx
import pytest

import modelcompose as mc
from modelcompose import Workbench
from modelcompose.errors import Forbidden, InvalidInput, ModelComposeError, NotFound
from modelcompose.server import ROUTES
from modelcompose.server.openapi import document

TOKEN = "a-token-for-tests"  # noqa: S105


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server in a process of its own: its workspace, its address, and what it printed."""
    workspace = tmp_path_factory.mktemp("served")
    Workbench(workspace).copy_sample("sleepstudy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {f"JUPYTER_{name}_DIR": str(tmp_path_factory.mktemp("jupyter")) for name in ("CONFIG", "DATA", "RUNTIME")}
    log = workspace.parent / "served.log"
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": workspace,
        "IdentityProvider.token": TOKEN,
        "ServerApp.jpserver_extensions": "modelcompose.server=True",
    }
    command = [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in options.items())]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=workspace, env=os.environ | private, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}/"
    try:
        until = monotonic() + 180
        while not _answers(url):
            assert process.poll() is None, log.read_text()
            assert monotonic() < until, log.read_text()
            sleep(0.2)
        yield workspace, url, log
    finally:
        process.terminate()
        process.wait(30)


def _answers(url):
    try:
        return httpx.get(f"{url}api", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_document_names_every_route():
    found = document("/hub/")
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": "/hub/modelcompose/api"}]
    said = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert len(said) == len(ROUTES)
    assert ("GET", "/runs/{id}/events") in said
    ids = [one["operationId"] for methods in found["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids)
    since = found["paths"]["/runs/{id}/events"]["get"]["parameters"][1]
    assert (since["name"], since["schema"]["minimum"]) == ("since", 0)


def test_the_document_is_valid_openapi():
    from schemathesis import openapi

    schema = openapi.from_dict(document())
    operations = list(schema.get_all_operations())
    assert len(operations) == len(ROUTES)
    assert [one for one in operations if not hasattr(one.ok(), "path")] == []


def test_the_document_is_served_to_those_who_may_see_it(server):
    _, url, _ = server
    address = f"{url}modelcompose/api/openapi.json"
    assert httpx.get(address).status_code in (302, 403)
    served = httpx.get(address, headers={"Authorization": f"token {TOKEN}"})
    assert served.json() == document("/")
    assert served.headers["content-type"].startswith("application/json")


def test_python_elsewhere_has_the_same_verbs():
    reached = {name for name in dir(mc.connect("http://localhost:1/")) if not name.startswith("_")}
    assert reached == {route.verb for route in ROUTES}


@pytest.mark.slow
def test_python_elsewhere_gets_the_same_answers_and_errors(server):
    workspace, url, _ = server
    here, there = Workbench(workspace), mc.connect(url, TOKEN)
    assert there.samples() == here.samples()
    analysis = {"data": "data/sleepstudy.csv", "outcome": "Reaction"}
    assert there.describe(analysis) == here.describe(analysis)
    assert there.list_runs(limit=5) == here.list_runs(limit=5)
    assert there.list_registered() == here.list_registered()
    stored = there.add_data(analysis, "sleep")
    difference = here.diff_data("sleep", "1", "1", ["Days", "Subject"])
    assert there.diff_data("sleep", "1", "1", ["Days", "Subject"]) == json.loads(json.dumps(difference))
    assert stored["data"] == "sleep@1"
    for kind, verb, arguments in (
        (NotFound, "get_run", ["nope"]),
        (NotFound, "get_run", ["a/b ?%2f"]),
        (Forbidden, "describe", [{"data": "../x.csv"}]),
        (InvalidInput, "compare_runs", [[]]),
    ):
        with pytest.raises(kind) as local:
            getattr(here, verb)(*arguments)
        with pytest.raises(kind) as remote:
            getattr(there, verb)(*arguments)
        assert str(remote.value) == str(local.value)
    with pytest.raises(ModelComposeError, match="403"):
        mc.connect(url, "wrong").samples()
    with pytest.raises(ModelComposeError, match="cannot be reached"):
        mc.connect("http://127.0.0.1:9/").samples()
    with pytest.raises(TypeError):
        there.get_run()


def fuzzed(server, *options):
    """Let schemathesis send whatever the description allows, and what it does not; return what it says."""
    workspace, url, log = server
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}modelcompose/api/openapi.json"),
        *("--header", f"Authorization: token {TOKEN}", "--checks", checks, "--seed", "1", "--no-color"),
        *("--continue-on-failure", "--request-timeout", "120", "--suppress-health-check", "all"),
        *options,
    ]
    done = subprocess.run(command, cwd=workspace.parent, capture_output=True, text=True, check=False)
    return done, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}\n{log.read_text()[-3000:]}"


@pytest.mark.slow
def test_whatever_is_sent_about_runs_is_answered_properly(server):
    done, said = fuzzed(server, "--phases", "fuzzing", "-n", "5", "--include-path-regex", "runs|registry|thresholds")
    assert done.returncode == 0, said


@pytest.mark.slow
def test_whatever_is_sent_is_answered_properly(server):
    done, said = fuzzed(server, "--phases", "coverage,fuzzing", "-n", "25")
    assert done.returncode == 0, said
