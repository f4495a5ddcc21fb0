"""One model fitted to many data sets: compiled once, and as many fits at a time as there are cores, or a cluster has.

A fit of a small model takes some milliseconds; making a DataTree of its draws takes ten times as long. The draws are
therefore read as they come from nutpie, as plain arrays.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelcompose.samplers.nutpie import Prepared
from modelcompose.samplers.spread import cores, spread

__all__ = ["Draws", "Many"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Draws:
    """What one fit drew.

    Parameters
    ----------
    values
        Draws after warm-up by variable, shape (chains, draws, ...).
    diverging
        How many of them diverged.
    """

    values: Mapping[str, Array]
    diverging: int


@dataclass(frozen=True)
class Many:
    """A compiled model and how to draw from it.

    Parameters
    ----------
    ready
        A compiled model whose data are changed from fit to fit.
    draws, tune, chains
        Of each fit.
    at_once
        How many fits run at a time; by default so many that their chains keep all cores busy.
    """

    ready: Prepared
    draws: int
    tune: int
    chains: int = 1
    target_accept: float = 0.9
    low_rank: bool = False
    at_once: int = 0

    def fit(self, datasets: Iterable[Mapping[str, Array]], random_seed: int) -> Generator[Draws | None, None, None]:
        """Fit each data set, given by the names of the model's data; yields in their order.

        A fit that cannot be made yields None. The same seed gives the same draws, however many run at a time, here or
        on a cluster. Whoever stops early stops what runs, too.
        """
        ahead = self.at_once or 1 + max(1, cores() // self.chains)
        numbered = ((random_seed + at, data) for at, data in enumerate(datasets))
        return spread(self.begin, numbered, ahead=ahead, threads=self.chains)

    def begin(self, numbered: tuple[int, Mapping[str, Array]]) -> Fit:
        """Begin to fit a data set, given its seed and itself."""
        import nutpie

        seed, data = numbered
        try:
            return Fit(
                nutpie.sample(
                    self.ready.compiled.with_data(**data),
                    draws=self.draws,
                    tune=self.tune,
                    chains=self.chains,
                    cores=self.chains,
                    seed=seed,
                    target_accept=self.target_accept,
                    adaptation="low_rank" if self.low_rank else "diag",
                    save_warmup=False,
                    progress_bar=False,
                    blocking=False,
                    return_raw_trace=True,
                )
            )
        except RuntimeError:
            return Fit(None)


@dataclass(frozen=True)
class Fit:
    """A fit that was begun by nutpie; None when it could not begin."""

    background: Any

    def wait(self, timeout: float | None = None) -> Draws | None:
        """Return what it drew; None when it could not be made."""
        try:
            return None if self.background is None else _read(*self.background.wait(timeout=timeout).get_arrow_trace())
        except RuntimeError:
            return None

    def cancel(self) -> None:
        """End it."""
        if self.background is not None:
            self.background.cancel()


def _read(batches: list[Any], statistics: list[Any]) -> Draws:
    """Read Arrow batches, one for each chain, whose fields say the shape of each variable."""
    kept = [~_flags(one, "tuning") for one in statistics]
    values = {
        name: np.stack([_values(batch, name)[keep] for batch, keep in zip(batches, kept, strict=True)])
        for name in batches[0].column_names
    }
    diverging = sum(int(_flags(one, "diverging")[keep].sum()) for one, keep in zip(statistics, kept, strict=True))
    return Draws(values, diverging)


def _flags(batch: Any, name: str) -> Array:
    return _flat(batch.column(name)).astype(bool)


def _values(batch: Any, name: str) -> Array:
    column = batch.column(name)
    written = column.field.metadata.get(b"shape", b"").decode()
    shape = [int(size) for size in written.split(",")] if written else []
    return _flat(column).reshape(batch.num_rows, *shape)


def _flat(column: Any) -> Array:
    import pyarrow

    plain = pyarrow.array(column)
    return np.asarray((plain.flatten() if hasattr(plain, "flatten") else plain).to_numpy(zero_copy_only=False))
