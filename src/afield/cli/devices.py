"""``afield devices``: the devices and boards that a model can be compiled for."""

from __future__ import annotations

from afield.cli import options as o

EXAMPLES = ("afield devices", "afield devices --json")


def command(as_json: o.AsJson = False) -> None:
    """List devices and boards with their flash, RAM and clock, for `afield export --to microcontroller --device`."""
    from afield.api.devices import list_devices
    from afield.cli.drawing import draw_grid, write_json

    found = list_devices()
    if as_json:
        for device in found:
            write_json({"event": "device", **device.to_json()})
        return
    rows = [
        [
            d.name,
            d.title,
            f"{d.flash_bytes // 1024:,} KB" if d.core != "host" else "",
            f"{d.ram_bytes // 1024:,} KB" if d.core != "host" else "",
            f"{d.clock_hz // 1_000_000} MHz" if d.clock_hz else "",
            d.source,
        ]
        for d in found
    ]
    draw_grid(("name", "device", "flash", "RAM", "clock", "source"), rows)
