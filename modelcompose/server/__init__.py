"""The Jupyter server extension: the workbench over REST, for the server's root folder.

Floor 5. May import the service, the errors and jupyter-server.
"""

from __future__ import annotations

from typing import Any

from modelcompose.server.routes import ROUTES, Route

__all__ = ["ROUTES", "Route"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "modelcompose.server"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    from modelcompose.server.handlers import handlers
    from modelcompose.service import Workbench

    workbench = Workbench(server_app.root_dir)
    server_app.web_app.add_handlers(".*$", handlers(server_app.web_app.settings["base_url"], workbench))
