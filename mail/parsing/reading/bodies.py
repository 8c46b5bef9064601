"""The text and the HTML of a mail, and which of its parts they are."""

from __future__ import annotations

import base64
import re
from html import escape, unescape
from urllib.parse import unquote

import html2text

from mail.parsing import limits
from mail.parsing.reading.charset import clean, decode
from mail.parsing.reading.sanitise import is_too_much, sanitise, without_tags
from mail.parsing.reading.structure import Part
from mail.parsing.reading.transfer import Data, decoded

# What is text unless it is attached. A delivery status is read like text.
_TEXT = {"text/plain", "text/html", "message/delivery-status"}
_INLINE_IMAGE = re.compile(r"image/(png|jpe?g|gif|webp|bmp)")
_DATA_URL = re.compile(r'src="data:[^"]*"')
_INDENTED = {"ul", "ol", "blockquote"}
_DEEPEST = 20
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# Markdown's escapes, which html2text writes even if it shall write none.
_ESCAPED = re.compile(r"^([ \t>]*\d*)\\(?=[.+-])", re.MULTILINE)
_EMPTY_LINK = re.compile(r"\[ *\]\([^()\n]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")


def is_text(part: Part, root: Part) -> bool:
    """Whether it belongs to the text of the mail. A named part does not, unless it is the whole mail."""
    if part.content_type not in _TEXT or part.disposition not in (None, "inline"):
        return False
    return part is root or not ("filename" in part.disposition_parameters or "name" in part.parameters)


class Bodies:
    """The text and the HTML, from the parts that are text. `images`: the other parts."""

    def __init__(
        self, data: Data, parts: list[Part], images: list[Part], truncated: set[str], *, with_html: bool
    ) -> None:
        self._with_html = with_html
        self._data = data
        self._truncated = truncated
        self._images = {part.content_id.strip("<> "): part for part in reversed(images) if part.content_id}
        self._image_urls: dict[str, str | None] = {}
        self._image_bytes = 0
        texts: list[str] = []
        htmls: list[str] = []
        has_html = any(part.content_type == "text/html" for part in parts)
        has_text = any(part.content_type != "text/html" for part in parts)
        for part in parts:
            if part.content_type == "text/html":
                html, text = self._read_html(part, with_text=not (part.in_alternative and has_text))
                htmls.append(html)
                texts.append(text)
            else:
                text = self._read_text(part)
                texts.append(text)
                if has_html and not part.in_alternative:
                    htmls.append(_text_as_html(text))
        self.html = "<br/>\n".join(filter(None, htmls))
        text = "\n".join(filter(None, texts))
        if not text.strip() and self.html:
            # The text of an alternative is empty in many mails.
            text = self._html_as_text(self.html)
        self.text = clean(self._cut(text, limits.TEXT, "text"))
        self.html = clean(self.html)
        if len(self.html) > limits.SAFE_HTML:
            self.html = ""
            truncated.add("html")

    @property
    def preview(self) -> str:
        """The beginning of the text in one line, with the texts of links and not their addresses."""
        beginning = _LINK.sub(r"\1", self.text.lstrip()[: 20 * limits.PREVIEW])
        return " ".join(beginning.split())[: limits.PREVIEW]

    def _cut(self, text: str, most: int, name: str) -> str:
        if len(text) > most:
            self._truncated.add(name)
        return text[:most]

    def _content(self, part: Part, most: int, name: str) -> str:
        """No more is decoded than what can be shown: a character has at most four bytes."""
        content = bytearray()
        is_whole = True
        for piece in decoded(self._data, part.start, part.end, part.encoding):
            content += piece
            if len(content) > 4 * most:
                is_whole = False
                break
        text = decode(content, part.parameters.get("charset"), whole=is_whole)
        return self._cut(text.removeprefix("\ufeff").replace("\r\n", "\n"), most, name)

    def _read_text(self, part: Part) -> str:
        text = self._content(part, limits.TEXT, "text")
        if part.parameters.get("format", "").lower() == "flowed":
            text = _unflowed(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
        return text

    def _read_html(self, part: Part, *, with_text: bool) -> tuple[str, str]:
        source = self._content(part, limits.HTML, "html")
        if not self._with_html or is_too_much(source):
            self._truncated.add("html")
            return "", _without_blanks(unescape(without_tags(source))) if with_text else ""
        html = sanitise(source, self._image_url)
        return html, self._html_as_text(html) if with_text else ""

    def _html_as_text(self, html: str) -> str:
        """From sanitised HTML: what is well-formed takes linear time."""
        html = self._cut(_DATA_URL.sub("", html), limits.HTML_FOR_TEXT, "text")
        writer = _Writer(bodywidth=0)
        # A call for each entity costs seconds when there is nothing else.
        writer.convert_charrefs = True
        writer.ignore_images = True
        writer.ignore_emphasis = True
        writer.ignore_tables = True
        writer.unicode_snob = True
        text = _EMPTY_LINK.sub("", _ESCAPED.sub(r"\1", writer.handle(html)))
        text = "\n".join(map(str.rstrip, text.split("\n"))).strip()
        return re.sub(r"\n{3,}", "\n\n", text)

    def _image_url(self, content_id: str) -> str | None:
        if content_id not in self._image_urls:
            part = self._images.get(content_id) or self._images.get(unquote(content_id))
            self._image_urls[content_id] = self._read_image(part) if part else None
        return self._image_urls[content_id]

    def _read_image(self, part: Part) -> str | None:
        if not _INLINE_IMAGE.fullmatch(part.content_type):
            return None
        most = min(limits.INLINE_IMAGE, limits.INLINE_IMAGES - self._image_bytes)
        content = bytearray()
        for piece in decoded(self._data, part.start, part.end, part.encoding):
            content += piece
            if len(content) > most:
                return None
        self._image_bytes += len(content)
        return f"data:{part.content_type};base64,{base64.b64encode(content).decode()}"


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Lines that end in a space go on in the next one (RFC 3676)."""
    result: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        line = line.removeprefix(" ")
        ends_soft = line.endswith(" ") and line != "-- "
        result.append(line[:-1] if ends_soft and delete_space else line)
        if not ends_soft:
            result.append("\n")
        goes_on = ends_soft
    return "".join(result if goes_on else result[:-1])


def _text_as_html(text: str) -> str:
    paragraphs = re.split(r"\n\n+", text.strip())
    return "".join(f"<p>{escape(paragraph).replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)


def _without_blanks(text: str) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


class _Writer(html2text.HTML2Text):  # type: ignore[misc]
    """Text is not Markdown: headings are paragraphs, and a space ends the cell of a table."""

    _depth = 0

    def handle_tag(self, tag: str, attrs: dict[str, str | None], start: bool) -> None:
        if tag in _INDENTED:
            # Each line begins with the indentation.
            self._depth += 1 if start else -1
            if self._depth + (not start) > _DEEPEST:
                return
        super().handle_tag("p" if tag in _HEADINGS else tag, attrs, start)
        if tag in ("td", "th") and not start:
            self.o(" ")
