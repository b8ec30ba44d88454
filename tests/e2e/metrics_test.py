"""What Prometheus makes of a node: its own tools check a scrape, the alerts and the board, and its
Python client parses a scrape under load."""

import asyncio
import json
import pathlib
import re
import subprocess
import time
import unittest
import urllib.request

import harness
import promtool
from harness import OWN_IP, Scenario

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "tools/packaging/prometheus/xord.rules.yml"
RULES_TEST = ROOT / "tools/packaging/prometheus/xord_rules_test.yml"
BOARD = ROOT / "tools/packaging/grafana/xord.json"
NO_PROMTOOL = "promtool is missing: run `python3 tests/e2e/promtool.py` on a Debian"


def run_promtool(*words, stdin=""):
    tool = promtool.find()
    if tool is None:
        raise unittest.SkipTest(NO_PROMTOOL)
    return subprocess.run([tool, *map(str, words)], input=stdin, text=True, capture_output=True,
                          timeout=harness.seconds(300))


def board_expressions():
    """Each expression of the board with values in the place of Grafana's variables."""
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


def rule_expressions():
    text = re.sub(r"(?m)^ *#.*$", "", RULES.read_text())
    for alert in text.split("- alert:")[1:]:
        found = re.search(r"expr: (?:>-)?(.*?)\n +(?:for|labels):", alert, re.DOTALL)
        yield " ".join(found.group(1).split())


def metrics_of(expression):
    """{name: labels that it is asked for} of all metrics in an expression."""
    asked = {}
    for name, matchers in re.findall(r"\b((?:xord|process)_\w+)(\{[^}]*\})?", expression):
        asked.setdefault(name, set()).update(re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers))
    return asked


class Prometheus(Scenario):
    async def node(self, *arguments):
        node = await self.xord("--admin", f"{OWN_IP}:0", *arguments)
        return node, f"http://{node.ready['admin'][0]}/metrics"

    async def scrape(self, url):
        def get():
            with urllib.request.urlopen(url, timeout=harness.seconds(30)) as answer:
                return answer.read().decode()
        return await asyncio.to_thread(get)

    def parsed(self, text):
        """{(name, labels): value} and {family: type}, by Prometheus' own parser for Python."""
        from prometheus_client.parser import text_string_to_metric_families
        series, types = {}, {}
        for family in text_string_to_metric_families(text):
            types[family.name] = family.type
            self.assertTrue(family.documentation, family.name)
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                self.assertNotIn(key, series)
                series[key] = sample.value
        return series, types

    async def test_promtool_finds_nothing_to_say_about_a_scrape(self):
        _, url = await self.node()
        done = run_promtool("check", "metrics", stdin=await self.scrape(url))
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    async def test_a_scrape_under_load_is_parsed_and_no_counter_goes_back(self):
        node, url = await self.node()
        load = asyncio.create_task(self.command(
            "load", "--target", node.endpoint, "--duration", "3s", "--rate", 2000, bound=60))
        before, took = {}, []
        while not load.done():
            begin = time.monotonic()
            text = await self.scrape(url)
            took.append(time.monotonic() - begin)
            series, types = self.parsed(text)
            for key, value in before.items():
                name = key[0].removesuffix("_total").removesuffix("_bucket")
                if types.get(name) in ("counter", "histogram"):
                    self.assertGreaterEqual(series[key], value, key)
            before = series
        self.assertEqual((await load).code, 0, load.result())
        series, _ = self.parsed(await self.scrape(url))
        requests = sum(value for (name, _), value in series.items()
                       if name == "xord_requests_total")
        received = sum(value for (name, _), value in series.items()
                       if name == "xord_received_datagrams_total")
        stats = await node.stats()
        self.assertGreater(requests, 0)
        self.assertLessEqual(received, stats["total"]["io"]["received"])
        print(f"{len(series)} series, {len(text)} bytes: {harness.distribution(took)}")

    async def test_shards_are_shown_apart_or_summed(self):
        _, apart = await self.node()
        _, summed = await self.node("--metrics-shards", "off")
        self.assertIn('shard="0"', await self.scrape(apart))
        self.assertNotIn('shard="', await self.scrape(summed))

    async def test_alerts_and_board_ask_for_metrics_and_labels_that_exist(self):
        _, url = await self.node()
        series, _ = self.parsed(await self.scrape(url))
        labels = {}
        for name, pairs in series:
            labels.setdefault(name, {"instance", "job"}).update(label for label, _ in pairs)
        expressions = [*rule_expressions(), *board_expressions()]
        self.assertGreater(len(expressions), 60)
        for expression in expressions:
            asked = metrics_of(expression)
            self.assertTrue(asked or "up{" in expression, expression)
            for name, wanted in asked.items():
                self.assertIn(name, labels, expression)
                # A series of refused stores has the label, one of others does not.
                self.assertLessEqual(wanted, labels[name], expression)

    def test_promtool_accepts_the_alerts_and_each_fires_for_what_it_names(self):
        checked = run_promtool("check", "rules", RULES)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("15 rules found", checked.stdout)
        tested = run_promtool("test", "rules", RULES_TEST)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_each_alert_says_what_it_means_and_is_tested_both_ways_and_documented(self):
        rules = RULES.read_text()
        alerts = re.findall(r"- alert: (\w+)", rules)
        page = (ROOT / "docs/METRICS.md").read_text()
        tests = RULES_TEST.read_text()
        for word in ("severity:", "summary:", "description:", "First:"):
            self.assertEqual(rules.count(word), len(alerts), word)
        for alert in alerts:
            self.assertIn(f"alertname: {alert}}}", tests, "silent")
            self.assertIn(f'ALERTS{{alertname="{alert}",alertstate="firing"', tests)
            self.assertIn(f"| `{alert}` |", page)

    def test_promtool_parses_each_expression_of_the_board(self):
        rules = [{"record": f"board:{number}", "expr": expression}
                 for number, expression in enumerate(board_expressions())]
        file = self.scratch / "board.yml"
        file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
        done = run_promtool("check", "rules", file)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_panel_of_the_board_has_its_own_place(self):
        board = json.loads(BOARD.read_text())
        names = {variable["name"] for variable in board["templating"]["list"]}
        used = set(re.findall(r"\$\{?([a-z]\w*)", BOARD.read_text()))
        self.assertEqual(names, {"datasource", "instance"})
        self.assertLessEqual(used, names)
        panels = board["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            for x in range(place["x"], place["x"] + place["w"]):
                self.assertLess(x, 24, panel["title"])
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken.add((x, y))


if __name__ == "__main__":
    harness.main()
