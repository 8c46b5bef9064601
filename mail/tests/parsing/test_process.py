"""The process that reads mail: it answers, it is limited, and it is replaced when it dies."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest

from mail.parsing.parsed import ParsedAttachment
from mail.parsing.pool import Busy, Parser, ParserPool, Unreadable
from mail.tests.parsing.hostile import attached, html

pytestmark = [pytest.mark.sqlite_only, pytest.mark.processes]

MAIL = b"From: a@example.com\r\nSubject: One\r\n\r\nHello\r\n"
# HTML whose sanitising takes seconds, and an attachment whose decoding does.
SLOW_HTML = html(b"<p " + b"".join(b"a%d " % number for number in range(130_000)) + b">Hello")
SLOW = attached(b"begin 644 x\r\n" + b"\r\n" * 6_000_000, b"uuencode")


def pid_of(parser: Parser) -> int:
    assert parser.child_pid is not None
    return parser.child_pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is dead; only its parent has not asked yet.
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not status.startswith("Z")


def wait_until_dead(pid: int) -> None:
    """Ask until it is: nothing tells one process about the end of another that is not its child."""
    done = threading.Event()
    for _ in range(3_000):
        if not is_alive(pid):
            return
        done.wait(0.01)
    raise AssertionError(f"{pid} still runs")


def test_a_mail_is_read(shared_parser: Parser):
    mail = shared_parser.parse(BytesIO(MAIL))

    assert (mail.subject, mail.text, mail.preview, mail.error) == ("One", "Hello\n", "Hello", None)
    assert 0 < mail.seconds < 10


def test_one_process_reads_many_mails(shared_parser: Parser):
    shared_parser.parse(BytesIO(MAIL))
    pid = pid_of(shared_parser)

    for number in range(50):
        content = MAIL.replace(b"One", str(number).encode()) + b"x" * (number * 20_000)
        assert shared_parser.parse(BytesIO(content)).subject == str(number)

    assert pid_of(shared_parser) == pid


def test_the_position_in_the_file_does_not_matter(shared_parser: Parser):
    file = BytesIO(MAIL)
    file.seek(10)

    assert shared_parser.parse(file).subject == "One"


def test_a_process_that_died_between_two_mails_is_replaced():
    with Parser(seconds=10, megabytes=512) as parser:
        parser.parse(BytesIO(MAIL))
        os.kill(pid_of(parser), signal.SIGKILL)
        os.waitid(os.P_PID, pid_of(parser), os.WEXITED | os.WNOWAIT)

        assert parser.parse(BytesIO(MAIL)).error is None


class KillsItsReader(BytesIO):
    """A mail at whose end the process that reads it is killed."""

    def __init__(self, content: bytes, parser: Parser) -> None:
        super().__init__(content)
        self.parser = parser

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        if self.tell() == len(self.getvalue()) and self.parser.child_pid is not None:
            os.kill(self.parser.child_pid, signal.SIGKILL)
            os.waitid(os.P_PID, self.parser.child_pid, os.WEXITED | os.WNOWAIT)
        return content


def test_a_process_that_is_killed_while_it_reads_costs_one_mail():
    with Parser(seconds=10, megabytes=512) as parser:
        parser.parse(BytesIO(MAIL))
        killed = parser.parse(KillsItsReader(MAIL, parser))
        after = parser.parse(BytesIO(MAIL))

    assert (killed.subject, killed.text, killed.error) == (None, None, "The reader stopped unexpectedly.")
    assert (after.subject, after.error) == ("One", None)


def test_a_process_that_is_killed_while_it_reads_is_replaced():
    with Parser(seconds=60, megabytes=512) as parser:
        parser.parse(BytesIO(MAIL))
        pid = pid_of(parser)
        killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
        killer.start()
        killed = parser.parse(BytesIO(SLOW))
        killer.join()

    # The second one reads everything but HTML.
    assert (killed.subject, killed.error, len(killed.attachments)) == ("Listed", None, 1)
    assert not is_alive(pid)


def test_html_that_takes_too_long_is_left_out():
    with Parser(seconds=2, megabytes=512) as parser:
        mail = parser.parse(BytesIO(SLOW_HTML))

    assert (mail.subject, mail.text, mail.html) == ("Listed", "Hello", None)
    assert (mail.error, mail.truncated) == (None, ["html"])


def test_a_mail_that_takes_too_long_costs_its_process_and_nothing_else():
    with Parser(seconds=1, megabytes=512) as parser:
        parser.parse(BytesIO(MAIL))
        pid = pid_of(parser)
        slow = parser.parse(BytesIO(SLOW))
        after = parser.parse(BytesIO(MAIL))

        assert pid_of(parser) != pid
    assert not is_alive(pid)
    assert (slow.subject, slow.error) == ("Listed", "It took longer than 1 s to read.")
    assert slow.seconds < 10
    assert slow.addresses["from"]["addresses"] == [{"name": "Mallory", "address": "mallory@example.com"}]
    assert (after.subject, after.error) == ("One", None)


def test_an_attachment_that_takes_too_long_says_so():
    with Parser(seconds=1, megabytes=512) as parser:
        with pytest.raises(Unreadable, match="longer than 1 s"):
            parser.extract(BytesIO(SLOW), 0, BytesIO())

        assert parser.extract(BytesIO(MAIL), 0, BytesIO()) is None


def test_a_file_that_cannot_be_written_leaves_a_parser_that_works(tmp_path: Path):
    content = BytesIO(attached(b"QUJD" * 1_000_000))
    (tmp_path / "full").touch()
    with Parser(seconds=10, megabytes=512) as parser, (tmp_path / "full").open("rb") as read_only:
        with pytest.raises(OSError, match="write"):
            parser.extract(content, 0, read_only)

        assert parser.extract(content, 0, BytesIO()) == ParsedAttachment(
            0, "big.bin", "application/octet-stream", 3_000_000, None, "attachment"
        )


def test_the_process_is_limited_and_knows_no_secrets(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "unguessable")
    with Parser(seconds=10, megabytes=300) as parser:
        parser.parse(BytesIO(MAIL))
        pid = pid_of(parser)

        assert resource.prlimit(pid, resource.RLIMIT_AS)[0] == 300 * 1024 * 1024
        assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0
        assert 0 < resource.prlimit(pid, resource.RLIMIT_CPU)[0] < 60
        assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
        assert b"unguessable" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_process_loads_neither_django_nor_botocore():
    loaded = "import sys, mail.parsing.child; print(sorted({'django', 'botocore', 'boto3'} & set(sys.modules)))"

    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)

    assert run.stdout == "[]\n"


def test_the_process_ends_with_its_parent():
    """Also if the parent is killed, and has no time to say so."""
    parent = (
        "import io, time; from mail.parsing.pool import Parser; parser = Parser(seconds=10, megabytes=512);"
        f"parser.parse(io.BytesIO({MAIL!r})); print(parser.child_pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_alive(pid)
        process.kill()

    wait_until_dead(pid)


def test_the_process_is_replaced_after_many_mails():
    pids = []
    with Parser(seconds=10, megabytes=512, mails=2) as parser:
        for _ in range(5):
            assert parser.parse(BytesIO(MAIL)).error is None
            pids.append(pid_of(parser))

    assert [pids.index(pid) for pid in pids] == [0, 0, 2, 2, 4]


def test_a_pool_has_a_process_for_each_thread_that_needs_one_at_a_time():
    parsers = ParserPool(2, seconds=10, megabytes=512, wait=0.05)
    assert parsers.parse(BytesIO(MAIL)).subject == "One"
    with parsers.parser() as one:
        with parsers.parser() as two:
            two.parse(BytesIO(MAIL))
            with pytest.raises(Busy):
                parsers.parse(BytesIO(MAIL))
            assert pid_of(one) != pid_of(two)
        assert parsers.extract(BytesIO(MAIL), 0, BytesIO()) is None
    parsers.close()


def test_a_pool_works_after_a_fork():
    """As in gunicorn's workers, if something has used it before."""
    code = f"""
import io, os
from mail.parsing.pool import ParserPool
pool = ParserPool(1, seconds=10, megabytes=512)
assert pool.parse(io.BytesIO({MAIL!r})).subject == "One"
with pool.parser() as used:
    child = os.fork()
    if child == 0:
        assert pool.parse(io.BytesIO({MAIL!r})).subject == "One"
        assert used.parse(io.BytesIO({MAIL!r})).subject == "One"
        pool.close()
        used.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert used.parse(io.BytesIO({MAIL!r})).error is None
pool.close()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (run.stderr, run.returncode) == ("", 0)
