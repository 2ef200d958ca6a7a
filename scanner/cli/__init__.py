"""The command `smguard`: what starts it, and every way out of it."""

from __future__ import annotations

import os
import sys

from scanner.model import SmguardError

EXIT_ERROR, EXIT_CRASH = 2, 4


def main() -> None:
    """Run the command line; every way out of it is an exit code that `--help` explains."""
    try:
        code = _run(sys.argv[1:])
    except SmguardError as error:
        complain(f"Error: {error.what}", error.hint)
        code = EXIT_ERROR
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if os.environ.get("SMGUARD_DEBUG"):
            raise
        hint = "this is a defect of smguard: run again with SMGUARD_DEBUG=1 and report what it prints"
        complain(f"smguard crashed: {type(error).__name__}", hint)
        code = EXIT_CRASH
    sys.exit(code)


def _run(words: list[str]) -> int:
    # To what completes words in a shell, and to wild cards where the shell leaves them, click sees.
    if words[:1] == ["scan"] and os.name != "nt" and "_SMGUARD_COMPLETE" not in os.environ:
        from scanner.cli import option, scan
        from scanner.cli.shared import single_output

        options = option.read(words[1:], scan.OPTIONS)
        if options is not None and single_output(options["formats"], options["files"]):
            return scan.run(**options)
    from scanner.cli import commands

    return commands.run()


def complain(what: str, hint: str) -> None:
    """Say on standard error what went wrong, and what to do, if it is open and there is room."""
    from contextlib import suppress

    from scanner.safe_text import inert

    if sys.stderr is not None:  # without one, print would write to standard output
        with suppress(OSError):
            print(inert(what) + (f"\n  {inert(hint)}" if hint else ""), file=sys.stderr)
