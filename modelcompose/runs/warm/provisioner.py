"""Kernels forked from the warm process, or started as ever where that cannot be."""

from __future__ import annotations

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["WarmProvisioner"]


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Starts a kernel."""
