"""Runs a program. Each line of the standard input is the name of a thread of it, which is stopped, or goes on if it was."""

import ctypes
import os
import subprocess
import sys

ATTACH, DETACH = 16, 17
WAIT_FOR_THREADS = 0x40000000

ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def thread_of(pid, name):
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as comm:
            if comm.read().strip() == name:
                return int(thread)
    raise SystemExit(f"no thread {name}")


def ask(request, thread):
    if ptrace(request, thread, None, None) != 0:
        raise SystemExit(os.strerror(ctypes.get_errno()))


program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
stopped = set()
try:
    for line in sys.stdin:
        thread = thread_of(program.pid, line.strip())
        if thread in stopped:
            ask(DETACH, thread)
            stopped.remove(thread)
        else:
            ask(ATTACH, thread)
            os.waitpid(thread, WAIT_FOR_THREADS)
            stopped.add(thread)
        print("done", flush=True)
finally:
    program.kill()
