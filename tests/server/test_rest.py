"""The REST door: one error shape, typed requests, and nothing without authentication."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from modelcompose import Workbench
from modelcompose.runs.run import ENDED
from modelcompose.server import ROUTES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

API = ("modelcompose", "api")


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"modelcompose.server": True}}}


@pytest.fixture
def root(jp_root_dir):
    Workbench(jp_root_dir).copy_sample("sleepstudy")
    return Path(jp_root_dir)


@pytest.fixture
def call(jp_fetch, http_server_client, jp_base_url, jp_auth_header, root):
    """Call the API and return status and content, for errors too."""

    async def called(method, path, body=None, **query):
        options = {"method": method}
        if method == "POST":
            options["body"] = body if isinstance(body, str) else json.dumps(body or {})
        try:
            if "%" in path:  # as it stands: jp_fetch would encode it once more
                url = f"{jp_base_url}{'/'.join(API)}/{path}"
                response = await http_server_client.fetch(url, headers=jp_auth_header, **options)
            else:
                params = {name: str(value) for name, value in query.items()}
                response = await jp_fetch(*API, *path.split("/"), params=params, **options)
        except HTTPClientError as error:
            response = error.response
        return response.code, json.loads(response.body)

    return called


async def test_schema_describes_every_choice(call):
    status, found = await call("GET", "schema")
    assert status == 200
    assert all(one["description"] for one in found["analysis"]["properties"].values())


async def test_from_table_to_notebook(call, root):
    status, found = await call("POST", "data/describe", {"analysis": {"data": "data/sleepstudy.csv"}})
    assert (status, found["rows"]) == (200, 180)
    choices = {
        "data": "data/sleepstudy.csv",
        "question": "change-over-time",
        "outcome": "Reaction",
        "predictors": ["Days"],
        "groups": ["Subject"],
    }
    status, found = await call("POST", "models/recommend", {"analysis": choices})
    assert (status, found["recommended"][0]["id"]) == (200, "varying-slopes")
    assert found["estimand"].endswith("?")
    status, found = await call("POST", "notebooks/compose", {"analysis": choices})
    assert (status, found["path"]) == (201, "sleepstudy.ipynb")
    cells = json.loads((root / found["path"]).read_text())["cells"]
    status, found = await call("POST", "notebooks/inspect", {"cells": cells})
    assert (status, len(found["steps"])) == (200, 8)
    status, found = await call("POST", "notebooks/revise", {"cells": cells, "changes": {"draws": 50}, "path": ""})
    assert (status, [one["id"] for one in found["edits"]]) == (200, ["parameters"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "data/describe", {"analysis": {"data": "nope.csv"}}, 404, "nope.csv"),
        ("POST", "data/describe", {"analysis": {"data": "../x.csv"}}, 403, "outside"),
        ("POST", "data/describe", {"analysis": {"data": "%2e%2e/x.csv"}}, 404, "x.csv"),
        ("POST", "data/describe", {"analysis": {"dta": "x.csv"}}, 422, "no choice named"),
        ("POST", "data/describe", {"analysis": 3}, 422, "valid dictionary"),
        ("POST", "data/describe", {}, 422, "analysis"),
        ("POST", "data/describe", {"analysis": {}, "more": 1}, 422, "more"),
        ("POST", "data/describe", "{not json", 422, "not JSON"),
        ("POST", "data/describe", "[1]", 422, "request"),
        ("POST", "notebooks/inspect", {"cells": [{"source": "x"}]}, 422, "cell_type"),
        (
            "POST",
            "notebooks/inspect",
            {"cells": [{"cell_type": "code", "metadata": {"modelcompose": 3}}]},
            422,
            "Marks",
        ),
        ("POST", "data/describe", {"analysis": {"data": "a\x00b"}}, 422, "no text"),
        ("POST", "data/describe", '{"analysis": {"data": "\\ud800"}}', 422, "no text"),
        ("POST", "data/describe", '{"analysis": {"draws": NaN}}', 422, "NaN is no number"),
        ("POST", "data/describe", "[" * 100_000, 422, "not JSON"),
        ("POST", "predict", {"id": "nope@champion", "rows": [{"x": 1}]}, 404, "nope"),
        ("GET", "registry/nope", None, 404, "nope"),
        ("POST", "runs", {"notebook": "nope.ipynb"}, 404, "nope.ipynb"),
        ("POST", "runs", {"notebook": "data/sleepstudy.csv"}, 422, "not a notebook"),
        ("POST", "samples/nope", {}, 404, "nope"),
        ("GET", "runs/nope", None, 404, "nope"),
        ("GET", "samples/sleepstudy", None, 405, ""),
    ],
)
async def test_every_error_has_the_one_shape(call, method, path, body, status, said):
    code, found = await call(method, path, body)
    assert code == status
    assert set(found) == {"error"}
    assert set(found["error"]) == {"type", "message", "where", "remedy"}
    assert said in found["error"]["message"]


async def test_the_time_that_jupyterlab_adds_against_caches_is_ignored(call):
    assert (await call("GET", "samples", **{"1795227000306": ""}))[0] == 200


async def test_bad_query_is_422(call):
    code, found = await call("GET", "runs/nope/events", since="soon")
    assert code == 422
    assert "since" in found["error"]["message"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nothing_is_served_without_authentication(route, jp_fetch, root, http_server_client, jp_base_url):
    path = route.path.replace("([^/]+)", "sleepstudy")
    with pytest.raises(HTTPClientError) as caught:
        await http_server_client.fetch(
            f"{jp_base_url}modelcompose/api/{path}",
            method=route.method,
            body="{}" if route.method == "POST" else None,
            follow_redirects=False,
        )
    assert caught.value.code in (302, 403)


async def test_a_run_in_the_background_is_followed_to_its_end(call, root):
    """A run of a notebook that fails its first step: fast, and truthful."""
    nb = Workbench(root).compose({"data": "data/sleepstudy.csv", "outcome": "Reaction"})["path"]
    (root / "data" / "sleepstudy.csv").unlink()
    code, found = await call("POST", "runs", {"notebook": nb})
    assert (code, found["error"]["type"]) == (404, "NotFound")

    Workbench(root).copy_sample("sleepstudy")
    cells = json.loads((root / nb).read_text())
    next(cell for cell in cells["cells"] if cell["id"] == "data")["source"] = "raise ValueError('planted')"
    (root / nb).write_text(json.dumps(cells))
    code, run = await call("POST", "runs", {"notebook": nb})
    assert (code, run["status"]) == (201, "queued")
    seen, status = [], "queued"
    for _ in range(60):
        code, found = await call("GET", f"runs/{run['id']}/events", since=len(seen), wait=2)
        seen += found["events"]
        status = found["status"]
        if status in ENDED:
            break
        await asyncio.sleep(0)
    assert status == "error"
    assert [event["n"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["type"] == "end"
    code, listed = await call("GET", "runs")
    assert [one["id"] for one in listed["runs"]] == [run["id"]]
    assert "planted" in listed["runs"][0]["message"]


async def test_a_model_of_ones_own_and_its_priors_over_rest(call):
    choices = {"data": "data/sleepstudy.csv", "outcome": "Reaction", "predictors": ["Days"], "groups": ["Subject"]}
    status, found = await call("POST", "models/priors", {"analysis": choices})
    assert (status, "Days" in {one["name"] for one in found["priors"]}) == (200, True)
    answer = {"how": "outcome", "low": 150, "high": 450, "mass": 0.9}
    status, found = await call("POST", "models/elicit", {"analysis": choices, "answer": answer})
    assert (status, set(found["changes"])) == (200, {"priors"})
    bad = {"how": "range", "low": 5, "high": 1}
    status, found = await call("POST", "models/elicit", {"analysis": choices, "name": "Days", "answer": bad})
    assert (status, bool(found["error"]["remedy"])) == (422, True)
    status, found = await call("POST", "models/views", {"analysis": choices})
    assert (status, found["problem"]) == (200, "")
    status, found = await call("POST", "models", {"name": "growth"})
    assert (status, found["path"]) == (201, "models/growth.ipynb")
    status, found = await call("POST", "models/linear/fork", {"name": "mine"})
    assert (status, found["id"]) == (201, "models/mine.py")
    status, found = await call("GET", "models/models%2Fmine.py")
    assert (status, found["own"]) == (200, True)
    status, found = await call("GET", "models")
    assert (status, [one["id"] for one in found["models"] if one["own"]]) == (200, ["models/mine.py"])
    status, found = await call("POST", "models/models%2Fmine.py/remove")
    assert (status, found["removed"]) == (200, "models/mine.py")
    status, found = await call("GET", "models/nope")
    assert status == 404
