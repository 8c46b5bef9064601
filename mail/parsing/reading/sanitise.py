"""HTML that runs nothing and sends nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import nh3

from mail.parsing import limits

# `Content-ID` without angle brackets → the `data:` URL of the image, None if it is too large.
Images = Callable[[str], str | None]

_TAGS = set(nh3.ALLOWED_TAGS) | {"font", "center", "u", "s", "big", "strike", "address", "section", "main"}
_WITHOUT_CONTENT = {
    "script",
    "style",
    "title",
    "noscript",
    "template",
    "textarea",
    "select",
    "object",
    "iframe",
    "svg",
    "math",
}
_SIZES = {"align", "valign", "width", "height", "bgcolor"}
_ATTRIBUTES: Mapping[str, set[str]] = {
    "*": {"style", "dir", "lang", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing", "summary", "role"} | _SIZES,
    "td": {"colspan", "rowspan", "headers", "nowrap"} | _SIZES,
    "th": {"colspan", "rowspan", "headers", "scope", "nowrap"} | _SIZES,
    "tr": _SIZES,
    "col": {"span"} | _SIZES,
    "colgroup": {"span"} | _SIZES,
    "tbody": _SIZES,
    "thead": _SIZES,
    "tfoot": _SIZES,
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value"},
    "hr": {"size", "width", "color"},
    "br": {"clear"},
}
# What lays out and colours text. Nothing that leaves the place of the element, such as `position`.
_STYLES = {
    "background",
    "background-color",
    "border-collapse",
    "border-radius",
    "border-spacing",
    "caption-side",
    "clear",
    "color",
    "direction",
    "display",
    "empty-cells",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "opacity",
    "overflow",
    "overflow-wrap",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-overflow",
    "text-transform",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
    "word-spacing",
    "word-wrap",
}
_STYLES |= {
    f"{shape}{side}" for shape in ("border", "margin", "padding") for side in ("", "-bottom", "-left", "-right", "-top")
}
_STYLES |= {
    f"border{side}-{what}"
    for side in ("", "-bottom", "-left", "-right", "-top")
    for what in ("color", "style", "width")
}
_LAST_WORD = re.compile(r"[\w-]*\Z")
_LONGEST_NAME = 30
_LONGEST_STYLE = 10_000
_SAFE_FUNCTIONS = {"rgb", "rgba", "hsl", "hsla", "calc"}
_IGNORED_IN_URLS = re.compile(r"[\0-\x20\x7f-\xa0]+")
_LINK = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)
_IMAGE = re.compile(r"https?://|data:image/(png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=]*\Z", re.IGNORECASE)
_START_TAG = re.compile(r"<[A-Za-z]")
_ANY_TAG = re.compile(r"<[^<>]*>")


class _Filter:
    """Which attributes stay, and with which value. `images` are those of the mail that is being read."""

    images: Images | None = None

    def __call__(self, tag: str, attribute: str, value: str) -> str | None:
        if attribute not in ("href", "src", "style"):
            return value
        # nh3 keeps an attribute whose filter raises.
        try:
            return self._kept(attribute, value)
        except Exception:
            return None

    def _kept(self, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return value if _is_safe_style(value) else None
        url = _IGNORED_IN_URLS.sub("", value)
        if attribute == "href":
            return value if _LINK.match(url) else None
        if url[:4].lower() == "cid:":
            return (self.images and self.images(url[4:])) or f"cid:{url[4:]}"
        return url if _IMAGE.match(url) else None


_filter = _Filter()
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_WITHOUT_CONTENT,
    attributes=dict(_ATTRIBUTES),
    attribute_filter=_filter,
    url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    filter_style_properties=_STYLES,
)


def sanitise(html: str, images: Images) -> str:
    """The HTML without scripts, event handlers, forms, frames and styles that load. Images of the mail become a part of it.

    Remote images stay: whoever shows the mail decides whether to load them. One thread at a time.
    """
    _filter.images = images
    try:
        return _cleaner.clean(html)
    finally:
        _filter.images = None


def is_too_much(html: str) -> bool:
    """Whether a sanitiser would take long for it. Counting takes milliseconds."""
    return (
        html.count("&") > limits.AMPERSANDS
        or html.count("</") > limits.TAGS
        or sum(1 for _ in _START_TAG.finditer(html)) > limits.TAGS
    )


def without_tags(html: str) -> str:
    """The text of HTML that is too much to be taken apart."""
    return _ANY_TAG.sub(" ", html)


def _is_safe_style(value: str) -> bool:
    """Whether it calls no function that could load something. An escape could spell one."""
    if "\\" in value or len(value) > _LONGEST_STYLE:
        return False
    # A search for "word(" would begin anew at each letter of a long word.
    calls = (before.rstrip()[-_LONGEST_NAME:].lower() for before in value.split("(")[:-1])
    return all(_LAST_WORD.search(call)[0] in _SAFE_FUNCTIONS for call in calls)  # type: ignore[index]
