"""Warm kernels: a process that has imported everything already is forked for each kernel and each run.

    ensure()                        # begins it in the background, unless it is there
    spawn("modelcompose.runs", [id, "--workspace", folder], cwd=folder, env=environment, log=file)
    ping()                          # which children it has

Kernels reach it through ``provisioner.WarmProvisioner``. Whatever cannot be forked is begun as ever, only slower: where
forking is unsafe, while the process still warms up, when it has enough to do, after the code has changed.
"""

from modelcompose.runs.warm.pool import ensure, ping, spawn, stop

__all__ = ["ensure", "ping", "spawn", "stop"]
