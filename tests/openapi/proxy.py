"""Stands between schemathesis and the service with a planted fault: one route answers what its document does not say.

    proxy.py SERVICE_PORT FAULT

Prints its own port. The faults: `status` (200 becomes 218), `body` (a field of the answer is left out), `broken` (500); `none` plants none.
"""

import http.client
import http.server
import json
import sys

SERVICE = int(sys.argv[1])
FAULT = sys.argv[2]
PATH = "/v1/session"


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        service = http.client.HTTPConnection("127.0.0.1", SERVICE, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        service.request(self.command, self.path, body=body, headers=headers)
        answer = service.getresponse()
        status, kind, content = answer.status, answer.headers.get("content-type"), answer.read()
        if self.command == "GET" and self.path == PATH and status == 200:
            if FAULT == "status":
                status = 218
            elif FAULT == "broken":
                status = 500
            elif FAULT == "body":
                said = json.loads(content)
                del said["must_change_password"]
                content = json.dumps(said).encode()
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        for name in ("allow", "retry-after", "location"):
            if answer.headers.get(name):
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def __getattr__(self, name):
        # Every method, also those that nobody has heard of: what they get is for the service to say.
        if name.startswith("do_"):
            return self.pass_on
        raise AttributeError(name)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
print(server.server_port, flush=True)
server.serve_forever()
