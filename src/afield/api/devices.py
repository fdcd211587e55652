"""Devices and boards that a model can be compiled for."""

from __future__ import annotations

from afield.platforms.microcontroller.devices import Device, devices

__all__ = ["Device", "list_devices"]


def list_devices() -> list[Device]:
    """Return the catalogue."""
    return list(devices().values())
