"""A process that becomes `smguard` again and again: what each needs is imported once, before it forks.

Run with a socket as its standard input. A message holds the arguments, the folder and the environment's
additions, and the files for the streams; the answer is the exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping

from scanner.__main__ import main

OFTEN = ("cli.scan", "planning", "report.json_report", "survey", "template.yaml_reader")


def serve(calls: socket.socket, limits: Mapping[int, int]) -> None:
    """Fork for each message until there are no more; returns in the new processes."""
    while True:
        message, streams, _, _ = socket.recv_fds(calls, 1 << 20, 3)
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            break
        for stream in streams:
            os.close(stream)
        calls.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    calls.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    words, folder, environment = json.loads(message)
    sys.argv[1:] = words
    os.environ.update(environment)
    os.chdir(folder)
    signal.alarm(60)  # ends what waits for ever
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    for name in OFTEN:
        importlib.import_module(f"scanner.{name}")
    given = {getattr(resource, name): int(most) for name, most in (it.split("=") for it in sys.argv[1:])}
    connection = socket.socket(fileno=os.dup(0))
    serve(connection, given)
    main()
