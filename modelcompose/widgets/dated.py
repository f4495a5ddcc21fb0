"""Whether an app still is what its data, choices, code and libraries would make today, asked each time it is opened."""

from __future__ import annotations

import logging
from html import escape
from pathlib import Path

__all__ = ["tell_if_outdated"]

logger = logging.getLogger("modelcompose.widgets")


def tell_if_outdated(app: str | Path = "app.ipynb") -> None:
    """Show what has changed since an app was published, and nothing where nothing has.

    An app that was copied away from its workspace cannot know, and shows nothing.

    Parameters
    ----------
    app
        The app's notebook; by default the one in the folder that the kernel runs in.
    """
    from IPython.display import HTML, display

    stale = _stale(Path(app).resolve())
    if stale:
        said = escape("; ".join(stale))
        display(
            HTML(
                '<div class="mc-page mc-dated"><p class="mc-banner mc-warn" role="note"><strong>Out of date.</strong> '
                f"Since this app was published, {said}. The numbers are those of that time.</p></div>"
            )
        )


def _stale(app: Path) -> list[str]:
    from modelcompose.service import Workbench

    workspace = next((one for one in app.parents if (one / ".modelcompose" / "published").is_dir()), None)
    if workspace is None:
        return []
    try:
        found = Workbench(workspace).list_published(app.relative_to(workspace).as_posix())["published"]
    except Exception:
        logger.exception("It could not be found out whether the app is out of date")
        return []
    return [said for one in found for said in one["stale"]]
