"""The code keeps the sizes that CONTRIBUTING.md promises."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import page

# Paths from the root of the repository, without what was installed or generated.
FILES = [
    path
    for path in (file.relative_to(BASE_DIR) for file in sorted(BASE_DIR.rglob("*.py")))
    if not any(part.startswith(".") for part in path.parts)
]
# The folder of manage.py, which nothing imports.
NOT_PACKAGES = {Path()}


def _limit(sentence: str) -> int:
    """The number in a sentence of CONTRIBUTING.md. `#` stands for it."""
    found = re.search(sentence.replace("#", r"(\d+)"), page("CONTRIBUTING.md").text)
    assert found, f"CONTRIBUTING.md does not say: {sentence}"
    return int(found[1])


def _too_long(files: list[Path], limit: int) -> dict[str, int]:
    lines = {str(file): len((BASE_DIR / file).read_text().splitlines()) for file in files}
    return {file: count for file, count in lines.items() if count > limit}


def test_no_product_file_is_too_long():
    limit = _limit("product file has at most # lines")
    assert not _too_long([file for file in FILES if not _is_test(file) and "migrations" not in file.parts], limit)


def test_no_test_file_is_too_long():
    limit = _limit("test file at most #")
    assert not _too_long([file for file in FILES if _is_test(file)], limit)


def test_no_folder_has_too_many_modules():
    limit = _limit("folder has at most # modules")
    counted = [
        file for file in FILES if file.name not in ("__init__.py", "conftest.py") and "migrations" not in file.parts
    ]
    modules = Counter(str(file.parent) for file in counted)
    assert not {folder: count for folder, count in modules.items() if count > limit}


def test_every_package_says_what_it_contains():
    packages = {file.parent for file in FILES} - NOT_PACKAGES
    assert not [str(folder) for folder in sorted(packages) if not _docstring(BASE_DIR / folder / "__init__.py")]


def _is_test(file: Path) -> bool:
    return "tests" in file.parts or file.name == "conftest.py"


def _docstring(file: Path) -> str | None:
    return ast.get_docstring(ast.parse(file.read_text())) if file.exists() else None
