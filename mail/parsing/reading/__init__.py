"""MIME, read: plain functions on the bytes of a mail. Only the child process (`mail.parsing.child`) and tests import it.

`mail` reads a mail. It uses `structure` (parts), `fields` and `headers` (header fields), `addresses`, `bodies` (text and HTML),
`sanitise`, `transfer` (base64 and its like) and `charset`. Each takes time and memory in proportion to the bytes.
"""
