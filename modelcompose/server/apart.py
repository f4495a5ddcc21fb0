"""Verbs that read tables, done in processes of their own: reading a large one must not keep others waiting."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any

from modelcompose.errors import ModelComposeError

__all__ = ["apart"]

WORKERS = 2
SHOWS_PRIORS = "priors"


@cache
def _pool() -> ProcessPoolExecutor:
    """Start the workers once, empty of whatever the server holds; a worker is replaced after 500 verbs."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(WORKERS, mp_context=context, max_tasks_per_child=500)


async def apart(verb: Callable[..., Any], places: Sequence[str], request: Mapping[str, Any]) -> Any:
    """Call a verb in a worker.

    Raises
    ------
    ModelComposeError
        What the verb raised; also when the worker died, as it does when memory runs out.
    """
    try:
        failed, answer = await asyncio.wrap_future(_pool().submit(_done, verb, places, request))
    except BrokenProcessPool:
        _pool().shutdown(wait=False)
        _pool.cache_clear()
        raise ModelComposeError(
            "the table could not be worked on: the process that did so ended",
            where=verb.__name__,
            remedy="It may need more memory than there is; keep the columns and rows that the question needs.",
        ) from None
    if failed is not None:
        kind, message, where, remedy = failed
        raise kind(message, where=where, remedy=remedy)
    return answer


def _done(verb: Callable[..., Any], places: Sequence[str], request: Mapping[str, Any]) -> tuple[Any, Any]:
    """Call the verb, and turn an error that a user can put right into values that can be sent."""
    try:
        answer = verb(*places, **request)
    except ModelComposeError as error:
        return (type(error), error.message, error.where, error.remedy), None
    if verb.__name__ == SHOWS_PRIORS:
        _prepare_elicitation()
    return None, answer


@cache
def _prepare_elicitation() -> None:
    """Compile what the first elicitation needs while somebody still looks at the priors; it takes seconds."""
    from modelcompose.catalog.elicit import by_range

    threading.Thread(target=by_range, args=(-1.0, 1.0), daemon=True).start()
