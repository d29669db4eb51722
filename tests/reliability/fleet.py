"""Processes that may crash, hang or be killed: forked, so that none has to import anything.

Python's `multiprocessing` does not say which item of a list a process died at; this does.
"""

import json
import os
import select
import signal
import time


def fork(work):
    """Run a function in a forked process; its number. A `SystemExit` becomes the exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code if isinstance(code, int) else 1)


def wait(pid, seconds):
    """Exit code of a process, the negative number of the signal that ended it, or None in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def try_all(items, attempt, seconds):
    """What becomes of each item: what ``attempt`` says of it, ``'crash'`` or ``'hang'``.

    Args:
        items: Anything.
        attempt: Takes an item, gives a text; runs in a forked process.
        seconds: How long one may take.
    """
    outcomes = []
    while len(outcomes) < len(items):
        reader, writer = os.pipe()
        rest = items[len(outcomes) :]

        def work(rest=rest, writer=writer):
            for item in rest:
                os.write(writer, (json.dumps(attempt(item)) + '\n').encode())

        pid = fork(work)
        os.close(writer)
        buffer, ended = b'', None
        while ended is None and len(outcomes) < len(items):
            ready, _, _ = select.select([reader], [], [], seconds)
            chunk = os.read(reader, 1 << 16) if ready else None
            if not ready:
                ended = 'hang'
            elif not chunk:
                ended = 'crash'
            else:
                *lines, buffer = (buffer + chunk).split(b'\n')
                outcomes += [json.loads(line) for line in lines]
        if ended is not None and len(outcomes) < len(items):
            outcomes.append(ended)
        os.close(reader)
        wait(pid, 0.5 if ended == 'hang' else 30)
    return outcomes
