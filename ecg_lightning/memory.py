"""How the process holds its memory while a network trains on a CPU."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
DEFAULT = 128 << 10  # bytes, of both
LARGEST = 32 << 20  # bytes that may come from the heap; glibc takes no more
KEPT = 256 << 20  # bytes of it that stay with the process though nobody uses them


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let glibc keep what a training step frees, and give it back at the end; elsewhere nothing happens.

    A step frees and asks for the same large pieces again and again. By default each goes back to the system and is
    fetched page by page, which costs up to a quarter of the step.

    Source:
        mallopt(3), malloc_trim(3).
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):  # musl has none
        yield
        return
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        libc.mallopt(M_MMAP_THRESHOLD, DEFAULT)
        libc.mallopt(M_TRIM_THRESHOLD, DEFAULT)
        libc.malloc_trim(0)
