#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""relay.py SOCKET HOST PORT: each connection to the Unix socket goes on to HOST:PORT, bytes as they are.

As systemd-socket-proxyd does it on a machine of one's own; here it also leads from one network namespace into another.
Ends when its standard input does.
"""
import os
import socket
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(listener, host, port):
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection((host, port), timeout=5)
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        for ends in ((near, far), (far, near)):
            threading.Thread(target=copy, args=ends, daemon=True).start()


path, host, port = sys.argv[1:]
if os.path.exists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
os.chmod(path, 0o666)
listener.listen(16)
threading.Thread(target=serve, args=(listener, host, int(port)), daemon=True).start()
sys.stdin.read()
os.unlink(path)
