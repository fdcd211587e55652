"""What each operation and function of math.h brings along on each emulated board: the members of the C library.

python benchmarks/microcontroller/library.py > src/afield/platforms/microcontroller/library.json

Each is linked into a program that does nothing else, and the linker's map says which members of which archives came and
how large they are. ``check`` sums the union over what a model uses.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from afield.platforms.microcontroller.prove.chips import BOARDS, Board
from afield.platforms.microcontroller.prove.emulator import HERE, call
from afield.platforms.microcontroller.prove.program import Rows, vectors

#: operation -> C over a, b of the type that begins its name; the result goes into r of the type behind the colon
OPERATIONS = {
    **{f"{kind}{sign}": f"{c} a, b; volatile {c} r; r = a {sign} b;"
       for kind, c in (("float", "float"), ("double", "double")) for sign in "+-*/"},
    **{f"{kind}<": f"{c} a, b; volatile int r; r = a < b; r = a > b; r = a <= b; r = a >= b;"
       for kind, c in (("float", "float"), ("double", "double"))},
    **{f"{kind}=": f"{c} a, b; volatile int r; r = a == b; r = a != b;"
       for kind, c in (("float", "float"), ("double", "double"))},
    "float>int": "float a; volatile int32_t r; r = (int32_t)a;",
    "float>unsigned": "float a; volatile uint32_t r; r = (uint32_t)a;",
    "int>float": "int32_t a; volatile float r; r = (float)a;",
    "unsigned>float": "uint32_t a; volatile float r; r = (float)a;",
    "double>float": "double a; volatile float r; r = (float)a;",
    "float>double": "float a; volatile double r; r = (double)a;",
    "int>double": "int32_t a; volatile double r; r = (double)a;",
    "long*": "int64_t a; int32_t b; volatile int64_t r; r = a * b; r = a >> (b & 31);",
    "int/": "int32_t a, b; volatile int32_t r; r = a / b; r = a % b;",
    "memcpy": "uint32_t a; static unsigned char t[64]; volatile int r; memcpy(t, (const void *)a, sizeof t); r = t[0];",
    "memset": "int a; static unsigned char t[64]; volatile int r; memset(t, a, sizeof t); r = t[0];",
    **{f"{name}f": f"float a; volatile float r; r = {name}f(a);" for name in (
        "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt", "exp",
        "log", "log2", "expm1", "log1p", "erf", "floor", "ceil", "round", "rint", "trunc")},
    **{f"{name}f": f"float a, b; volatile float r; r = {name}f(a, b);" for name in ("pow", "fmod", "copysign")},
    **{name: f"double a; volatile double r; r = {name}(a);" for name in ("exp", "log", "sqrt", "floor", "sin", "cos",
                                                                         "tanh", "log2", "ceil", "rint", "erf")},
    **{name: f"double a, b; volatile double r; r = {name}(a, b);" for name in ("pow", "fmod", "copysign")},
}  # fmt: skip
_PIECE = re.compile(r"^ (\.[\w.$*-]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) \S+\.a\(([^)]+)\)$", re.M)
_RAM = (".bss", ".data", ".sbss", ".sdata", ".tbss", ".tdata", "COMMON")


def members(text: str, board: Board, folder: Path) -> dict[str, tuple[int, int]]:
    """Return flash and RAM of each archive member that a program with ``text`` for its entry brings along."""
    given, _, rest = text.partition(";")
    code = "".join(f"static volatile {part};" for part in [given]) if given else ""
    (folder / "entry.c").write_text(
        "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"
        "void entry(const unsigned char *in, unsigned char *out);\n"
        "void entry(const unsigned char *in, unsigned char *out)\n{ " + f"{code} (void)in; (void)out; {rest}" + " }\n"
    )
    tools = board.tools
    flags = (*tools.flags, *board.flags, "-O2", "-fno-builtin", "-ffunction-sections", "-fdata-sections", "-w")
    script = ("-T", str(HERE / board.script)) if board.script else ()
    objects = [f"{name}.o" for name in tools.harness]
    for name, made in zip(tools.harness, objects, strict=True):
        if not (folder / made).exists():
            call([f"{tools.prefix}gcc", *flags, "-I", str(folder), "-c", str(HERE / name), "-o", made], folder)
    call([f"{tools.prefix}gcc", *flags, *tools.linking, "-Wl,--gc-sections,-Map=map", *script, "entry.c", *objects,
          *tools.libraries, "-o", "program"], folder)  # fmt: skip
    used = (folder / "map").read_text(encoding="utf-8").split("Linker script and memory map", 1)[1]
    used = re.sub(r"^( \S+)\n\s+(0x)", r"\1 \2", used, flags=re.M)
    found: dict[str, tuple[int, int]] = {}
    for section, _, size, member in _PIECE.findall(used):
        bytes_, (flash, ram) = int(size, 16), found.get(member, (0, 0))
        if section.startswith((".text", ".rodata", ".srodata", ".data", ".sdata", ".progmem", ".literal")):
            flash += bytes_
        if section.startswith(_RAM):
            ram += bytes_
        if section.startswith((".text", ".rodata", ".srodata", ".data", ".sdata", ".progmem", *_RAM)):
            found[member] = (flash, ram)
    return {m: v for m, v in found.items() if v != (0, 0)}


def table(board: Board) -> dict[str, object]:
    """Return the members and the operations of one board."""
    sizes: dict[str, tuple[int, int]] = {}
    operations: dict[str, list[str] | None] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "vectors.h").write_text(vectors(Rows(data=(bytes(8),), input_bytes=8, output_bytes=8), board))
        always = members("", board, folder)
        for name, text in OPERATIONS.items():
            try:
                found = members(text, board, folder)
            except RuntimeError:
                operations[name] = None  # the library is without it
                continue
            own = {m: v for m, v in found.items() if m not in always}
            operations[name] = sorted(own)
            for member, size in own.items():
                sizes[member] = max(sizes.get(member, (0, 0)), size)
    return {"members": dict(sorted(sizes.items())), "operations": {n: m for n, m in operations.items() if m != []}}


def main() -> None:
    """Print the tables of all boards."""
    json.dump({name: table(board) for name, board in BOARDS.items()}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
