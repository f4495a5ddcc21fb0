"""The Jupyter server extension: the workbench over REST, for the server's root folder.

Floor 5. May import the service, the errors and jupyter-server.
"""

from __future__ import annotations

import threading
from typing import Any

from modelcompose.server.routes import ROUTES, Route

__all__ = ["ROUTES", "Route"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "modelcompose.server"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    from modelcompose.server.handlers import handlers
    from modelcompose.service import Workbench

    threading.Thread(target=_warm, name="warm process", daemon=True).start()
    workbench = Workbench(server_app.root_dir)
    workbench._see_to_the_queue()
    server_app.web_app.add_handlers(".*$", handlers(server_app.web_app.settings["base_url"], workbench))


def _warm() -> None:
    """Begin the process from which kernels are forked, so that the first notebook need not wait for imports."""
    from modelcompose.runs import warm

    warm.ensure()
