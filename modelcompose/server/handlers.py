"""The REST door: parse, call one verb, serialise; one place maps errors to status codes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from math import isfinite
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from pydantic import ValidationError
from tornado import web

from modelcompose.errors import InvalidInput, ModelComposeError
from modelcompose.runs import ENDED
from modelcompose.server.apart import apart
from modelcompose.server.routes import ROUTES, Route
from modelcompose.service import Workbench

__all__ = ["VerbHandler", "handlers"]

POLL = 0.15


class VerbHandler(APIHandler):
    """Serves the routes of one path."""

    auth_resource = "modelcompose"

    def initialize(self, workbench: Workbench, routes: Mapping[str, Route]) -> None:
        self.workbench = workbench
        self.routes = routes

    @web.authenticated
    @authorized
    async def get(self, *places: str) -> None:
        await self._serve("GET", places)

    @web.authenticated
    @authorized
    async def post(self, *places: str) -> None:
        await self._serve("POST", places)

    async def _serve(self, method: str, places: tuple[str, ...]) -> None:
        route = self.routes.get(method)
        if route is None:
            raise web.HTTPError(405)
        try:
            named = list(places)
            request = self._request(route)
            _require_text([named, request], where=route.path)
            result = await self._called(route, named, request)
        except ModelComposeError as error:
            self._answer(error.http_status, {"error": error.as_json()})
        else:
            self._answer(route.status, result)

    async def _called(self, route: Route, places: list[str], request: dict[str, Any]) -> Any:
        """Call the verb outside the event loop; one that waits for events is asked again until there are some."""
        until = time.monotonic() + request.pop("wait", 0.0)
        verb = getattr(self.workbench, route.verb)
        if route.apart:
            return await apart(verb, places, request)
        while True:
            result = await asyncio.to_thread(verb, *places, **request)
            waiting = route.verb == "events" and not result["events"] and result["status"] not in ENDED
            if not waiting or time.monotonic() >= until:
                return result
            await asyncio.sleep(POLL)

    def _request(self, route: Route) -> dict[str, Any]:
        given = self._query() if route.method == "GET" else self._body()
        try:
            return route.request.model_validate(given).model_dump()
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "request"
            raise InvalidInput(f"{first['msg']} in {place!r}", where=route.path, remedy="See the schema.") from None

    def _query(self) -> dict[str, str]:
        """Read the query; JupyterLab adds the time as a name of digits, so that nothing caches the answer."""
        names = [name for name in self.request.query_arguments if not name.isdigit()]
        return {name: self.get_query_argument(name) for name in names}

    def _body(self) -> Any:
        if not self.request.body:
            return {}
        try:
            return json.loads(self.request.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"the request is not JSON: {error}", where="request body") from None

    def _answer(self, status: int, content: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        try:
            text = json.dumps(content, allow_nan=False)
        except ValueError:
            text = json.dumps(_finite(content), allow_nan=False)
        self.finish(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Report what nobody foresaw in the same shape; what happened stands in the server's log."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message = getattr(error, "log_message", None) or getattr(error, "reason", None)
        content = {
            "type": "Refused" if status_code < 500 else "InternalError",
            "message": message or ("this is not allowed" if status_code < 500 else "something went wrong here"),
            "where": None,
            "remedy": None if status_code < 500 else "The server's log says what; please report it.",
        }
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"error": content}))


class DocumentHandler(VerbHandler):
    """Serves the description of the API itself."""

    def initialize(self, base_url: str) -> None:  # type: ignore[override]
        self.base = base_url

    @web.authenticated
    @authorized
    async def get(self, *_places: str) -> None:
        from modelcompose.server.openapi import document

        self._answer(200, document(self.base))

    @web.authenticated
    @authorized
    async def post(self, *_places: str) -> None:
        raise web.HTTPError(405)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _finite(value: Any) -> Any:
    """Put null for every number that JSON has no word for."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _require_text(value: Any, where: str) -> None:
    """Refuse characters that no file name, table or answer can hold: NUL, and halves of a character."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise InvalidInput(f"{ascii(value)[:60]} holds a character that is no text", where=where)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _require_text(name, where)
            _require_text(one, where)
    elif isinstance(value, list | tuple):
        for one in value:
            _require_text(one, where)


def handlers(base_url: str, workbench: Workbench) -> list[tuple[str, type[VerbHandler], dict[str, Any]]]:
    """Return tornado's rules for all routes, those of one path together."""
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = route
    api = url_path_join(base_url, "modelcompose", "api")
    return [
        (url_path_join(api, r"openapi\.json") + "$", DocumentHandler, {"base_url": base_url}),
        *(
            (url_path_join(api, path) + "/?$", VerbHandler, {"workbench": workbench, "routes": routes})
            for path, routes in paths.items()
        ),
    ]
