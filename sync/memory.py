"""What stands in the memory of a process and must not be written to a disk."""

import contextlib


def keep_memory_off_the_disk() -> None:
    """After a crash of this process the system writes no core dump: keys and codes would stand in it."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
