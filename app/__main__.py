"""`kaxia`: no argument opens the window; a command runs headless."""

import sys


def main() -> int:
    """The exit code: 0 done, 1 refused, 2 usage."""
    arguments = sys.argv[1:]
    from app import bootstrap  # after the arguments: a usage error costs nothing

    if bootstrap.wants_window(arguments):
        return bootstrap.run_window(arguments)
    return bootstrap.run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
