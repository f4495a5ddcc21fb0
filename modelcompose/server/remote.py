"""The workbench of another machine: the same verbs, over REST, with the same answers and the same errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from modelcompose import errors
from modelcompose.errors import ModelComposeError
from modelcompose.server.routes import ROUTES, Route
from modelcompose.service import Workbench

__all__ = ["Remote", "connect"]

VERBS = {route.verb: route for route in reversed(ROUTES)}
SECONDS = 600.0


def connect(url: str, token: str = "") -> Remote:
    """Reach the workbench of a running JupyterLab.

    Parameters
    ----------
    url
        The server's address, as JupyterLab prints it; behind JupyterHub that of the user's own server.
    token
        Its token.

    Returns
    -------
    Remote
        It has the verbs of ``Workbench`` that wait for nothing; a run is started, and its events are followed.

    Examples
    --------
    >>> bench = connect("http://localhost:8888/", token="…")  # doctest: +SKIP
    >>> bench.list_runs(limit=3)  # doctest: +SKIP
    """
    return Remote(url, token)


class Remote:
    """The verbs of a workbench elsewhere; see ``connect``."""

    def __init__(self, url: str, token: str = "") -> None:
        self._api = f"{url.partition('?')[0].rstrip('/')}/modelcompose/api/"
        self._headers = {"Authorization": f"token {token}"} if token else {}

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *VERBS]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in VERBS:
            raise AttributeError(f"there is no verb {name!r} over REST")
        verb = getattr(Workbench, name)

        @wraps(verb)
        def called(*arguments: Any, **options: Any) -> Any:
            given = inspect.signature(verb).bind(self, *arguments, **options).arguments
            return self._called(VERBS[name], dict(list(given.items())[1:]))

        return called

    def _called(self, route: Route, given: dict[str, Any]) -> Any:
        """Send a request, and return its answer or raise the error that it tells."""
        import httpx

        path = route.path
        for name in list(inspect.signature(getattr(Workbench, route.verb)).parameters)[1 : 1 + path.count("(")]:
            path = path.replace("([^/]+)", quote(str(given.pop(name)), safe=""), 1)
        fields = {name: value for name, value in given.items() if value is not None}
        asked: dict[str, Any] = {"params": _query(fields)} if route.method == "GET" else {"json": fields}
        try:
            response = httpx.request(route.method, self._api + path, headers=self._headers, timeout=SECONDS, **asked)
        except httpx.HTTPError as error:
            raise ModelComposeError(
                f"the server cannot be reached: {error}", where=self._api, remedy="Check the address."
            ) from error
        return _answer(response)


def _query(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: ",".join(map(str, one)) if isinstance(one, list | tuple) else one for name, one in fields.items()}


def _answer(response: Any) -> Any:
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success and content is not None:
        return content
    told = content.get("error") if isinstance(content, dict) else None
    if not isinstance(told, dict):
        raise ModelComposeError(
            f"the server answered {response.status_code}, and nothing that ModelCompose says",
            where=str(response.url),
            remedy="Check the address and the token; the server needs ModelCompose too.",
        )
    kind = getattr(errors, str(told.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, ModelComposeError)):
        raise ModelComposeError(
            f"the server answered {response.status_code}: {told.get('message')}",
            where=str(response.url),
            remedy=told.get("remedy") or "Check the address and the token.",
        )
    kind = ModelComposeError if kind is errors.GateFailed else kind
    raise kind(str(told.get("message")), where=told.get("where"), remedy=told.get("remedy"))
