"""A closer look at a table, in a notebook: the panel's page of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anywidget
import traitlets

from modelcompose.widgets.front_end import front_end

if TYPE_CHECKING:
    from modelcompose.data import Dataset

__all__ = ["ProfileView"]


class ProfileView(anywidget.AnyWidget):
    """Every column of a table, what is missing where, and what goes together.

    Parameters
    ----------
    dataset
        The table, as ``mc.load`` returns it.

    Raises
    ------
    NotFound
        When the front end of the widget has not been built.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)

    def __init__(self, dataset: Dataset) -> None:
        from modelcompose.data import profile

        super().__init__(_esm=front_end("profile"), content=profile(dataset).content)
