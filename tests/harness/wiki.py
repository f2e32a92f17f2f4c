#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wiki.py ADDRESS PORT RATE: a small web site; /download never ends and is paced to RATE bytes a second."""
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!doctype html><title>Wiki</title><h1>Wiki</h1><p>What everybody here should know.</p>\n"
CHUNK = b"postern " * 2048


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rate = 1_000_000

    def do_GET(self):
        if self.path.startswith("/download"):
            self.stream()
        else:
            self.page(200 if self.path == "/" else 404)

    def page(self, status):
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def stream(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("connection", "close")
        self.end_headers()
        due = time.monotonic()
        try:
            while True:
                self.wfile.write(CHUNK)
                due += len(CHUNK) / self.rate
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError:
            pass  # the reader went away, or was sent away

    def log_message(self, text, *args):
        print(self.client_address[0], text % args, file=sys.stderr, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        # Not HTTPServer's: that one asks DNS for a name, and there is no DNS here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def main():
    Handler.rate = int(sys.argv[3])
    server = Server((sys.argv[1], int(sys.argv[2])), Handler)
    print("serving", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
