"""Sliders for the columns of a model, and what it expects of such rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from modelcompose.errors import ModelComposeError
from modelcompose.widgets.front_end import STATIC, front_end

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.publish.whatif import Scenarios

__all__ = ["WhatIf"]

logger = logging.getLogger("modelcompose.widgets")


class WhatIf(anywidget.AnyWidget):
    """What does the model expect, if?

    The browser sets ``values``; ``result``, ``busy`` and ``error`` follow. Whatever it sends that cannot be predicted
    ends as a sentence in ``error``, and the last result stays.

    Parameters
    ----------
    analysis, table, model
        The choices, the rows in use, and the Bambi model built from them.
    dt
        DataTree with the ``posterior`` of that model.

    Raises
    ------
    NotFound
        When the front end of the widget has not been built.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    controls: traitlets.List[Any] = traitlets.List().tag(sync=True)
    values = traitlets.Any({}).tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)

    def __init__(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> None:
        from modelcompose.publish.whatif import Scenarios

        module = front_end("whatif", STATIC)
        self._scenarios: Scenarios = Scenarios(analysis, table, model, dt)
        super().__init__(_esm=module, controls=self._scenarios.controls, values=self._scenarios.start)
        self._predict()
        self.observe(lambda _: self._predict(), names="values")

    def _predict(self) -> None:
        self.busy = True
        try:
            self.result = self._scenarios.predict(self.values)
            self.error = ""
        except ModelComposeError as error:
            self.error = str(error)
        except Exception:
            logger.exception("A what-if could not be predicted")
            self.error = "These values cannot be predicted. Choose others."
        finally:
            self.busy = False
