"""Joining ES modules: order, clashes, and forms that cannot be joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from afield.platforms.browser.joining import join_modules
from afield.platforms.browser.single import PAGE


def write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_what_is_needed_comes_first_and_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        a='import { b, B2 } from "./b.js";\nimport { c } from "./c.js";\n\nb(c, B2);\n',
        b='import { c } from "./c.js";\nexport function b() {\n  return c;\n}\nexport const B2 = 1;\n',
        c="export const c = 2;\n",
    )
    joined = join_modules(tmp_path, "a.js")
    assert [line for line in joined.splitlines() if line.startswith("//")] == ["// c.js", "// b.js", "// a.js"]
    assert "import" not in joined
    assert "export" not in joined
    assert "function b() {" in joined


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"a": 'import { b } from "./b.js";\nconst x = 1;\n', "b": "export const b = 1;\nconst x = 2;\n"}, "'x'"),
        ({"a": 'import { b } from "./b.js";\nconst [x, y] = [1];\n', "b": "export const b = 1;\nlet y;\n"}, "'y'"),
        ({"a": 'import { gone } from "./b.js";\n', "b": "export const b = 1;\n"}, "gone"),
        ({"a": 'import b from "./b.js";\n', "b": "export default 1;\n"}, "can be joined"),
        ({"a": "export { x };\nconst x = 1;\n"}, "can be joined"),
        (
            {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\nexport const b = a;\n'},
            "each other",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path: Path, modules: dict[str, str], reason: str) -> None:
    write(tmp_path, **modules)
    with pytest.raises(ValueError, match=reason):
        join_modules(tmp_path, "a.js")


@pytest.mark.parametrize("entry", ["app.js", "worker.js"])
def test_the_pages_own_modules_join(entry: str) -> None:
    assert "// cells.js" in join_modules(PAGE, entry)
