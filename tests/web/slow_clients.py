# SPDX-License-Identifier: BSD-2-Clause
"""Clients that take their time, all at once: slow_clients.py ADDRESS HOST:KIND...

Says for each, in the order given, after how many seconds it was cut off, or "open" after LIMIT. Kinds:
header: a byte of the request's head a second; body: one of its body; read: 1 KB of a big answer a second;
steady-body, steady-read: slowly, but faster than the limit; pause-body, pause-read: fast at first, then nothing for ten seconds,
then the rest; idle-origin, idle-post: an answer that the origin takes its time for; http2-body: as body, over HTTP/2 and TLS; http2-read: a
window that never opens. small-body: as body, of one that is waited for before the origin is asked."""
import select, socket, ssl, sys, threading, time

LIMIT = 14
address = sys.argv[1]


def connect(small):
    s = socket.socket()
    if small:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((address, 80))
    return s


def is_cut(s):
    readable, _, _ = select.select([s], [], [], 0)
    if not readable:
        return False
    try:
        return s.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def head(host, method, path, more=b""):
    return b"%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (method, path, host.encode(), more)


def send_slowly(s, pieces, begin):
    for piece, pause in pieces:
        try:
            s.sendall(piece)
        except OSError:
            return time.time() - begin
        end = time.time() + pause
        while time.time() < end:
            if is_cut(s):
                return time.time() - begin
            time.sleep(0.05)
    return "open"


def read_slowly(s, size, pauses, begin):
    got = 0
    while time.time() - begin < LIMIT:
        try:
            piece = s.recv(size(got))
        except OSError:
            return time.time() - begin
        if not piece:
            # What was on its way comes first; then it is cut, or all is there.
            return "whole" if got > 8 << 20 else time.time() - begin
        got += len(piece)
        time.sleep(pauses(got))
    return "open"


def slow_header(host, begin):
    s = connect(False)
    return send_slowly(s, [(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", 1)] + [(b"a", 1)] * LIMIT, begin)


def body(pieces, length=100000):
    def run(host, begin):
        s = connect(False)
        s.sendall(head(host, b"POST", b"/", b"Content-Length: %d\r\n" % length))
        return send_slowly(s, pieces, begin)
    return run


def read(size, pauses, small=False):
    def run(host, begin):
        s = connect(small)
        s.sendall(head(host, b"GET", b"/big"))
        return read_slowly(s, size, pauses, begin)
    return run


def idle_origin(request):
    def run(host, begin):
        s = connect(False)
        s.sendall(request(host))
        s.settimeout(LIMIT)
        answer = s.recv(12)
        return "answered" if answer.startswith(b"HTTP/1.1 200") else "cut"
    return run


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def http2(host):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(socket.create_connection((address, 443)), server_hostname=host)


def http2_answer(s, answer, seconds):
    """The frame that ends it, RST_STREAM, GOAWAY or the head of an answer, if one comes in that time."""
    end = time.time() + seconds
    s.settimeout(0.2)
    while time.time() < end:
        try:
            answer += s.recv(4096)
        except (TimeoutError, socket.timeout):
            pass
        except OSError:
            return 7
        at = 0
        while at + 9 <= len(answer):
            if answer[at + 3] in (3, 7, 1):
                return answer[at + 3]
            at += 9 + int.from_bytes(answer[at:at + 3], "big")
    return None


def http2_body(length):
    def run(host, begin):
        s = http2(host)
        request = b"\x83\x84\x87\x01" + bytes([len(host)]) + host.encode()
        request += b"\x0f\x0d\x06%06d" % length  # content-length
        s.sendall(PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, request))
        answer = bytearray()
        while time.time() - begin < LIMIT:
            s.sendall(frame(0, 0, 1, b"a"))
            if http2_answer(s, answer, 1):
                return time.time() - begin
        return "open"
    return run


def http2_idle(host, begin):
    s = http2(host)
    request = b"\x83\x04\x05/late\x87\x01" + bytes([len(host)]) + host.encode() + b"\x0f\x0d\x0210"
    s.sendall(PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, request) + frame(0, 1, 1, b"0123456789"))
    return "answered" if http2_answer(s, bytearray(), LIMIT) == 1 else "cut"


def http2_read(begin_window):
    def run(host, begin):
        s = http2(host)
        # SETTINGS_INITIAL_WINDOW_SIZE; never more.
        s.sendall(PREFACE + frame(4, 0, 0, b"\0\4" + begin_window.to_bytes(4, "big")) + frame(1, 5, 1, b"\x82\x87\x04\x04/big\x01"
            + bytes([len(host)]) + host.encode()))
        while time.time() - begin < LIMIT:
            s.settimeout(LIMIT - (time.time() - begin))
            try:
                answer = s.recv(65536)
            except (TimeoutError, socket.timeout):
                break
            except OSError:
                return time.time() - begin
            # nginx ends the stream, not the connection: RST_STREAM.
            if not answer or (len(answer) >= 13 and answer[-13:-9] == b"\0\0\x04\x03"):
                return time.time() - begin
        return "open"
    return run


kinds = {
    "header": slow_header,
    "body": body([(b"a", 1)] * LIMIT),
    "steady-body": body([(b"a" * 800, 1)] * LIMIT),
    "pause-body": body([(b"a" * 20000, 10), (b"a" * 1000, 2)]),
    "read": read(lambda got: 1024, lambda got: 1, True),
    "steady-read": read(lambda got: 65536, lambda got: 0.05),
    "pause-read": read(lambda got: 65536, lambda got: 10 if 1 << 20 < got < (1 << 20) + 65536 else 0),
    "small-body": body([(b"a", 1)] * LIMIT, 1000),
    "idle-origin": idle_origin(lambda host: head(host, b"GET", b"/late")),
    "idle-post": idle_origin(lambda host: head(host, b"POST", b"/late", b"Content-Length: 10\r\n") + b"0123456789"),
    "http2-body": http2_body(100000),
    "http2-small-body": http2_body(1000),
    "http2-idle-post": http2_idle,
    "http2-read": http2_read(100),
}
results = {}


def run(place, client):
    begin = time.time()
    host, kind = client.split(":")
    result = kinds[kind](host, begin)
    results[place] = result if isinstance(result, str) else "%.1f" % result


threads = [threading.Thread(target=run, args=pair) for pair in enumerate(sys.argv[2:])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(" ".join(results[i] for i in range(len(results))))
