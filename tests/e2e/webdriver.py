"""Drives Debian's chromium by chromedriver, as W3C WebDriver says: JSON over HTTP.

Eight requests are all that a test of one page needs, and the library for them, selenium, brings ten
further packages to be pinned. Both programs come from tools/setup.
"""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

MISSING = "chromium or chromedriver is missing: run tools/setup"


def find():
    """(chromium, chromedriver), or None."""
    programs = (shutil.which("chromium"), shutil.which("chromedriver"))
    return programs if all(programs) else None


class Browser:
    """A chromium without a screen, with one window. Its log and its requests are recorded."""

    def __init__(self, scratch, bound, width=1280, height=900):
        chromium, driver = find()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.bound = bound
        self.base = f"http://127.0.0.1:{port}"
        self.log = open(scratch / "chromedriver.log", "wb")
        self.process = subprocess.Popen([driver, f"--port={port}"], stdout=self.log,
                                        stderr=self.log)
        self._await_driver()
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--no-first-run", "--disable-background-networking",
                     f"--user-data-dir={scratch / 'profile'}", f"--window-size={width},{height}"]
        options = {"binary": chromium, "args": arguments}
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.base += "/session/" + session["sessionId"]
        self.requested = []  # URLs.
        self.messages = []   # What the console showed.

    def _await_driver(self):
        end = time.monotonic() + self.bound
        while True:
            with contextlib.suppress(OSError, KeyError):
                if self._ask("GET", "/status")["ready"]:
                    return
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("chromedriver does not start")
            time.sleep(0.05)

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.bound) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:500]}") from None

    def open(self, url):
        self._ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function body in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, is_dark):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])

    def press(self, key):
        for kind in ("rawKeyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                          windowsVirtualKeyCode={"Tab": 9, "ArrowLeft": 37}[key])

    def screenshot(self, path):
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def collect(self):
        """Takes what was logged and requested since the last time."""
        self.messages += [f"{one['level']} {one['message']}"
                          for one in self._ask("POST", "/se/log", {"type": "browser"})]
        for one in self._ask("POST", "/se/log", {"type": "performance"}):
            event = json.loads(one["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                self.requested.append(event["params"]["request"]["url"])

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self._ask("DELETE", "")
        self.process.terminate()
        self.process.wait()
        self.log.close()
