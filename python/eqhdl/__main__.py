"""The command line: ``eqhdl`` or ``python -m eqhdl``."""

import os
import signal
import sys

from ._eqhdl import run_command_line


def main() -> None:
    """Runs the words of ``sys.argv`` and ends the process with their exit code."""
    program = sys.argv[0]
    if os.path.basename(program) == "__main__.py":
        program = "eqhdl"
    # Signals are the command line's to handle, not Python's.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command_line([program, *sys.argv[1:]]))


if __name__ == "__main__":
    main()
