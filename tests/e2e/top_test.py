"""`xord top` on a terminal: what is drawn, its keys, a change of its size, and its end. The node is
a program of this test that plays events on a control socket, so that each figure is known."""

import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

import harness

BOUND = 30  # Seconds for what takes none.
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|\([0-9A-B]|[=>78M])")


class Node:
    """Answers GET /v1/events with one event after the other, and `limits` on other connections."""

    def __init__(self, directory):
        self.event = {"state": "ready", "uptime_s": 61, "id": "a" * 40, "version": "0.1.0",
                      "reasons": [{"name": "contacts", "status": "warn", "detail": "3 answer"}],
                      "series": {"requests_ping": 1234.0},
                      "shards": [{"busy": 0.25, "requests": 10, "records": 5, "queue": 0,
                                  "turn_s": 0.001}],
                      "log": [{"number": 1, "time_s": 1796018400.1, "level": "info",
                               "message": "evil\x1b[31m", "fields": {"a": "b"}}]}
        self.limits = {"limits": "on", "prefixes": [
            {"prefix": "192.0.2.7/32", "charged": {"work": 80, "excess": 8192, "reads": 8},
             "limits": []}]}
        self.is_over = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(pathlib.Path(directory) / "control"))
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            asked = connection.recv(65536)
            try:
                if asked.startswith(b"GET /v1/events "):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                    while not self.is_over:
                        connection.sendall(b"data: " + json.dumps(self.event).encode() + b"\n\n")
                        time.sleep(0.05)
                    return
                while asked:
                    connection.sendall(json.dumps({"result": self.limits}).encode() + b"\n")
                    asked = connection.recv(65536)
            except OSError:
                pass

    def close(self):
        self.is_over = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Top(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = scratch.name
        self.node = Node(self.directory)
        self.addCleanup(self.node.close)

    def start(self, *arguments, **environment):
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.resize(24, 100, slave)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.addCleanup(os.close, slave)
        os.set_blocking(self.master, False)
        self.written = b""
        self.top = subprocess.Popen(
            [harness.options.xord, "top", "--data-dir", self.directory, *arguments], stdin=slave,
            stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
        self.addCleanup(self.end, self.top)

    def end(self, top):
        if top.poll() is None:
            top.kill()
        top.wait()

    def resize(self, lines, columns, terminal):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self):
        try:
            self.written += os.read(self.master, 65536)
        except OSError:
            pass
        return ESCAPES.sub(b" ", self.written).decode(errors="replace")

    def wait_for(self, what, description):
        deadline = time.monotonic() + harness.seconds(BOUND)
        while not what():
            self.assertLess(time.monotonic(), deadline, f"{description}: {self.read()!r}")
            time.sleep(0.01)

    def see(self, text):
        self.wait_for(lambda: text in self.read(), text)

    def press(self, key):
        """From here on, only what is drawn afterwards counts."""
        self.read()
        self.written = b""
        os.write(self.master, key)

    def ended(self):
        self.wait_for(lambda: self.read() is not None and self.top.poll() is not None, "end")
        self.read()
        return self.top.returncode

    def test_it_draws_what_the_node_sends_and_q_gives_the_terminal_back(self):
        self.start()
        for text in ("ready  up 1m1s", "ping 1234", "SHARD", "25 %", "SOURCES", "192.0.2.7/32",
                     "LOG", "info evil\\x1b[31m a=b"):
            self.see(text)
        self.assertNotIn(b"\x1b[31m a=b", self.written, "a log line is text")
        self.assertIn(b"\x1b[?1049h", self.written, "the screen of its own")
        self.press(b"q")
        self.assertEqual(self.ended(), 0)
        self.assertIn(b"\x1b[?1049l", self.written, "what was there is there again")
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_keys_change_the_page_the_order_and_whether_it_moves(self):
        self.start()
        self.see("*REQUESTS/S")
        self.press(b"s")
        self.see("*BEYOND")
        self.press(b"h")
        self.see("3 answer")
        self.press(b"h")
        self.see("SHARD")
        self.press(b"?")
        self.see("order sources by")
        self.press(b"p")
        self.see("[paused]")
        self.node.event = {**self.node.event, "state": "isolated"}
        self.press(b"?")
        self.see("SHARD")
        self.assertNotIn("isolated", self.read())
        self.press(b"p")
        self.see("isolated")

    def test_it_draws_again_when_the_size_changes(self):
        self.start()
        self.see("LOG")
        self.press(b"")
        self.resize(8, 40, self.slave)
        self.top.send_signal(signal.SIGWINCH)
        self.see("LOG")
        self.assertNotIn("commit p99", self.read(), "it is beyond the 40th column")
        self.press(b"")
        self.resize(30, 120, self.slave)
        self.top.send_signal(signal.SIGWINCH)
        self.see("commit p99")

    def test_ctrl_c_and_the_count_end_it(self):
        self.start()
        self.see("LOG")
        self.top.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(), 0)
        self.assertEqual(termios.tcgetattr(self.slave), self.before)
        self.start("--count", "3")
        self.assertEqual(self.ended(), 0)

    def test_a_node_that_ends_is_named_below_the_screen(self):
        self.start()
        self.see("LOG")
        self.node.is_over = True
        self.assertEqual(self.ended(), 4)
        self.assertIn(f"the node on {self.directory} has ended.", self.read())
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_no_color_is_obeyed(self):
        self.start(NO_COLOR="1")
        self.see("LOG")
        self.assertIsNone(re.search(rb"\x1b\[[0-9;]*3[0-7]m", self.written))
        self.start()
        self.see("LOG")
        self.assertIsNotNone(re.search(rb"\x1b\[[0-9;]*3[0-7]m", self.written))

    def test_a_terminal_of_an_unknown_type_is_refused(self):
        self.start(TERM="no-such-terminal")
        self.assertEqual(self.ended(), 4)
        self.assertIn('cannot draw on a terminal of the type "no-such-terminal"', self.read())

    def test_a_pipe_gets_rows(self):
        for arguments, begin in (((), "STATE"), (("--json",), "{")):
            done = subprocess.run([harness.options.xord, "top", "--data-dir", self.directory,
                                   "--count", "2", *arguments], capture_output=True, text=True,
                                  timeout=harness.seconds(BOUND), check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(begin), done.stdout)
            self.assertNotIn("\x1b", done.stdout)


if __name__ == "__main__":
    harness.main(needs_peers=False)
