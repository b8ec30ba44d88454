"""The page of a node in a real browser: what it shows, from whom, and who can use it.

Screenshots are kept where --scratch says, in page/, to be looked at.
"""

import asyncio
import http.client
import json
import unittest

import harness
import webdriver
from harness import OWN_IP, Scenario, eventually

DONE = 0

# Canvases that show something: more than one colour in them.
DRAWN = """return [...document.querySelectorAll('figure canvas')].map((canvas) => {
  const {width, height} = canvas;
  if (!width || !height) return 0;
  const copy = Object.assign(document.createElement('canvas'), {width, height});
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(canvas, 0, 0);
  return new Set(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)).size;
})"""
# The name of what has the focus.
FOCUSED = """const at = document.activeElement;
return at === document.body ? '' : at.id || at.getAttribute('aria-label') || at.textContent"""
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def fetch(endpoint, path, headers=None):
    """(status, fields, body) of a GET."""
    connection = http.client.HTTPConnection(*harness.address(endpoint), timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


class Page(Scenario):
    async def node(self, *arguments):
        node = await self.xord("--admin", f"{OWN_IP}:0", *arguments)
        return node, node.ready["admin"][0]

    async def browser(self):
        if webdriver.find() is None:
            raise unittest.SkipTest(webdriver.MISSING)
        browser = await asyncio.to_thread(webdriver.Browser, self.scratch, harness.seconds(60))
        self.addCleanup(browser.close)
        return browser

    async def shown(self, browser, endpoint):
        """Opens the page, and returns once an event and all history were drawn."""
        await asyncio.to_thread(browser.open, f"http://{endpoint}/")
        await eventually(lambda: browser.run("return page.event !== null"), 30, "an event")
        await eventually(lambda: all(colours > 1 for colours in browser.run(DRAWN)), 30,
                         "all charts drawn")

    def keep(self, browser, name):
        place = harness.options.scratch
        place = self.scratch if place is None else harness.pathlib.Path(place)
        (place / "page").mkdir(parents=True, exist_ok=True)
        browser.screenshot(place / "page" / f"{name}.png")

    def check_quiet(self, browser, endpoint):
        """The console is empty, and nobody but the node was asked."""
        browser.collect()
        self.assertEqual(browser.messages, [])
        strangers = [url for url in browser.requested
                     if not url.startswith((f"http://{endpoint}/", "chrome", "about:", "data:"))]
        self.assertEqual(strangers, [])
        self.assertIn(f"http://{endpoint}/v1/events", browser.requested)

    async def test_the_files_are_served_once_and_by_rules_for_browsers(self):
        _, endpoint = await self.node()
        total = 0
        for path in ("/", "/page.css", "/page.js", "/network.js", "/favicon.svg"):
            status, fields, body = fetch(endpoint, path)
            self.assertEqual(status, 200, path)
            self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
            self.assertEqual(fields["Referrer-Policy"], "no-referrer")
            total += len(body)
            again, more, nothing = fetch(endpoint, path, {"If-None-Match": fields["ETag"]})
            self.assertEqual((again, nothing, more["ETag"]), (304, b"", fields["ETag"]))
            self.assertEqual(fetch(endpoint, path, {"If-None-Match": '"other"'})[0], 200)
            if path == "/":
                self.assertIn("default-src 'self'", fields["Content-Security-Policy"])
        self.assertLessEqual(total, 120 * 1024)

    async def test_the_figures_are_those_of_the_counters(self):
        node, endpoint = await self.node()
        browser = await self.browser()
        await self.shown(browser, endpoint)
        done = await self.command("load", "--target", node.endpoint, "--mix", "ping=1,store=1",
                                  "--rate", 300, "--duration", "3s", bound=60)
        self.assertEqual(done.code, DONE, done)

        def is_equal():
            stats = json.loads(fetch(endpoint, "/v1/stats")[2])
            totals = browser.run("return page.event.totals")
            return stats["records"] > 0 and stats["total"]["node"]["requests_ping"] > 0 and (
                totals["requests_ping"] == stats["total"]["node"]["requests_ping"] and
                totals["requests_store"] == stats["total"]["node"]["requests_store"] and
                browser.run("return page.event.series.records") == stats["records"])
        await eventually(is_equal, 30, "the page's figures are those of /v1/stats")
        records = json.loads(fetch(endpoint, "/v1/stats")[2])["records"]
        text = browser.run("return document.getElementById('tiles').textContent")
        self.assertIn(f"records{records:,} ", text)
        self.assertEqual(browser.run("return document.getElementById('id').textContent"),
                         node.ready["id"])
        state = json.loads(fetch(endpoint, "/v1/status")[2])["state"]
        await eventually(lambda: browser.run("return document.getElementById('word').textContent"
                                             ) == state, 30, f"the state {state}")
        rows = browser.run("return document.querySelectorAll('#shards tbody tr').length")
        self.assertEqual(rows, harness.options.shards)
        self.assertIn("ready", browser.run("return document.getElementById('log').textContent"))
        pings = "return page.charts.hour[0].history.series.requests_ping.some((rate) => rate > 0)"
        await eventually(lambda: browser.run(pings), 40, "the load in the hour's chart")
        self.keep(browser, "loaded")
        self.check_quiet(browser, endpoint)

    async def test_it_can_be_read_narrow_and_dark_and_used_by_keyboard(self):
        _, endpoint = await self.node()
        browser = await self.browser()
        await self.shown(browser, endpoint)
        for name, width, is_dark in (("wide", 1280, False), ("dark", 1280, True),
                                     ("narrow", 360, False)):
            browser.look(width, 2600, is_dark)
            await eventually(lambda: browser.run("return innerWidth") == width, 10, name)
            self.assertLessEqual(browser.run(OVERFLOW), 0, name)
            await eventually(lambda: all(colours > 1 for colours in browser.run(DRAWN)), 10, name)
            self.keep(browser, name)
        reached = set()
        for _ in range(40):
            browser.press("Tab")
            reached.add(browser.run(FOCUSED))
        wanted = browser.run("""return [...document.querySelectorAll(
            'button, select, a, canvas[tabindex], [tabindex="0"]')]
            .filter((each) => !each.closest('noscript'))
            .map((each) => each.id || each.getAttribute('aria-label') || each.textContent)""")
        self.assertEqual(set(wanted) - reached, set())
        self.check_quiet(browser, endpoint)

    async def test_the_network_is_shown_and_a_lookup_traced(self):
        node, endpoint = await self.node()
        for _ in range(3):
            await self.xord("--bootstrap", node.endpoint)
        await eventually(lambda: len(json.loads(fetch(endpoint, "/v1/contacts")[2])["contacts"])
                         == 3, 30, "three contacts")
        browser = await self.browser()
        await self.shown(browser, endpoint)
        await eventually(lambda: browser.run("return network.contacts.length") == 3, 30, "the ring")
        self.assertEqual(browser.run("return network.buckets.map((row) => row.contacts)"
                                     ".reduce((all, one) => all + one, 0)"), 3)
        self.assertTrue(browser.run("return document.querySelector('#buckets tbody td') !== null"))
        ask = "document.querySelector('#%s input').value = '%s';" \
              "document.getElementById('%s').requestSubmit();"
        browser.run(ask % ("trace", "greeting", "trace"))
        await eventually(lambda: browser.run(
            "return document.querySelectorAll('#trace-calls tbody tr').length") == 3, 30, "3 calls")
        self.assertIn("answered", browser.run(
            "return document.getElementById('trace-calls').textContent"))
        self.assertIn("done: 3 calls in ", browser.run(
            "return document.getElementById('trace-said').textContent"))
        browser.run(ask % ("explain", "192.0.2.7", "explain"))
        said = "return document.getElementById('explain-said').textContent"
        await eventually(lambda: browser.run(said).startswith("192.0.2.7 must answer"), 30,
                         "an explanation")
        self.keep(browser, "network")
        self.check_quiet(browser, endpoint)
        browser.run(ask % ("explain", "nowhere", "explain"))
        await eventually(lambda: "without a port" in browser.run(said), 30,
                         "the node's own sentence")

    async def test_many_shards_have_a_row_each(self):
        _, endpoint = await self.node("--shards", "64", "--memory-max", "256MiB")
        browser = await self.browser()
        await self.shown(browser, endpoint)
        self.assertEqual(browser.run("return document.querySelectorAll('#shards tbody tr').length"),
                         64)
        self.assertGreater(browser.run("return page.event.number"), 0)
        self.keep(browser, "shards")
        self.check_quiet(browser, endpoint)


if __name__ == "__main__":
    harness.main(needs_peers=False)
