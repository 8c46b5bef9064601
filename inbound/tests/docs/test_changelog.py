"""The changelog names the version that the project has."""

from __future__ import annotations

import re
import tomllib

from inbound import __version__
from inbound.settings import BASE_DIR
from inbound.tests.docs.pages import page


def test_the_newest_release_is_the_version_of_the_project():
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", page("CHANGELOG.md").text, re.MULTILINE)
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]
    assert releases[0] == project["version"] == __version__
