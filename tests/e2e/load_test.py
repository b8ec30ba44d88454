"""`xord load` against a xord, a server of the real Python library, and peers that lie."""

import asyncio
import os
import socket

import harness
import raw
from harness import OWN_IP, Scenario, contacts_of, endpoint_of

EVERYTHING = "find_node=70,find_value_hit=10,find_value_miss=10,store=5,ping=5"
KINDS = {"find_node", "find_value_hit", "find_value_miss", "store", "ping"}
LIMITING = ("--limit-loopback", "--limit-excess", "16KiB")
# Of one source, so that its burst is soon used up: 170 full answers, or 33 values.
ASKING_FOR_CONTACTS = ("--sources", 1, "--contacts", 60, "--window", 4)
ASKING_FOR_VALUES = ("--sources", 1, "--mix", "find_value_hit=1", "--keys", 10, "--value-size",
                     4000, "--timeout", "300ms", "--window", 4)


class Liar(raw.RawNode):
    """Answers everything truthfully, except methods for which `lies` has a reply body."""

    def __init__(self, lies=None):
        super().__init__()
        contacts = raw.pack([[os.urandom(20), "127.0.0.1", 9]] * 20)
        bodies = {"find_node": contacts, "find_value": contacts, "store": raw.pack(True),
                  **(lies or {})}
        self.answers = {method: lambda *_, body=body: body for method, body in bodies.items()}


class Forgetful(Liar):
    """Twenty contacts each to the 16 sources and once more, nineteen from then on."""

    def __init__(self):
        super().__init__()
        self.answers["find_node"] = self.ever_fewer
        self.asked_for = 0

    def ever_fewer(self, *_):
        self.asked_for += 1
        return raw.pack([[os.urandom(20), "127.0.0.1", 9]] * (20 if self.asked_for <= 17 else 19))


class ManyFaced(Liar):
    """Another id in each pong."""

    def __init__(self):
        super().__init__()
        self.answers["ping"] = lambda *_: raw.pack(os.urandom(20))


class Chorus(Liar):
    """Before each true answer, one from another socket, and one to an unknown transaction."""

    def __init__(self):
        super().__init__()
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def datagram_received(self, datagram, source):
        body = raw.pack([])
        self.send(raw.REPLY + os.urandom(20) + body, source)
        self.other.sendto(raw.REPLY + datagram[1:raw.HEADER] + body, source)
        super().datagram_received(datagram, source)

    def close(self):
        super().close()
        self.other.close()


class Bystander(Liar):
    """Tells no lie; but before each of its answers another address sends junk."""

    STRANGER = "127.99.0.1"

    def __init__(self):
        super().__init__()
        self.other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind((self.STRANGER, 0))

    def datagram_received(self, datagram, source):
        for junk in (raw.REPLY + os.urandom(20) + raw.pack([]), raw.REPLY + b"short",
                     b"\x07junk", raw.REQUEST + os.urandom(20) + b"\xc1"):
            self.other.sendto(junk, source)
        super().datagram_received(datagram, source)

    def close(self):
        super().close()
        self.other.close()


class Load(Scenario):
    async def load(self, target, *words, duration="500ms", bound=60, code=0):
        """The JSON of one short run."""
        done = await self.command("load", "--target", target, "--json", "--seed", 7, "--duration",
                                  duration, "--warm-up", "100ms", "--sleep", *words, bound=bound)
        self.assertEqual(done.code, code, done)
        return done.json

    def check_everything_right(self, report):
        self.assertEqual(report["warm_up"]["sources_failed"], 0, report)
        self.assertEqual(report["warm_up"]["keys_failed"], 0, report)
        for step in report["steps"]:
            self.assertEqual(step["wrong"], 0, step)
            self.assertGreater(step["answered"], 0, step)
            self.assertEqual(set(step["kinds"]), KINDS)
            for kind, counts in step["kinds"].items():
                self.assertGreater(counts["right"], 0, (kind, counts))

    async def test_a_protected_xord_answers_every_kind_of_request_right(self):
        node = await self.xord()
        report = await self.load(node.endpoint, "--mix", EVERYTHING, "--keys", 200, "--contacts",
                                 100, "--window", 8)
        self.check_everything_right(report)
        self.assertEqual(report["node"], node.id.hex())
        self.assertEqual(report["warm_up"]["contacts_in_answer"], 20)

    async def test_near_popular_keys_of_many_sizes_and_changing_ids_are_right_too(self):
        node = await self.xord()
        report = await self.load(node.endpoint, "--mix", EVERYTHING, "--keys", 200, "--near-id", 12,
                                 "--key-spread", "zipf", "--value-size", "1-8000", "--value-spread",
                                 "zipf", "--sources", 300, "--id-change", "10ms", "--window", 8)
        self.check_everything_right(report)

    async def test_each_rate_of_a_list_is_a_step_in_which_nothing_is_forgotten(self):
        node = await self.xord()
        plot = self.scratch / "plot.hgrm"
        report = await self.load(node.endpoint, "--rate", "200,400", "--hgrm", plot)
        self.assertEqual([step["rate_planned"] for step in report["steps"]], [200, 400])
        for step in report["steps"]:
            planned = step["rate_planned"] * step["seconds"]
            self.assertAlmostEqual(step["sent"] + step["unsent"], planned, delta=planned * 0.02 + 1)
            self.assertEqual(step["sent"], step["answered"] + step["lost"] - step["unsent"])
        counted = plot.read_text().split("Total count = ")[1]
        self.assertEqual(int(counted.split("]")[0]), report["steps"][0]["answered"])
        self.assertTrue((self.scratch / "plot.hgrm.2").exists())

    async def test_find_max_ends_with_a_rate_that_a_step_held(self):
        node = await self.xord()
        report = await self.load(node.endpoint, "--find-max", "--slo", "1s", duration="200ms",
                                 bound=120)
        best = [step for step in report["steps"] if step.get("rate_planned") == report["rate_max"]]
        self.assertEqual(len(best), 1, report)
        self.assertLess(best[0]["loss_share"], 0.001)

    async def test_sources_that_do_not_answer_get_nothing_for_what_they_ask(self):
        node = await self.xord()
        report = await self.load(node.endpoint, "--no-answer", "--timeout", "300ms", "--rate", 50,
                                 code=3)
        self.assertEqual(report["steps"][0]["answered"], 0)
        self.assertGreater(report["steps"][0]["strays"]["pings_ignored"], 0)
        stats = await node.stats()
        self.assertLessEqual(stats["total"]["io"]["sent_bytes"],
                             stats["total"]["io"]["received_bytes"])

    async def test_a_server_of_the_python_library_can_be_measured_as_well(self):
        server = await self.python_server()
        report = await self.load(endpoint_of(server), "--mix", EVERYTHING, "--keys", 50,
                                 "--contacts", 60, "--window", 4)
        self.check_everything_right(report)
        self.assertEqual(report["node"], server.node.id.hex())
        self.assertEqual(report["warm_up"]["contacts_in_answer"], 20)

    async def test_it_leaves_no_contact_in_a_xord_unless_the_table_is_meant(self):
        for words, left in (((), 0), (("--sources", 1), 0), (("--contacts", 0), 16),
                            (("--sources", 3, "--contacts", 30), 33)):
            node = await self.xord()
            report = await self.load(node.endpoint, "--mix", EVERYTHING, "--keys", 20, "--rate",
                                     500, *words)
            self.check_everything_right(report)
            self.assertEqual(report["contacts_left"], left, words)
            self.assertEqual((await node.stats())["contacts"], left, words)
        node = await self.xord()
        report = await self.load(node.endpoint, "--id-change", "20ms", "--rate", 500)
        self.assertGreater(report["contacts_left"], 0)

    async def test_it_leaves_one_contact_in_a_python_server_however_often_it_runs(self):
        server = await self.python_server()
        for _ in range(2):
            report = await self.load(endpoint_of(server), "--rate", 200)
            self.assertEqual(report["contacts_left"], 1)
            self.assertEqual(len(contacts_of(server)), 1)

    async def test_it_says_in_words_what_it_left(self):
        node = await self.xord()
        for words, line in (((), "left 0 contacts in the node's table"),
                            (("--contacts", 4), "left 20 contacts in the node's table")):
            done = await self.command("load", "--target", node.endpoint, "--duration", "200ms",
                                      "--warm-up", "0s", "--rate", 100, "--sleep", *words)
            self.assertEqual(done.code, 0, done)
            self.assertEqual(done.out.splitlines()[-1], line)

    async def test_it_says_when_its_target_limits_it(self):
        node = await self.xord(*LIMITING)
        at_node = ("--data-dir", node.data_dir)
        report = await self.load(node.endpoint, *ASKING_FOR_CONTACTS, *at_node, duration="2s",
                                 code=1)
        cut = report["limited"]["cut"]
        self.assertEqual(cut, report["steps"][0]["kinds"]["find_node"]["wrong"]["cut"], report)
        self.assertGreater(report["limited"]["of_answers"], cut)
        self.assertGreaterEqual(report["limited_by_node"]["contacts"], cut)
        self.assertEqual(report["limited_by_node"]["limits"], "on")
        report = await self.load(node.endpoint, *ASKING_FOR_VALUES, *at_node, duration="3s")
        silent = report["limited"]["silent"]
        self.assertEqual(silent, report["steps"][0]["lost"], report)
        self.assertGreaterEqual(report["limited_by_node"]["values"], silent)
        done = await self.command("load", "--target", node.endpoint, *ASKING_FOR_CONTACTS,
                                  "--duration", "2s", "--sleep")
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.out, r"(?m)^the target seems to limit this load: \d+ of \d+ answers "
                                   r"were cut to the size of their request \(see ")

    async def test_it_says_nothing_where_nothing_is_limited(self):
        node = await self.xord()
        for words in (ASKING_FOR_CONTACTS, ASKING_FOR_VALUES):
            report = await self.load(node.endpoint, *words, "--data-dir", node.data_dir,
                                     duration="2s")
            self.assertIsNone(report["limited"], report)
            counted = report["limited_by_node"]
            self.assertEqual([counted[name] for name in ("contacts", "values", "reads")], [0] * 3)

    async def test_few_contacts_are_no_sign_of_a_limit(self):
        node = await self.xord(*LIMITING)
        report = await self.load(node.endpoint, "--sources", 2, "--contacts", 0, "--window", 4,
                                 duration="2s")
        self.assertLessEqual(report["warm_up"]["contacts_in_answer"], 1)
        self.assertIsNone(report["limited"], report)

    async def test_it_reads_the_counters_of_no_other_node(self):
        node, other = await self.xord(), await self.xord()
        done = await self.command("load", "--target", node.endpoint, "--data-dir", other.data_dir)
        self.assertEqual(done.code, 2, done)
        self.assertIn(f"the target is {node.id.hex()}", done.err)

    async def test_nobody_there_is_an_error_of_its_own(self):
        silent = await self.raw_node(answers_pings=False)
        target = "%s:%d" % silent.address
        done = await self.command("load", "--target", target, "--timeout", "100ms")
        self.assertEqual(done.code, 3, done)
        self.assertIn(f"no node answers a ping at {target}", done.err)
        silent.close()
        await asyncio.sleep(0)  # The transport closes in the next turn of the loop.
        done = await self.command("load", "--target", target, "--timeout", "1h")
        self.assertEqual(done.code, 3, done)
        self.assertIn(f"no node listens on {target}", done.err)

    async def lies_told(self, kind, mix, **arguments):
        """The step of a run against a liar."""
        node = await kind.open(OWN_IP, **arguments)
        self.addCleanup(node.close)
        report = await self.load("%s:%d" % node.address, "--mix", mix, "--window", 2, "--keys", 10,
                                 code=1)
        self.assertGreater(report["steps"][0]["wrong"], 0)
        return report["steps"][0]

    async def test_each_lie_in_a_reply_is_counted_by_its_kind(self):
        contact = [os.urandom(20), "127.0.0.1", 9]
        value = raw.pack({"value": b"nobody stored this"})
        for kind, method, lie, name in (
                ("find_node", "find_node", raw.pack([contact] * 21), "too_many_contacts"),
                ("find_node", "find_node", b"\x93\xc4", "malformed"),
                ("find_value_miss", "find_value", value, "value_unexpected"),
                ("find_value_hit", "find_value", value, "wrong_value"),
                ("find_value_hit", "find_value", raw.pack([contact]), "value_missing")):
            with self.subTest(name):
                step = await self.lies_told(Liar, f"{kind}=1", lies={method: lie})
                counts = step["kinds"][kind]
                self.assertGreater(counts["wrong"][name], 0)
                self.assertEqual(counts["right"], 0)

    async def test_fewer_contacts_than_before_the_load_are_wrong(self):
        step = await self.lies_told(Forgetful, "find_node=1")
        self.assertGreater(step["kinds"]["find_node"]["wrong"]["too_few_contacts"], 0)

    async def test_another_id_than_in_the_first_pong_is_wrong(self):
        step = await self.lies_told(ManyFaced, "ping=1")
        self.assertGreater(step["kinds"]["ping"]["wrong"]["wrong_id"], 0)

    async def test_what_a_stranger_sends_is_counted_and_not_held_against_the_target(self):
        node = await Bystander.open(OWN_IP)
        self.addCleanup(node.close)
        report = await self.load("%s:%d" % node.address, "--mix", "find_node=1", "--window", 2)
        step = report["steps"][0]
        self.assertEqual(step["wrong"], 0, step)
        self.assertGreater(step["answered"], 0)
        self.assertGreater(step["strays"]["strangers"], 3)

    async def test_answers_from_another_address_and_to_nothing_are_wrong(self):
        step = await self.lies_told(Chorus, "find_node=1")
        self.assertGreater(step["strays"]["unknown_transaction"], 0)
        self.assertGreater(step["strays"]["wrong_source"], 0)
        self.assertGreater(step["answered"], 0, "its true answers count all the same")


if __name__ == "__main__":
    harness.main()
