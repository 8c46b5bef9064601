"""What is read of one mail at most. What exceeds a limit is cut, and `truncated` has the name in the comment."""

from __future__ import annotations

KB = 1024
MB = 1024 * KB

# raw: bytes. SES accepts 40 MB, and puts its own headers on top.
RAW = 40 * MB + 64 * KB
# Bytes of a stored mail that are fetched at all: more, so that it is noticed if one was cut.
FETCHED = 41 * MB
# depth: multiparts inside each other. What is deeper is one attachment.
DEPTH = 30
# parts: multiparts and what is in them.
PARTS = 1_000
# attachments
ATTACHMENTS = 500
# headers: fields of the mail or of one part, characters of a field's name and value, and bytes of all.
FIELDS = 500
FIELD_NAME = 200
FIELD = 8 * KB
HEADERS = 64 * KB
# addresses: of one field.
ADDRESSES = 500
# text: characters.
TEXT = 256 * KB
# text: characters of sanitised HTML that text is made from.
HTML_FOR_TEXT = 2 * TEXT
# html: characters before it is sanitised, and after. With more start tags, end tags or ampersands it is left out, because
# the sanitiser's time grows with the square of their depth and number.
HTML = 1 * MB
SAFE_HTML = 2 * MB
TAGS = 10_000
AMPERSANDS = 250_000

# Images that become a part of the HTML, in bytes: one, and all of them. No limit below is recorded.
INLINE_IMAGE = 64 * KB
INLINE_IMAGES = 256 * KB
PREVIEW = 200
FILENAME = 255
# A mail has this part of the time. If it does not suffice, it has the rest for everything but its HTML; if that does not, its
# first bytes are read for their headers.
FIRST_TRY = 0.7
HEADERS_ONLY = 64 * KB
HEADERS_ONLY_SECONDS = 1.0
