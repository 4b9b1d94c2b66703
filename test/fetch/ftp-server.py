"""An FTP server for tests: pyftpdlib, and what the options (JSON, see servers.ts) take away from it."""

import json
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler, ThrottledDTPHandler
from pyftpdlib.servers import FTPServer

top, options = sys.argv[1], json.loads(sys.argv[2])

authorizer = DummyAuthorizer()
if "user" in options:
    authorizer.add_user(options["user"], options["password"], top, perm="elr")
else:
    authorizer.add_anonymous(top, perm="elr")


class Cut(DTPHandler):
    """Ends a transfer early, as if the file ended there."""

    def push_with_producer(self, producer):
        more = producer.more
        left = [options["cutAfter"]]

        def cut():
            piece = more()[: left[0]]
            left[0] -= len(piece)
            return piece

        producer.more = cut
        super().push_with_producer(producer)

    def use_sendfile(self):
        return False


class Handler(FTPHandler):
    auth_failed_timeout = 0
    proto_cmds = {
        name: what
        for name, what in FTPHandler.proto_cmds.items()
        if not (options.get("noRest") and name == "REST")
        and not (options.get("old") and name in ("EPSV", "SIZE"))
    }


Handler.authorizer = authorizer
if "cutAfter" in options:
    Handler.dtp_handler = Cut
    Handler.use_sendfile = False
elif "rate" in options:
    Handler.dtp_handler = ThrottledDTPHandler
    ThrottledDTPHandler.read_limit = ThrottledDTPHandler.write_limit = options["rate"]
server = FTPServer((options["address"], options["port"]), Handler)
server.max_cons_per_ip = options.get("connections", 0)
server.serve_forever()
