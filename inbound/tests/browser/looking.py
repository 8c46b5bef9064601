"""A page as people see it: how wide it is, what is cut, what axe says, and a picture."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar

import axe_playwright_python
from django.db import connection
from playwright.sync_api import Page

from inbound.settings import BASE_DIR

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# No network, no GPU and no user namespace in CI.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = BASE_DIR / ".screenshots"

Result = TypeVar("Result")
Scheme = Literal["light", "dark"]
WIDTHS = (420, 1000, 1400)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS: list[tuple[int, Scheme]] = list(product(WIDTHS, SCHEMES))
EXTREMES: list[tuple[int, Scheme]] = [(420, "dark"), (1400, "light")]
HEIGHT = 900
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()

# Text that its own box hides, but for buttons with an arrow, and boxes that reach out of the window without a parent that scrolls.
CUT = """() => {
  const found = [];
  const scrolls = node => node && node !== document.body &&
    (['auto', 'scroll'].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  for (const node of document.querySelectorAll('#content *, #header *, #nav-sidebar *')) {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    const hidden = !box.width || !box.height || style.visibility === 'hidden' || style.clipPath !== 'none';
    const folded = node.closest('details:not([open])') && !node.closest('summary');
    if (hidden || folded || node.closest('.visually-hidden, .selector-chooser, svg, select, iframe')) continue;
    const said = `${node.tagName.toLowerCase()}.${node.className} "${(node.innerText || '').trim().slice(0, 60)}"`;
    const hides = ['hidden', 'clip'].includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
    if (hides) found.push(`hides its text: ${said}`);
    const leaves = box.right > document.documentElement.clientWidth + 1 && !scrolls(node.parentElement);
    if (leaves) found.push(`leaves the window: ${said}`);
  }
  return found.slice(0, 10);
}"""

# What axe says. Its contrast takes longest, so it judges each combination of colours, sizes and weights once.
# `everything`: its other rules too. They do not depend on the scheme.
JUDGE = """async everything => {
  const looks = window.looksJudged ||= new Set();
  const fresh = [...document.querySelectorAll('body *')].filter(node => {
    const text = node.matches('input, select, textarea') || [...node.childNodes].some(one => one.nodeType === 3 && one.data.trim());
    if (!text || !node.checkVisibility({visibilityProperty: true})) return false;
    const own = getComputedStyle(node), look = [own.color, own.fontSize, own.fontWeight, own.textShadow];
    for (let behind = node; behind; behind = behind.parentElement) {
      const style = getComputedStyle(behind);
      look.push(style.backgroundColor, style.backgroundImage, style.opacity);
    }
    return looks.size < looks.add(look.join()).size;
  });
  // Without `preload`: it fetches style sheets that others import, relative to the page, where they are not.
  const options = {resultTypes: ['violations'], preload: false};
  const rest = {...options, rules: {'color-contrast': {enabled: false}}};
  const contrast = {...options, runOnly: ['color-contrast']};
  const results = [
    everything ? await axe.run(document, rest) : null,
    fresh.length ? await axe.run({include: fresh}, contrast) : null,
  ];
  return results.flatMap(result => result?.violations ?? []).filter(one => ['serious', 'critical'].includes(one.impact));
}"""


class Operator:
    """A person at a browser. `page` is Playwright's; `look` judges what it shows. `faults`: of the console and the network."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.faults: list[str] = []

    def open(self, path: str) -> None:
        answer = self.page.goto(self.base_url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def choose(self, name: str, *, field: str) -> None:
        """Pick an option of a field with a search box, by the field's name in the form.

        Waits for the box: before its script has run, the plain list of the page has the same role.
        """
        self.page.locator(f"#id_{field} + .select2").get_by_role("combobox").click()
        self.page.get_by_role("option", name=name).click()

    def sizes(self, looks: Iterable[tuple[int, Scheme]]) -> Iterator[tuple[int, Scheme]]:
        """Give the window each width and scheme in turn, and end as it began."""
        for width, scheme in looks:
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            self.page.emulate_media(color_scheme=scheme)
            yield width, scheme
        self.page.set_viewport_size({"width": 1400, "height": HEIGHT})
        self.page.emulate_media(color_scheme="light")

    def look(self, name: str, looks: Iterable[tuple[int, Scheme]] = LOOKS) -> None:
        """Assert that the page is whole at each width and scheme, and accessible. Leaves `.screenshots/NAME-420-dark.jpg`."""
        PICTURES.mkdir(exist_ok=True)
        faults = []
        for width, scheme in self.sizes(looks):
            self.page.screenshot(path=_picture(name, width, scheme), full_page=True, type="jpeg", quality=70)
            where = f"{name} at {width}, {scheme}"
            faults += [f"{where}: {fault}" for fault in self.page.evaluate(CUT)]
            faults += [f"{where}: {fault}" for fault in serious(self.page, everything=scheme == "light")]
        assert not faults, "\n".join(faults)

    def glance(self, name: str) -> None:
        """The same, only narrow and dark, and wide and light: of a page that another test looks at, with a message more."""
        self.look(name, EXTREMES)


def elsewhere(work: Callable[[], Result]) -> Result:
    """Do it in another thread. In this one Playwright's event loop runs, so nothing here can ask DNS."""

    def alone() -> Result:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(alone).result()


def _picture(name: str, width: int, scheme: str) -> Path:
    return PICTURES / f"{name.replace(' ', '-')}-{width}-{scheme}.jpg"


def serious(page: Page, *, everything: bool) -> list[str]:
    """The serious and critical violations that axe finds on the page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(JUDGE, everything)
    return [
        f"{one['id']} ({one['help']}): {node['html'][:160]} {_said(node)}" for one in found for node in one["nodes"][:3]
    ]


def _said(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])
