"""Where the command starts and ends, and `python -m scanner`."""

import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line."""
    # Starting and parsing make many containers and no circles: looking for circles less often saves a tenth.
    gc.set_threshold(50_000, 20, 20)
    from scanner.cli import main as run

    try:
        run()
    except SystemExit as ending:
        _leave(ending)


def _leave(ending: SystemExit) -> None:
    """End at once: to take apart what the system is about to drop anyway takes some milliseconds."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        raise ending from None
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    if isinstance(ending.code, int):
        os._exit(ending.code)
    raise ending


if __name__ == "__main__":
    main()
