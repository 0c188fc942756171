"""A child may print anything, hang, fork or die: its runner stays small and leaves no one behind."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from chainops.core.errors import ExitCode
from chainops.core.process import (
    Command,
    Completed,
    LocalProcessRunner,
    MemoryProcessRunner,
    OutputLimitError,
    ScriptedAnswer,
    Sink,
    ToolMissingError,
    clean_environment,
)
from chainops.core.process_tree import marked_processes
from chainops.core.secrets import Masker

MARKER = f"test-{os.getpid()}/process/"


def command(
    script: str,
    *arguments: str,
    cwd: Path = Path("/"),
    timeout_s: float | None = 20.0,
    stdin: bytes = b"",
    keep_stdout_bytes: int = 1 << 20,
    quiet_stdout: bool = False,
    marker: str = "",
    grace_s: float = 1.0,
) -> Command:
    return Command(
        argv=(sys.executable, "-I", "-S", "-c", textwrap.dedent(script), *arguments),
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        timeout_s=timeout_s,
        stdin=stdin,
        keep_stdout_bytes=keep_stdout_bytes,
        quiet_stdout=quiet_stdout,
        marker=marker,
        grace_s=grace_s,
    )


class Watched:
    """A sink that lets a test wait for what the child has to say."""

    def __init__(self, *words: bytes) -> None:
        self.seen = bytearray()
        self.said = {word: asyncio.Event() for word in words}

    def __call__(self, data: bytes) -> None:
        self.seen += data
        for word, event in self.said.items():
            if word in self.seen:
                event.set()

    async def until(self, word: bytes) -> None:
        await asyncio.wait_for(self.said[word].wait(), 10)


async def run(script: str, *, masker: Masker | None = None, sink: Sink | None = None) -> Completed:
    return await LocalProcessRunner(masker).run(command(script), sink)


def is_gone(pid: int) -> bool:
    """Whether a process ends: one that has been killed may need a moment to be gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 2)[0])
    finally:
        os.close(handle)


async def test_both_streams_and_the_exit_code_are_returned() -> None:
    done = await run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.text, done.error_text, done.returncode, done.timed_out) == ("out\n", "err\n", 3, False)


async def test_a_child_that_was_killed_has_a_negative_code() -> None:
    done = await run("import os; os.kill(os.getpid(), 9)")
    assert done.returncode == -signal.SIGKILL


async def test_output_is_passed_on_while_the_child_still_runs() -> None:
    sink = Watched(b"ready")
    script = "import sys; print('ready', flush=True); sys.stdin.read()"
    task = asyncio.ensure_future(LocalProcessRunner().run(command(script, stdin=b"x" * (1 << 20)), sink))
    await sink.until(b"ready")
    assert (await task).returncode == 0


async def test_a_megabyte_on_stderr_does_not_block_a_child_that_prints_nothing_else() -> None:
    done = await run("import sys; sys.stderr.write('e' * (1 << 20)); print('after')")
    assert done.text == "after\n"
    assert done.stderr_tail == b"e" * (1 << 16)


async def test_the_end_of_stderr_is_kept() -> None:
    done = await run("import sys; sys.stderr.write('e' * (1 << 20) + 'the reason')")
    assert done.error_text.endswith("the reason")


async def test_output_beyond_the_limit_is_counted_and_not_taken_for_the_whole() -> None:
    limited = command("print('x' * 999)", keep_stdout_bytes=100)
    done = await LocalProcessRunner().run(limited)
    assert (done.stdout, done.stdout_bytes, done.truncated) == (b"x" * 100, 1000, True)
    with pytest.raises(OutputLimitError, match="more than the 100 B"):
        done.whole_stdout()


PRINTS_FOR_EVER = """
    import itertools, sys
    for number in itertools.count():
        print("a line of a tool that does not know when to stop")
"""


async def test_a_tool_whose_result_does_not_fit_is_ended() -> None:
    endless = replace(command(PRINTS_FOR_EVER, keep_stdout_bytes=3 << 20), stdout_must_fit=True)
    with pytest.raises(OutputLimitError, match=r"python\S* printed more than the 3.1 MB") as caught:
        await LocalProcessRunner().run(endless)
    assert caught.value.exit_code is ExitCode.MACHINE
    assert caught.value.hint


async def test_a_result_of_several_megabytes_arrives_whole() -> None:
    size = 3 << 20
    script = f"import sys; sys.stdout.write('x' * {size - 3} + 'end')"
    done = await LocalProcessRunner().run(command(script, keep_stdout_bytes=size))
    assert (done.whole_stdout()[-4:], len(done.stdout)) == (b"xend", size)


async def test_the_twin_refuses_a_result_that_does_not_fit() -> None:
    twin = MemoryProcessRunner(ScriptedAnswer(when="", stdout=b"x" * 9))
    with pytest.raises(OutputLimitError):
        await twin.run(replace(command("", keep_stdout_bytes=8), stdout_must_fit=True))


async def test_output_within_the_limit_is_the_whole() -> None:
    done = await LocalProcessRunner().run(command("print('x' * 99)", keep_stdout_bytes=100))
    assert done.whole_stdout() == b"x" * 99 + b"\n"


async def test_a_result_on_stdout_stays_out_of_the_log() -> None:
    sink = Watched()
    script = "import sys; print('{}'); print('compiling', file=sys.stderr)"
    done = await LocalProcessRunner().run(command(script, quiet_stdout=True), sink)
    assert (done.text, bytes(sink.seen)) == ("{}\n", b"compiling\n")


async def test_bytes_that_are_not_utf8_arrive_unchanged_and_decode_with_a_replacement() -> None:
    done = await run(r"import sys; sys.stdout.buffer.write(b'caf\xe9\xff')")
    assert (done.stdout, done.text) == (b"caf\xe9\xff", "caf��")


async def test_a_secret_printed_in_pieces_never_reaches_the_log() -> None:
    sink = Watched()
    script = """
        import sys
        for piece in ("key=hun", "ter", "22 end\\n"):
            sys.stdout.write(piece); sys.stdout.flush()
            sys.stderr.write(piece); sys.stderr.flush()
    """
    done = await run(script, masker=Masker(["hunter22"]), sink=sink)
    assert b"hunter22" not in sink.seen
    assert sink.seen.count(b"***") == 2
    assert done.error_text == "key=*** end\n"


async def test_a_secret_at_the_cut_of_the_kept_stderr_is_not_half_shown() -> None:
    # the last 64 KiB begin in the middle of the secret
    script = "import sys; sys.stderr.write('hunter22' + 'e' * (200000))"
    for extra in range(1, 8):
        kept = f"import sys; sys.stderr.write('hunter22' + 'e' * ({(1 << 16) - extra}))"
        done = await run(kept, masker=Masker(["hunter22"]))
        assert not any(tail in done.error_text for tail in ("22", "r22", "ter"))
    assert "hunter" not in (await run(script, masker=Masker(["hunter22"]))).error_text


async def test_input_reaches_the_child() -> None:
    done = await LocalProcessRunner().run(command("print(len(input()))", stdin=b"x" * 300_000))
    assert done.text == "300000\n"


async def test_input_that_nobody_reads_is_no_error() -> None:
    done = await LocalProcessRunner().run(command("print('done')", stdin=b"x" * (4 << 20)))
    assert (done.text, done.returncode) == ("done\n", 0)


async def test_without_input_the_child_reads_an_end() -> None:
    done = await run("import sys; print(repr(sys.stdin.read()))")
    assert done.text == "''\n"


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    missing = Command(argv=("no-such-tool", "--version"), cwd=tmp_path, env={"PATH": "/usr/bin"})
    with pytest.raises(ToolMissingError, match="cannot start no-such-tool") as caught:
        await LocalProcessRunner().run(missing)
    assert caught.value.exit_code is ExitCode.MACHINE
    assert "doctor" in caught.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o755])
async def test_a_file_that_is_no_program_is_named(tmp_path: Path, mode: int) -> None:
    tool = tmp_path / "tool"
    tool.write_bytes(b"\x7fELFnot really")
    tool.chmod(mode)
    with pytest.raises(ToolMissingError, match="tool"):
        await LocalProcessRunner().run(Command(argv=(str(tool),), cwd=tmp_path, env={}))


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="gone"):
        await LocalProcessRunner().run(command("", cwd=tmp_path / "gone"))


async def test_the_child_sees_only_the_given_environment() -> None:
    os.environ["CHAINOPS_TEST_LEAK"] = "1"
    try:
        done = await run("import os; print(sorted(os.environ))")
    finally:
        del os.environ["CHAINOPS_TEST_LEAK"]
    assert "CHAINOPS_TEST_LEAK" not in done.text
    assert "HOME" not in done.text


def test_project_code_gets_a_private_home_and_no_keys(tmp_path: Path) -> None:
    os.environ["ETH_PRIVATE_KEY"] = "0x1"
    try:
        env = clean_environment(tmp_path, {"EXTRA": "yes"})
    finally:
        del os.environ["ETH_PRIVATE_KEY"]
    assert env["HOME"] == str(tmp_path)
    assert env["EXTRA"] == "yes"
    assert "ETH_PRIVATE_KEY" not in env
    assert env["PATH"] == os.environ["PATH"]


NAMES_SIGNALS = """
    import signal, sys, time
    def note(number, frame):
        print(signal.Signals(number).name, flush=True)
        if signal.Signals(number).name in sys.argv[1:]:
            sys.exit(7)
    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    print("ready", flush=True)
    while True:
        time.sleep(60)
"""


@pytest.mark.parametrize(
    ("ends_at", "printed", "code"),
    [
        ("SIGINT", ["SIGINT"], 7),
        ("SIGTERM", ["SIGINT", "SIGTERM"], 7),
        ("SIGKILL", ["SIGINT", "SIGTERM"], -signal.SIGKILL),
    ],
)
async def test_at_the_time_limit_signals_grow_harder_until_the_child_ends(
    ends_at: str, printed: list[str], code: int
) -> None:
    limited = command(NAMES_SIGNALS, ends_at, timeout_s=0.5, grace_s=0.3)
    done = await LocalProcessRunner().run(limited)
    assert done.timed_out
    assert done.text.split() == ["ready", *printed]
    assert done.returncode == code


async def test_output_before_the_time_limit_is_kept() -> None:
    done = await LocalProcessRunner().run(
        command("import time; print('half', flush=True); time.sleep(60)", timeout_s=0.5)
    )
    assert (done.text, done.timed_out) == ("half\n", True)


# a process that left the group, ignores polite signals, and keeps the pipes open or not
STRAY = """
    import os, signal, sys, time
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("stray", os.getpid(), ".", flush=True)
        if "detach" in sys.argv:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
        time.sleep(600)
        os._exit(0)
    if "stay" in sys.argv:
        time.sleep(600)
    if "wait" in sys.argv:
        sys.stdin.buffer.read(1)
"""


def stray_pid(output: bytes) -> int:
    return int(output.split(b"stray ")[1].split()[0])


@pytest.mark.parametrize("pipes", ["keep", "detach"])
async def test_a_grandchild_in_a_session_of_its_own_is_gone_after_the_time_limit(pipes: str) -> None:
    limited = command(STRAY, "stay", pipes, timeout_s=0.5, grace_s=0.2, marker=MARKER)
    done = await LocalProcessRunner().run(limited)
    assert done.timed_out
    assert is_gone(stray_pid(done.stdout))
    assert marked_processes(MARKER) == ()


async def test_a_grandchild_that_keeps_the_pipe_open_does_not_hold_us() -> None:
    done = await LocalProcessRunner().run(command(STRAY, "keep", grace_s=0.2, marker=MARKER))
    assert (done.returncode, done.timed_out) == (0, False)
    assert done.duration_s < 5
    assert is_gone(stray_pid(done.stdout))


async def test_an_unmarked_grandchild_that_keeps_the_pipe_open_does_not_hold_us_either() -> None:
    child = command(STRAY, "keep", grace_s=0.1)
    done = await LocalProcessRunner().run(child)
    pid = stray_pid(done.stdout)
    try:
        assert (done.returncode, done.timed_out) == (0, False)
    finally:
        os.kill(pid, signal.SIGKILL)


async def test_background_children_of_the_same_group_are_ended_with_their_parent() -> None:
    script = """
        import os, time
        if (pid := os.fork()) == 0:
            time.sleep(600)
        print("stray", pid)
    """
    done = await LocalProcessRunner().run(command(script, grace_s=0.2))
    assert is_gone(stray_pid(done.stdout))


async def test_cancelling_ends_the_child_and_what_it_started() -> None:
    sink = Watched(b" .")
    runner = LocalProcessRunner()
    task = asyncio.ensure_future(
        runner.run(command(STRAY, "stay", "detach", marker=MARKER, grace_s=0.2), sink)
    )
    await sink.until(b" .")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_gone(stray_pid(bytes(sink.seen)))
    assert marked_processes(MARKER) == ()


async def test_a_child_may_tidy_up_even_when_it_is_cancelled_twice() -> None:
    script = """
        import sys, time
        try:
            print("ready", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            print("saving", flush=True)
            time.sleep(0.3)
            print("saved", flush=True)
    """
    sink = Watched(b"ready", b"saving")
    task = asyncio.ensure_future(LocalProcessRunner().run(command(script, grace_s=5), sink))
    await sink.until(b"ready")
    task.cancel()
    await sink.until(b"saving")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert b"saved" in sink.seen


async def test_ending_one_command_leaves_the_others_of_its_attempt_alone() -> None:
    sink = Watched(b"ready")
    runner = LocalProcessRunner()
    other = asyncio.ensure_future(
        runner.run(command("import time; print('ready', flush=True); time.sleep(600)", marker=MARKER), sink)
    )
    await sink.until(b"ready")
    done = await runner.run(command(STRAY, "stay", timeout_s=0.4, grace_s=0.2, marker=MARKER))
    assert done.timed_out
    assert len(marked_processes(MARKER)) == 1
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    assert marked_processes(MARKER) == ()


async def test_a_sink_that_fails_ends_the_child_and_its_error_is_passed_on() -> None:
    class FullDiskError(Exception):
        pass

    def refuse(data: bytes) -> None:
        raise FullDiskError(data.decode())

    script = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(FullDiskError) as caught:
        await LocalProcessRunner().run(command(script, grace_s=0.3), refuse)
    assert is_gone(int(str(caught.value)))


PRINTS_200_MB = "import os; [os.write(1, b'x' * 65535 + b'\\n') for _ in range(3052)]"
MEASURES_ITSELF = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from chainops.core.process import Command, LocalProcessRunner
from chainops.core.secrets import Masker

def peak_kib():
    # ru_maxrss would begin with what the parent had when it forked
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

command = Command(argv=(sys.executable, "-I", "-S", "-c", sys.argv[1]), cwd=Path("/"), env={})
before = peak_kib()
done = asyncio.run(LocalProcessRunner(Masker(["hunter22"])).run(command, lambda data: None))
print(done.stdout_bytes, len(done.stdout), before, peak_kib())
"""


def test_a_child_that_prints_200_mb_costs_little_more_than_what_is_kept() -> None:
    measured = subprocess.run(
        [sys.executable, "-c", MEASURES_ITSELF, PRINTS_200_MB], capture_output=True, check=True, timeout=60
    )
    printed, kept, before_kib, after_kib = map(int, measured.stdout.split())
    assert printed == 3052 * 65536
    assert kept == 16_000_000
    assert after_kib - before_kib < 24 << 10, "one copy of the 16 MB that are kept"


async def test_the_twin_answers_from_its_script_and_remembers() -> None:
    twin = MemoryProcessRunner(
        ScriptedAnswer(when="--version", stdout=b"forge 1.2\n"),
        ScriptedAnswer(when="build", stdout=b"{}", stderr=b"warning\n", returncode=1),
    )
    sink = Watched()
    version = await twin.run(Command(argv=("forge", "--version"), cwd=Path("/"), env={}), sink)
    build = await twin.run(Command(argv=("forge", "build"), cwd=Path("/"), env={}, quiet_stdout=True), sink)
    assert (version.text, build.returncode) == ("forge 1.2\n", 1)
    assert bytes(sink.seen) == b"forge 1.2\nwarning\n"
    assert [c.argv[1] for c in twin.commands] == ["--version", "build"]


async def test_the_twin_refuses_what_its_script_does_not_know() -> None:
    with pytest.raises(ToolMissingError, match="no scripted answer for: forge test"):
        await MemoryProcessRunner().run(Command(argv=("forge", "test"), cwd=Path("/"), env={}))
