"""What is to be known of a sampler before it is chosen, in words that need no statistics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from modelcompose.errors import InvalidInput

__all__ = ["Facts"]

SAME_MACHINE = "The same seed gives the same draws on the same machine with the same versions."


@dataclass(frozen=True)
class Facts:
    """What is to be known of a sampler.

    Parameters
    ----------
    title
        Its name as a list shows it.
    summary
        One plain sentence: what it is good for.
    approximate
        Whether its draws come from an approximation to the posterior, whose quality has to be checked.
    independent
        Whether its draws do not depend on each other, so that chains are nothing but portions.
    needs
        The packages that it cannot do without.
    extra
        The extra of ModelCompose that installs them.
    gradient
        Whether it follows the gradient, so that every parameter has to be a continuous number.
    pause
        Whether it can be halted and go on later.
    live
        What it tells while it draws.
    adapts
        Whether the choice of ``metric`` makes a difference.
    metric
        What it does with the choice of ``metric``.
    seed
        What the same seed promises.
    offered
        Whether lists and forms show it.
    """

    title: str
    summary: str
    approximate: bool = False
    independent: bool = False
    needs: tuple[str, ...] = ()
    extra: str = ""
    gradient: bool = True
    pause: bool = False
    live: str = ""
    adapts: bool = False
    metric: str = "It has none: the choice of metric makes no difference."
    seed: str = SAME_MACHINE
    offered: bool = True

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    @property
    def install(self) -> str:
        """How to get what is missing."""
        packages = f'"modelcompose[{self.extra}]"' if self.extra else " ".join(self.needs)
        return f"pip install {packages}"

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON holds it, with what is missing and how to install that."""
        missing = self.missing
        return {**asdict(self), "needs": list(self.needs), "missing": missing, "install": self.install * bool(missing)}

    def require(self) -> None:
        """Refuse to begin without the packages that it needs.

        Raises
        ------
        InvalidInput
            When one is not installed.
        """
        if missing := self.missing:
            raise InvalidInput(
                f"the sampler {self.title} needs {' and '.join(missing)}, which {'are' if missing[1:] else 'is'} not "
                "installed",
                where="sampler",
                remedy=f"Install it with {self.install}, or choose another sampler.",
            )
