"""Warm kernels: a process that has imported everything already is forked for each kernel and each run."""

__all__: list[str] = []
