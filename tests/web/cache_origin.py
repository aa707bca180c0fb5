#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""An origin whose answers are described by the path: cache_origin.py ADDRESS PORT.

  /DESCRIPTION/NAME   DESCRIPTION, percent-encoded: parts separated by '|':
     Name:value       a header; ETag is compared with If-None-Match
     status=404 sleep=0.5 size=1000 chunked
  The body is "ID CODINGS COOKIE" (a new ID each time) and as many bytes more as size says.
  /=count/PATH        how often PATH was asked, and how often in part: for the test itself
  /=down/STATUS       all others answer so from now on; 0: as described again; 1: the connection is closed
"""
import http.server
import sys
import threading
import time
import urllib.parse

asked, ranges, lock, down, serial = {}, {}, threading.Lock(), 0, 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def order(self):
        global down
        _, word, rest = self.path.split("/", 2)
        if word == "=down":
            down = int(rest)
            return self.say(200, [])
        return self.say(200, [], b"%d %d\n" % (asked.get("/" + rest, 0), ranges.get("/" + rest, 0)))

    def chunks(self, body, size):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        piece = bytes(1 << 20)
        while size > 0:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece[:size]), piece[:size]))
            size -= len(piece)
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        global serial
        if self.path.startswith("/="):
            return self.order()
        if self.headers.get("Content-Length"):
            self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            asked[self.path] = asked.get(self.path, 0) + 1
            ranges[self.path] = ranges.get(self.path, 0) + ("Range" in self.headers)
            serial += 1
            own = serial
        if down == 1:
            self.close_connection = True
            return None
        if down:
            return self.say(down, [])
        status, headers, sleep, size, chunked = 200, [], 0, 0, False
        for part in urllib.parse.unquote(self.path.split("/")[1]).split("|"):
            if part.startswith("status="):
                status = int(part[7:])
            elif part.startswith("sleep="):
                sleep = float(part[6:])
            elif part.startswith("size="):
                size = int(part[5:])
            elif part == "chunked":
                chunked = True
            elif ":" in part:
                headers.append(tuple(part.split(":", 1)))
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "text/plain"))
        time.sleep(sleep)
        body = "{} {} {}\n".format(own, self.headers.get("Accept-Encoding", "-").replace(" ", ""),
                                   self.headers.get("Cookie", "-")).encode()
        if dict(headers).get("ETag", "-") == self.headers.get("If-None-Match"):
            return self.say(304, headers)
        if chunked:
            self.send_response(status)
            for name, value in headers + [("Transfer-Encoding", "chunked")]:
                self.send_header(name, value)
            self.end_headers()
            return self.chunks(body, size)
        return self.say(status, headers, body + bytes(size))

    do_HEAD = do_POST = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1000


Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
