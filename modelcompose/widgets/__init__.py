"""Widgets for notebooks and apps: the panel's components on the numbers of a kernel.

Floor 5, a door: it takes what the browser sends, calls one thing below, and hands back JSON values. Importing this
package costs nothing; anywidget comes with the first widget.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcompose.widgets.dated import tell_if_outdated as tell_if_outdated
    from modelcompose.widgets.priors import PriorEditor as PriorEditor
    from modelcompose.widgets.profile import ProfileView as ProfileView
    from modelcompose.widgets.whatif import WhatIf as WhatIf

_HOMES = {
    "PriorEditor": "priors",
    "ProfileView": "profile",
    "WhatIf": "whatif",
    "tell_if_outdated": "dated",
}

__all__ = ["PriorEditor", "ProfileView", "WhatIf", "tell_if_outdated"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
