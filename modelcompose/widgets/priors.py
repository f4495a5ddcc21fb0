"""The prior editor of the panel, in a notebook: every prior in words, and what they expect of the data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from modelcompose.errors import InvalidInput, ModelComposeError
from modelcompose.widgets.front_end import front_end

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = ["PriorEditor"]

logger = logging.getLogger("modelcompose.widgets")


class PriorEditor(anywidget.AnyWidget):
    """Change priors with their pictures beside them; ``priors`` is the dictionary for the parameters cell.

    The browser asks by message, ``{"id", "verb", "priors", ...}``, and gets ``{"id", "result"}`` or
    ``{"id", "error"}`` with what is wrong, where, and what to do about it. Whatever it sends, ``priors`` holds only
    what an analysis may hold.

    Parameters
    ----------
    analysis
        The choices; what is left empty is chosen from the table.
    dataset
        The table, as ``mc.load`` returns it.

    Raises
    ------
    NotFound
        When the front end of the widget has not been built.
    InvalidAnalysis, InvalidData
        When a choice does not suit the table, or no row is complete.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    analysis = traitlets.Dict().tag(sync=True)
    priors = traitlets.Dict().tag(sync=True)

    def __init__(self, analysis: Analysis, dataset: Dataset) -> None:
        from modelcompose import catalog

        module = front_end("priors")
        self._analysis = catalog.complete(analysis, dataset)
        self._table, _ = dataset.rows(self._analysis)
        shown = self._analysis.model_dump(mode="json", exclude={"priors"})
        super().__init__(_esm=module, analysis=shown, priors=dict(analysis.priors))
        self.on_msg(self._receive)

    @traitlets.validate("priors")
    def _are_priors(self, proposal: Any) -> dict[str, Any]:
        """Keep to what the parameters cell may hold; a slip of the browser must not reach it."""
        try:
            return dict(self._with(proposal["value"]).priors)
        except ModelComposeError as error:
            raise traitlets.TraitError(str(error)) from None

    def _with(self, priors: Any) -> Analysis:
        return self._analysis.changed({"priors": priors})

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, Mapping):
            self.send({"id": content.get("id"), **self._answer(content)})

    def _answer(self, content: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._asked(content)}
        except ModelComposeError as error:
            return {"error": error.as_json()}
        except Exception:
            logger.exception("A question about priors could not be answered")
            return {"error": _unexpected().as_json()}

    def _asked(self, content: Mapping[str, Any]) -> Any:
        from modelcompose.catalog.consequences import elicited, prior_rows
        from modelcompose.catalog.priors import DISTRIBUTIONS
        from modelcompose.workflow.predictive import predictive

        choices = self._with(content.get("priors", {}))
        match content.get("verb"):
            case "priors":
                return {
                    "priors": prior_rows(choices, self._table),
                    "distributions": {name: sorted(names) for name, names in DISTRIBUTIONS.items()},
                }
            case "prior_predictive":
                return predictive(choices, self._table)
            case "elicit":
                return elicited(choices, self._table, str(content.get("name", "")), content.get("answer", {}))
        raise InvalidInput(
            f"the prior editor has no verb {content.get('verb')!r}",
            where="widget",
            remedy="Verbs are: priors, prior_predictive, elicit.",
        )


def _unexpected() -> InvalidInput:
    return InvalidInput(
        "these priors cannot be worked out",
        where="priors",
        remedy="Choose other numbers; the notebook's log says what went wrong.",
    )
