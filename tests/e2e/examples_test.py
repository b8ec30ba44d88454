"""The examples of docs/commands/*.md, run: what a page shows is what xord prints.

Every block ```console of a page is run from top to bottom, in an empty home directory: what follows
"$ " by a shell, what follows until the next "$ " is the output it must have, stdout and stderr
together. "..." is any text within a line, and on a line of its own any number of lines. Runs of
blanks are one blank, since columns are as wide as what is in them. "^C" is sent as SIGINT once the
lines before it are there. `xord find` is repeated for a while, until all nodes are named. A
command ends with exit code 0, unless the next one is `echo $?`.

The table at the end of a page says what the test puts in the place of its addresses and
directories (ROLES), and so which nodes it starts. A block ```toml NAME is a file NAME in the home
directory.
"""

import asyncio
import os
import pathlib
import re
import shlex
import signal
import time
import unittest

import harness
from harness import OWN_IP, OWN_PORT, Scenario

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "commands"
BLOCK = re.compile(r"^```(\S*) ?(\S*)\n(.*?)^```$", re.M | re.S)
TABLE = re.compile(r"^\| in the examples \| is \|\n\|---\|---\|\n((?:\|.*\|\n)+)", re.M)
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|$", re.M)
ANY = "..."
INTERRUPT = "^C"

# What a page's address or directory may stand for.
NODES = ("the endpoint of a node that runs on this host",
         "the endpoint of a second node, which joined the first",
         "the endpoint of a third node, which joined the first",
         "the endpoint of a node with four shards that limits this host to 16 KiB/s")
LIMITED = NODES[-1]  # It joins no other.
LIMITING = ("--limit-loopback", "--limit-excess", "16KiB", "--shards", "4")
UNUSED = ("a free endpoint", "an endpoint where no program listens")
HOME = "the home directory"
ROLES = (*NODES, *UNUSED, HOME)


def line_matches(shown, line):
    """Whether `line` is what `shown` shows, in which "..." is any text."""
    first, *rest = shown.split(ANY)
    if not rest:
        return line == shown
    last = rest.pop()
    if not line.startswith(first):
        return False
    at, end = len(first), len(line) - len(last)
    for part in rest:
        found = line.find(part, at, max(end, 0))
        if found < 0:
            return False
        at = found + len(part)
    return at <= end and line.endswith(last)


def reached(shown, lines):
    """(how many lines of `shown` are there, how far into `lines` they may reach)."""
    ends = {0}
    for number, one in enumerate(shown):
        if one == ANY:
            following = set(range(min(ends), len(lines) + 1))
        else:
            following = {at + 1 for at in ends if at < len(lines) and line_matches(one, lines[at])}
        if not following:
            return number, ends
        ends = following
    return len(shown), ends


def fault_of(shown, lines):
    """What is wrong with `lines` as the output that is shown; None when nothing is."""
    count, ends = reached(shown, lines)
    if count < len(shown):
        return f"no line for: {shown[count]}"
    if len(lines) not in ends:
        return f"a line more: {lines[max(ends)]}"
    return None


def lines_of(text):
    return [" ".join(line.split()) for line in text.splitlines()]


class Example:
    """A command, and the lines it is shown to print."""

    def __init__(self, line_number, command):
        self.line_number, self.command = line_number, command
        self.shown = []


class Page:
    """One page: its examples in their order, its files, and what its names stand for."""

    def __init__(self, path):
        self.name = path.name
        self.text = path.read_text()
        self.examples, self.files = [], {}
        for block in BLOCK.finditer(self.text):
            kind, name, body = block.groups()
            if kind == "console":
                first = self.text.count("\n", 0, block.start(3)) + 1
                self.examples += examples_in(body, first)
            elif kind == "toml" and name:
                self.files[name] = body
        table = TABLE.search(self.text)
        self.names = {role: name for name, role in ROW.findall(table.group(1))} if table else {}

    def nodes(self):
        return [self.names[role] for role in NODES if role in self.names]

    def faults(self):
        """What makes this not a page of examples, whatever xord prints."""
        if not self.examples:
            yield "there is no example"
        for role in self.names.keys() - set(ROLES):
            yield f"what is {role!r}?"
        prompts = len(re.findall(r"^\s*\$ ", self.text, re.M))
        if prompts != len(self.examples):
            yield f"{prompts - len(self.examples)} commands are in no block ```console"
        for example in self.examples:
            for line in example.shown:
                if line not in (ANY, INTERRUPT) and not re.search(r"\w", line):
                    yield f"line {example.line_number}: {line!r} shows nothing"


def examples_in(body, first):
    examples = []
    for number, line in enumerate(body.splitlines(), first):
        if line.startswith("$ "):
            examples.append(Example(number, line[2:]))
        else:
            examples[-1].shown.append(line if line == ANY else " ".join(line.split()))
    return examples


def replaced(text, pairs):
    """`text` with the first of each pair replaced by the second, all at once."""
    if not pairs:
        return text
    table = dict(pairs)
    names = "|".join(re.escape(name) for name in sorted(table, key=len, reverse=True))
    return re.sub(rf"(?:{names})(?![\w])", lambda found: table[found.group()], text)


def inverse(pairs):
    return [(second, first) for first, second in pairs]


class Examples(Scenario):
    """Each page's examples, in a test named after it; those come at the end of this file."""

    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(os.path.realpath(self.environment["HOME"]))
        programs = self.scratch / "programs"
        programs.mkdir()
        (programs / "xord").symlink_to(pathlib.Path(harness.options.xord).resolve())
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            self.environment.pop(name)
        self.environment.update({
            "HOME": str(self.home), "PATH": f"{programs}:{os.environ['PATH']}",
            "XORD_IO": harness.options.io, "XORD_SHARDS": str(harness.options.shards)})

    async def run_page(self, page):
        self.assertEqual(list(page.faults()), [], page.name)
        real = await self.start_network(page)
        for name, text in page.files.items():
            (self.home / name).write_text(replaced(text, real))
        code = 0
        for at, example in enumerate(page.examples):
            place = f"docs/commands/{page.name}:{example.line_number}: $ {example.command}"
            code = await self.check_example(example, code, real, place)
            if code != 0 and [one.command for one in page.examples[at + 1:at + 2]] != ["echo $?"]:
                self.fail(f"{place}: ends with {code}, and no `echo $?` shows it")
        print(f"  {page.name}: {len(page.examples)} commands")

    async def check_example(self, example, code_before, real, place):
        """Runs it, compares what it printed, and returns its exit code."""
        shown = [line for line in example.shown if line != INTERRUPT]
        end = time.monotonic() + harness.seconds(10)
        while True:
            code, output = await self.run_example(example, code_before, real)
            lines = lines_of(replaced(output, inverse(real)))
            fault = fault_of(shown, lines)
            if not fault:
                return code
            # A node that is busy for half a second is not named for a while.
            if not example.command.startswith("xord find") or time.monotonic() > end:
                self.fail(f"{place}: {fault}\n--- shown\n" + "\n".join(shown) +
                          "\n--- printed\n" + "\n".join(lines))

    async def start_network(self, page):
        """Starts the page's nodes and returns what its names stand for, as pairs."""
        real = [(page.names[role], f"{OWN_IP}:{OWN_PORT}") for role in UNUSED if role in page.names]
        if HOME in page.names:
            real.append((page.names[HOME], str(self.home)))
        nodes = []
        for number, name in enumerate(page.nodes()):
            data_dir = self.scratch / name if number else self.home / ".local/share/xord"
            if name == page.names.get(LIMITED):
                node = await self.xord(*LIMITING, data_dir=data_dir)
            else:
                node = await self.xord(data_dir=data_dir,
                                       bootstrap=[one.endpoint for one in nodes[:1]])
                nodes.append(node)
            real.append((name, node.endpoint))

        async def know_each_other():
            return all([(await node.stats())["contacts"] == len(nodes) - 1 for node in nodes])
        await harness.eventually(know_each_other, 30, "all nodes know each other")
        return real

    async def run_example(self, example, code_before, real):
        """Runs a command and returns its exit code and all that it printed."""
        command = replaced(example.command, real)
        words = ["sh", "-c", f"(exit {code_before})\n{command}"]
        if INTERRUPT in example.shown:  # No shell between it and the signal.
            words = shlex.split(command)
        harness.tally["commands"] += 1
        path = self.scratch / "output"
        with open(path, "wb") as output:
            process = await asyncio.create_subprocess_exec(
                *words, cwd=self.home, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, preexec_fn=harness.die_with_parent,
                start_new_session=True)
        try:
            if INTERRUPT in example.shown:
                before = example.shown[:example.shown.index(INTERRUPT)]

                def is_shown():
                    text = replaced(path.read_text(), inverse(real))
                    whole = text[:text.rfind("\n") + 1]  # Not the line that is being written.
                    return reached(before, lines_of(whole))[0] == len(before)
                await harness.eventually(is_shown, 30, f"{before} of {example.command}")
                harness.send(process, signal.SIGINT)
            await asyncio.wait_for(process.wait(), harness.seconds(60))
        except (asyncio.TimeoutError, AssertionError) as error:
            os.killpg(process.pid, signal.SIGKILL)  # Its own group, the shell's children too.
            await process.wait()
            self.fail(f"{example.command}: {error or 'does not end'}: {path.read_text()}")
        text = path.read_text()
        self.assertIsNone(harness.SANITIZER_REPORT.search(text), text)
        return process.returncode, text

    async def test_every_command_has_an_example_on_a_page_of_its_own(self):
        def listed(text):
            return re.findall(r"^  ([a-z]+)  +\S", text.split("Commands:\n")[1].split("\n\n")[0],
                              re.M)
        pages = {path.name: Page(path) for path in PAGES.glob("*.md")}
        overview = pages["README.md"].text
        for name in pages.keys() - {"README.md"}:
            self.assertIn(f"]({name})", overview)
        commands = listed((await self.command("--help")).out)
        self.assertIn("run", commands)
        for name in commands:
            titled = [page for page in pages.values() if page.name != "README.md" and
                      f"xord {name}" in page.text.splitlines()[0]]
            self.assertEqual(len(titled), 1, name)
            self.assertTrue(any(f"xord {name}" in one.command for one in titled[0].examples), name)
        shown = " ".join(one.command for one in pages["store.md"].examples)
        for name in listed((await self.command("store", "--help")).out):
            self.assertIn(f"xord store {name}", shown)


class Comparison(unittest.TestCase):
    """What the comparison lets pass, and what not."""
    SHOWN = ["stored on 2 of ... nodes", "...", "id ... at 127.0.0.1:8468", "0 lost"]
    PRINTED = ["stored on 2 of 2 nodes", "a", "b", "id 59ff at 127.0.0.1:8468", "0 lost"]

    def test_dots_stand_for_any_text_and_for_any_lines(self):
        self.assertIsNone(fault_of(self.SHOWN, self.PRINTED))
        self.assertIsNone(fault_of(self.SHOWN, self.PRINTED[:1] + self.PRINTED[3:]))
        self.assertIsNone(fault_of([], []))
        self.assertIsNone(fault_of([ANY], []))
        self.assertIsNone(fault_of(["a...b...b"], ["a b b"]))

    def test_each_stable_word_counts(self):
        for number, line in enumerate(self.SHOWN):
            for word in re.findall(r"\w+", line):
                changed = list(self.SHOWN)
                changed[number] = re.sub(rf"\b{word}\b", word + "x", line, count=1)
                self.assertIsNotNone(fault_of(changed, self.PRINTED), changed[number])

    def test_a_line_more_or_less_counts(self):
        self.assertIsNotNone(fault_of(self.SHOWN, self.PRINTED + ["more"]))
        self.assertIsNotNone(fault_of(self.SHOWN, ["more"] + self.PRINTED))
        for number, line in enumerate(self.PRINTED):
            if line not in ("a", "b"):
                self.assertIsNotNone(
                    fault_of(self.SHOWN, self.PRINTED[:number] + self.PRINTED[number + 1:]))
        self.assertIsNotNone(fault_of([], ["anything"]))
        self.assertIsNotNone(fault_of(["a...ab"], ["ab"]))
        self.assertIsNotNone(fault_of(["a...b...b"], ["a b"]))

    def test_a_name_is_replaced_where_it_stands_whole(self):
        pairs = [("127.0.0.1:8468", "127.64.0.1:5"), ("/home/ada", "/tmp/e2e/home")]
        self.assertEqual(replaced("127.0.0.1:8468, 127.0.0.1:84680, /home/ada/x", pairs),
                         "127.64.0.1:5, 127.0.0.1:84680, /tmp/e2e/home/x")
        self.assertEqual(replaced("/home/adam", pairs), "/home/adam")


def test_of(path):
    async def test(self):
        await self.run_page(Page(path))
    return test


for path in sorted(PAGES.glob("*.md")):
    setattr(Examples, f"test_the_examples_of_{path.stem.lower()}", test_of(path))


if __name__ == "__main__":
    harness.main(needs_peers=False)
