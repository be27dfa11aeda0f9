"""`kaxia`: no argument opens the window; a command runs headless."""

import sys

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl+C ended."""


def main() -> int:
    """The exit code: 0 done, 1 refused, 2 usage, 130 interrupted."""
    arguments = sys.argv[1:]
    try:
        from app import bootstrap  # in here: whoever changes their mind while it loads sees no traceback

        if bootstrap.wants_window(arguments):
            return bootstrap.run_window(arguments)
        return bootstrap.run_command(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
