"""The errors a user can cause, each saying what is wrong, where, and what to do about it.

Every door maps this tree once: the command line to an exit code (NotFound 3, Forbidden 4, Conflict 5, others 2), REST
to the status below, a notebook to a short card.

    ModelComposeError            400
    ├── InvalidInput             422   a value of the wrong type or range, an unknown name
    │   ├── InvalidAnalysis      422   a choice in the parameters cell
    │   └── InvalidData          422   a table that cannot be read or used
    ├── NotFound                 404   a file, run, model or sample that does not exist
    ├── Forbidden                403   a path outside the workspace
    ├── Conflict                 409   something exists or runs already
    ├── GateFailed               409   a step of the workflow failed and ``on_fail`` is "stop"
    └── Unavailable              503   what runs are recorded in does not answer; nothing is lost by waiting
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelcompose.verdict import Verdict

__all__ = [
    "Conflict",
    "Forbidden",
    "GateFailed",
    "InvalidAnalysis",
    "InvalidData",
    "InvalidInput",
    "ModelComposeError",
    "NotFound",
    "Unavailable",
]


class ModelComposeError(Exception):
    """Base of everything a user can put right.

    Parameters
    ----------
    message
        What is wrong, naming the offending value.
    where
        The place: a file, line, column of a table, notebook cell or parameter.
    remedy
        What to do about it, as an imperative sentence.
    """

    http_status = 400

    def __init__(self, message: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        sentence = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{place}{sentence} {self.remedy or ''}".rstrip()

    def _render_traceback_(self) -> list[str]:
        """Show one readable line in IPython instead of a stack of frames."""
        return [f"{type(self).__name__}: {self}"]

    def as_json(self) -> dict[str, str | None]:
        """The one shape in which every door reports an error."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "where": self.where,
            "remedy": self.remedy,
        }


class InvalidInput(ModelComposeError):
    """A value of the wrong type or range, or a name nobody knows."""

    http_status = 422


class InvalidAnalysis(InvalidInput):
    """A choice in the parameters cell that cannot be used."""


class InvalidData(InvalidInput):
    """A table that cannot be read, or not used as declared."""


class NotFound(ModelComposeError):
    """Something named that does not exist."""

    http_status = 404


class Forbidden(ModelComposeError):
    """A path that leaves the workspace."""

    http_status = 403


class Conflict(ModelComposeError):
    """Something exists already, or is running already."""

    http_status = 409


class Unavailable(ModelComposeError):
    """A store that does not answer: a server that is down, a file that is locked or damaged.

    What was asked can be asked again later.
    """

    http_status = 503


class GateFailed(ModelComposeError):
    """A step failed its check and the analysis says to stop there.

    The verdict, with its remedies, was shown before this was raised.
    """

    http_status = 409

    def __init__(self, verdict: Verdict) -> None:
        goes_on = 'set on_fail = "warn" to go on in spite of it.'
        first = verdict.remedies[0].label if verdict.remedies else None
        super().__init__(
            f"{verdict.title} {verdict.sentence}",
            where=f"step {verdict.step}",
            remedy=f"Try: {first}; or {goes_on}" if first else goes_on.capitalize(),
        )
        self.verdict = verdict

    def __reduce__(self) -> tuple[type[GateFailed], tuple[Verdict]]:
        return type(self), (self.verdict,)
