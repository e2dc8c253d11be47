# A slow application that serves one request at a time: http.server has one thread, and each request sleeps.
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECONDS = float(os.environ.get("SECONDS", "2"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(SECONDS)
        body = f"hello from process {os.getpid()}, {self.command} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass  # the edge tells each request already


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
