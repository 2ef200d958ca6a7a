"""Runs one command and prints what it took: exit code, CPU seconds, wall seconds, peak KiB.

A process of its own, and a small one: a child's peak memory is at least that of the process that starts it.
"""

import os
import sys
from time import perf_counter

nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
start = perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(process, 0)
wall = perf_counter() - start
peak = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, wall, peak)
