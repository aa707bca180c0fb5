# SPDX-License-Identifier: BSD-2-Clause
"""Sockets inside network namespaces of a lab, for one program that plays both sides."""
import contextlib
import ctypes
import os

CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(namespace):
    """Sockets that this thread makes meanwhile are of that namespace, and stay so."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(here).st_ino == os.fstat(there).st_ino:
            raise SystemExit("packets are sent inside namespaces of a lab only")
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        try:
            yield
        finally:
            if libc.setns(here, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot go back")
    finally:
        os.close(here)
        os.close(there)
