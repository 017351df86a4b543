"""A lock that one process holds on a folder, and that the system takes from a process that dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rnnkit.errors import ConfigError

LOCK_NAME = ".rnnkit-lock"

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        os.lseek(file, 1 << 20, os.SEEK_SET)  # past the text, which others must be able to read
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class FolderLock:
    """Holds a folder, which is created if there is none, against other processes.

    The lock is the operating system's and lies on the file `.rnnkit-lock` in the folder. It ends
    with the process, however that ends, so that no lock is ever stale; the file may stay and marks
    the folder as rnnkit's. A folder that is renamed stays locked.

    Args:
        folder: to hold.

    Raises:
        ConfigError: if another process holds it; its number is named.
        OSError: if the folder cannot be created or locked.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        while True:
            folder.mkdir(exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            if not _try_lock(file):
                holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
                os.close(file)
                raise ConfigError(
                    f"{folder} is being written by another process, number {holder}: wait until "
                    "it ends, or choose another name"
                )
            # The holder before may have moved or removed the folder since the file was opened.
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                break
            os.close(file)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file: int | None = file

    def release(self) -> None:
        """Let go of the folder, if it is still held; the file stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
