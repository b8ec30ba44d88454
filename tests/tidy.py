"""The style of the sources as a test, where a machine can see it (docs/HACKING.md has the rules).

Each check is a function from a file's path and text to problems, tested by tests/tidy_test.py; only
main() reads files. It reads what git knows of this tree, or without git what lies in it. What is
banned is named together with what to write instead.

    tests/tidy.py                     every check
    tests/tidy.py --rooms node tools  the rooms of a folder and who includes whom, drawn as text
    tests/tidy.py --assertions        assertions a function in each folder, and what is asked for
"""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tidy_names

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The only names allowed at the top of the repository.
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", ".ci", ".clang-format",
             ".gitignore", "reactor", "node", "storage", "tools", "bench", "tests", "docs"}

# Who may include whom: a room (a folder, or a header that stands alone), then the rooms it may
# include, besides itself. A file belongs to the innermost room that holds it. Within a layer the
# rooms stand in order, so that an include from a lower room to a higher one is refused. tests/ and
# bench/ may include any of these.
PURE = {"reactor/base", "storage"}
# What every room of node/ may know, lowest first: plain data and the bounds.
NODE_DATA = {
    "node/charge.h": PURE,
    "node/contact.h": PURE,
    "node/endpoint_hash.h": PURE | {"node/contact.h"},
    "node/endpoint_hash.cc": PURE | {"node/endpoint_hash.h"},
    "node/handle_table.h": PURE,
    "node/contact_book.h": PURE | {"node/contact.h", "node/handle_table.h"},
    "node/contact_book.cc": PURE | {"node/contact_book.h", "node/endpoint_hash.h"},
    "node/wire": PURE | {"node/contact.h", "node/contact_book.h"},
    "node/budget.h": PURE | {"node/wire"},
    "node/subnet_limits.h": PURE | {"node/budget.h", "node/endpoint_hash.h"},
    "node/limits_config.h": PURE,
    "node/routing_config.h": PURE | {"node/subnet_limits.h"},
    "node/node_config.h": PURE | {"node/budget.h", "node/limits_config.h", "node/subnet_limits.h",
                                  "node/routing_config.h"},
    "node/counters.h": PURE | {"node/wire"},
    "node/turn.h": PURE,
    "node/shard_message.h": PURE,
    "node/shard_link.h": PURE | {"node/counters.h", "node/shard_message.h", "node/turn.h"},
    "node/node_context.h": PURE | {"node/counters.h", "node/node_config.h", "node/shard_link.h",
                                   "node/wire"},
    "node/operation_result.h": PURE | {"node/charge.h", "node/contact.h"},
    "node/notice.h": PURE | {"node/charge.h", "node/contact.h", "node/wire"},
    "node/disk_waits.h": PURE | {"node/operation_result.h", "node/wire"},
}
KNOWN = PURE | set(NODE_DATA)
LAYERS = {
    "reactor/base": set(),
    "reactor": {"reactor/base"},
    "storage": {"reactor/base"},
    "storage/files": PURE | {"reactor"},
    "storage/rocks": PURE | {"storage/files", "reactor"},
    **NODE_DATA,
    "node/wire/rpcudp": PURE | {"node/wire", "node/contact.h", "node/contact_book.h"},
}
# The parts of a node, each on those before it.
below = set(KNOWN)
for room in ("admission", "calls", "routing", "lookup", "operations", "replication", "answers"):
    LAYERS["node/" + room] = set(below)
    below.add("node/" + room)
LAYERS["node/client"] = KNOWN | {"node/calls", "node/lookup"}
LAYERS["node"] = below
# The rooms of the server. These know no node:
for room in ("http", "socket", "names", "page"):
    LAYERS["node/server/" + room] = PURE | {"reactor"}
# The others stand on a whole node, lowest first, each with those of the server that it may include.
WHOLE_NODE = LAYERS["node"] | {"node", "node/client", "node/wire/rpcudp", "reactor",
                               "storage/files", "storage/rocks"}
SERVER_ROOMS = {
    "config": "names",
    "log": "config",
    "shards": "config",
    "calls": "config shards",
    "stats": "calls http shards",
    "host": "config http shards socket",
    "health": "calls config host log shards stats",
    "metrics": "health host http stats",
    "admin": "calls config health host http log names shards socket stats",
    "live": "admin host http log stats",
    "control": "admin calls health http",
    "api": "admin config control health http live metrics page",
}
for room, others in SERVER_ROOMS.items():
    LAYERS["node/server/" + room] = WHOLE_NODE | {"node/server/" + one for one in others.split()}
# The wiring.
LAYERS["node/server"] = WHOLE_NODE | {room for room in LAYERS if room.startswith("node/server/")}
LAYERS["tools/sim"] = LAYERS["node"] | {"node", "node/wire/rpcudp"}
LAYERS["tools/cli"] = LAYERS["node/server"] | {"node/server"}
LAYERS["tools/run"] = LAYERS["tools/cli"] | {"tools/cli"}
LAYERS["tools/control"] = LAYERS["tools/run"] | {"tools/run"}
LAYERS["tools/client"] = LAYERS["tools/control"] | {"tools/control"}
LAYERS["tools/store"] = LAYERS["tools/control"] | {"tools/control"}
LAYERS["tools/load"] = LAYERS["tools/control"] | {"tools/control"}
LAYERS["tools/sim/command"] = LAYERS["tools/cli"] | {"tools/cli", "tools/sim"}
LAYERS["tools"] = {"tools/cli"}  # main.cc
LAYERS["docs/examples"] = {"node/server"}
for outer in ("bench", "tests"):
    LAYERS[outer] = set(LAYERS) | {outer}

# How many assertions (CHECK, DCHECK, static_assert) a function each folder has at least. A ratchet:
# raise a figure to what was reached; lower it only with the code that made assertions meaningless.
# The goal was 0.3 over all. A folder that handles what users and the host get wrong has less to
# assert, because bad input is an error. A file belongs to the innermost folder named here.
ASSERTIONS_LEAST = {
    "reactor/base": 0.39,
    "reactor": 0.34,
    "storage": 0.66,
    "storage/files": 0.25,
    "storage/rocks": 0.49,
    "node": 0.61,
    "node/server": 0.57,
    "node/server/http": 0.44,
    "tools": 0.23,
    "tools/sim": 0.42,
}

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

PURE_CODE = r"(storage/[^/]*|node/(?!server/).*|reactor/base/.*)$"
SHARD_CODE = r"(storage/[^/]*|node/(?!server/).*|reactor/.*)$"
CODE = r".*\.(h|cc)$"
# (what is banned, where, except where, what to do instead)
BANNED = [
    (r"\b(system_clock|steady_clock|high_resolution_clock)\b|\bclock_gettime\s*\(|"
     r"\bgettimeofday\s*\(|(?<![\w.>])time\s*\(\s*(nullptr|NULL|0|&\w+)\s*\)",
     CODE, r"reactor/monotonic\.", "take `now` as an argument; reactor/monotonic.h reads clocks"),
    (r"\brandom_device\b", CODE, r"tests/(?!sim/)",
     "a seed as an argument; a test may draw one, and prints it"),
    (r"\bmt19937|\bgetrandom\s*\(|\bgetentropy\s*\(|\bs?rand\s*\(|"
     r"\barc4random|\brandombytes_|/dev/u?random",
     CODE, r"reactor/entropy\.", "take an Rng or a seed as an argument (reactor/entropy.h has it)"),
    (r"\bstd::shuffle\b|\bstd::\w+_distribution\b|\bstd::sample\b",
     CODE, None, "Rng's own bounded() and shuffle(): the library's differ between systems"),
    (r"\bstd::(recursive_|shared_|timed_)?mutex\b|\bstd::(lock_guard|unique_lock|scoped_lock)\b|"
     r"\bstd::condition_variable\b|\bpthread_mutex",
     SHARD_CODE, r"reactor/(cores|mailbox)\.", "a message (reactor/mailbox.h): shards never block"),
    (r"\bstd::(shared_ptr|make_shared|weak_ptr)\b",
     SHARD_CODE, None, "one owner, and an index with a generation (reactor/base/fixed_pool.h)"),
    (r"\bthrow\b|\btry\s*\{|\bcatch\s*\(", SHARD_CODE, None, "a counted refusal, or CHECK"),
    (r"\b(spdlog|fmt)::|\bstd::(cout|cerr|clog)\b|\bf?printf\s*\(",
     SHARD_CODE, r"reactor/base/check\.", "a counter; only the admin thread writes log lines"),
    (r"(?<![\w.])assert\s*\(|<cassert>|<assert\.h>", CODE, None,
     "CHECK or DCHECK (reactor/base/check.h)"),
    (r"\b(this_thread::sleep_(for|until)|usleep|nanosleep)\b", r"tests/.*\.(h|cc)$",
     r"tests/node/server/server_fixture\.h",  # Holds the one loop that waits for other threads.
     "virtual time, or wait for the event itself with a bound"),
    (r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", r".*", r"tests/tidy(_test)?\.py",
     "the work itself, or TODO(#issue)"),
    (r"\busing namespace\b(?! std::literals)", CODE, None, "the full name"),
    (r"#include \"(\.\./|\./)", CODE, None, "the path from the repository's root"),
]


def layer_of(path):
    room = path
    while room and room not in LAYERS:
        room = os.path.dirname(room)
    return room


def includes(text):
    """(line number, path) of each include in quotes."""
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if found:
            yield number, found.group(1)


def check_includes(path, text, files):
    layer = layer_of(path)
    for number, target in includes(text):
        if target not in files:
            yield number, f'"{target}" is not in the repository: write the path from its root'
        elif layer and layer_of(target) not in LAYERS[layer] | {layer}:
            yield number, f"{layer} may not include {layer_of(target)} ({target})"


def room_in(place, path):
    """The room of `place` that holds `path`: a folder, or files of one stem; None outside."""
    if place and not path.startswith(place + "/"):
        return None
    parts = path.removeprefix(place).strip("/").split("/")
    return parts[0] if len(parts) > 1 else parts[0].rsplit(".", 1)[0]


def arrows_in(place, texts):
    """{room: rooms whose headers it includes} of the C++ sources in `place`."""
    arrows = {}
    for path, text in texts.items():
        room = room_in(place, path)
        if room is None or not path.endswith((".h", ".cc")):
            continue
        targets = {room_in(place, target) for _, target in includes(text)}
        arrows.setdefault(room, set()).update(targets - {room, None})
    return arrows


def arrows_back(arrows):
    """The arrows that close a circle, in the order of a walk from the rooms nobody enters."""
    back, done, entered_from = [], set(), []

    def walk(room):
        entered_from.append(room)
        for target in sorted(arrows.get(room, ())):
            if target in entered_from:
                back.append((room, target))
            elif target not in done:
                walk(target)
        entered_from.pop()
        done.add(room)
    entered = {target for targets in arrows.values() for target in targets}
    for room in sorted(arrows, key=lambda each: (each in entered, each)):
        if room not in done:
            walk(room)
    return back


def print_rooms(place, texts):
    arrows = arrows_in(place, texts)
    back = arrows_back(arrows)
    print(f"{place or '.'}: {len(arrows)} rooms, {sum(map(len, arrows.values()))} arrows, "
          f"{len(back)} back")
    for room in sorted(arrows):
        print(f"  {room} -> {', '.join(sorted(arrows[room])) or 'nothing'}")
    for room, target in back:
        print(f"  back: {room} -> {target}")


def check_header(path, text):
    if not path.endswith(".h"):
        return
    lines = text.splitlines()
    if not lines or not lines[0].startswith("// "):
        yield 1, "a header begins with a comment: what it is, what it never does, what bounds it"
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("//")]
    if not code or code[0] != "#pragma once":
        yield 1, "#pragma once comes right after the header's first comment"


def without_text(code):
    """The C++ code with comments and the contents of literals blanked, lines kept."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
                       r"(?<!\w)'(?:\\.|[^'\\\n])+'", re.S)

    def blank(match):
        kept = re.sub(r"[^\n]", " ", match.group())
        return '"' + kept[1:-1] + '"' if match.group()[0] in "R\"" else kept
    return token.sub(blank, code)


def functions(code):
    """(first line, lines) of each outermost function body, found by its braces."""
    plain = re.sub(r"(?m)^\s*#.*(?:\\\n.*)*$", lambda m: re.sub(r"[^\n]", " ", m.group()),
                   without_text(code))
    start, position = 0, 0
    while position < len(plain):
        letter = plain[position]
        if letter in ";}":
            start = position + 1
        elif letter == "{":
            label = re.match(r"\s*(public|private|protected):", plain[start:position])
            start += label.end() if label else 0
            head = re.sub(r"\balignas\([^()]*\)", "", plain[start:position]).strip()
            if head.count("(") > head.count(")") or re.search(r"[\w>]$", plain[start:position]):
                # An initializer: a default argument, a member's, or a variable's.
                position = closing_brace(plain, position) + 1
                continue
            is_scope = re.search(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$", head)
            if is_scope and not re.search(r"=\s*$", head):
                start = position + 1
            else:
                end = closing_brace(plain, position)
                if "(" in head and not re.search(r"=\s*$", head):
                    first = plain.count("\n", 0, start + len(plain[start:]) -
                                        len(plain[start:].lstrip())) + 1
                    yield first, plain.count("\n", 0, end) + 2 - first
                position, start = end, end + 1
        position += 1


def closing_brace(code, opening):
    depth = 0
    for found in re.finditer(r"[{}]", code[opening:]):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return opening + found.start()
    return len(code) - 1


def assertions_of(texts):
    """{folder of ASSERTIONS_LEAST: (assertions, functions)} of the C++ sources.

    An assertion is a use of one of the three words, wherever it stands; a function is what
    functions() finds, inline ones included, and a lambda is a part of the one around it.
    """
    sums = {folder: (0, 0) for folder in ASSERTIONS_LEAST}
    for path, text in texts.items():
        if not path.endswith((".h", ".cc")) or path == "reactor/base/check.h":
            continue
        folder = os.path.dirname(path)
        while folder and folder not in sums:
            folder = os.path.dirname(folder)
        if not folder:
            continue
        uses = re.findall(r"\b(?:D?CHECK|static_assert)\s*\(", without_text(text))
        asserted, written = sums[folder]
        sums[folder] = asserted + len(uses), written + len(list(functions(text)))
    return sums


def check_assertions(texts):
    for folder, (asserted, written) in assertions_of(texts).items():
        least = ASSERTIONS_LEAST[folder]
        if written == 0:
            yield folder, 1, "ASSERTIONS_LEAST names this folder, which has no function"
        elif asserted / written < least:
            yield folder, 1, (f"{asserted} assertions in {written} functions: at least {least} a "
                              "function; state what your code relies on (reactor/base/check.h)")


def print_assertions(texts):
    sums = assertions_of(texts)
    for folder, (asserted, written) in sums.items():
        print(f"{folder:20} {asserted:4} in {written:4} functions: {asserted / written:.3f}, "
              f"at least {ASSERTIONS_LEAST[folder]:.2f}")
    asserted, written = map(sum, zip(*sums.values()))
    print(f"{'all':20} {asserted:4} in {written:4} functions: {asserted / written:.3f}")


def check_sizes(path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        yield FILE_LINES_MAX, f"{len(lines)} lines: split it, a file is one concept"
    for number, line in enumerate(lines, 1):
        in_patch = path.endswith(".patch")  # There a line of code begins with a column of its own.
        if len(line) > COLUMNS_MAX + in_patch:
            yield number, f"{len(line)} columns: at most {COLUMNS_MAX}"
    if path.endswith((".h", ".cc")):
        for first, count in functions(text):
            if count > FUNCTION_LINES_MAX:
                yield first, f"a function of {count} lines: at most {FUNCTION_LINES_MAX}"


def check_space(path, text):
    if path.endswith(".patch"):  # An empty line of context is a space.
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if "\t" in line:
            yield number, "a tab: write spaces"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line has no end"


def check_banned(path, text):
    code = without_text(text) if path.endswith((".h", ".cc")) else text
    for pattern, where, exempt, instead in BANNED:
        if not re.match(where, path) or (exempt and re.match(exempt, path)):
            continue
        in_comments = "TODO" in pattern or "include" in pattern
        for found in re.finditer(pattern, text if in_comments else code):
            number = text.count("\n", 0, found.start()) + 1
            yield number, f"`{found.group().strip()}` is banned: {instead}"


def check_links(path, text, files):
    """Relative links of a Markdown file lead to files of the repository."""
    folders = {parent for file in files for parent in map(str, pathlib.PurePath(file).parents)}
    for found in re.finditer(r"\]\(([^)#\s]+)(#[^)]*)?\)", text):
        if "://" in found.group(1):
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(path), found.group(1)))
        if target not in files and target not in folders:
            yield text.count("\n", 0, found.start()) + 1, f"the link to {target} leads nowhere"


def check_paths(path, text, files):
    """Files that a document or a comment names are there. NAME and FOLDER stand for any."""
    if path == "tests/tidy_test.py" or not path.endswith((".md", ".h", ".cc", ".py", ".txt")):
        return
    named = (r"(?<![\w/.-])(?:reactor|node|storage|tools|tests|bench|docs)/[\w/.-]+"
             r"\.(?:h|cc|py|md)\b")
    for found in re.finditer(named, text):
        if found.group() not in files and not re.search("NAME|FOLDER", found.group()):
            yield text.count("\n", 0, found.start()) + 1, f"there is no {found.group()}"


def anchors_of(text):
    """The names under which a Markdown file's headings can be linked to, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S),
                              re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w -]", "", plain).replace(" ", "-"))
    return found


def check_anchors(texts):
    """Links to a heading of a Markdown file lead to one that it has."""
    for path, text in texts.items():
        if not path.endswith(".md"):
            continue
        for found in re.finditer(r"\]\(([^)#\s]*)#([^)\s]*)\)", text):
            target = path
            if found.group(1):
                target = os.path.normpath(os.path.join(os.path.dirname(path), found.group(1)))
            if target in texts and found.group(2) not in anchors_of(texts[target]):
                number = text.count("\n", 0, found.start()) + 1
                yield path, number, f"{target} has no heading #{found.group(2)}"


def headings_of(text):
    """The headings of a Markdown file as a reader sees them, without marks."""
    found = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", each).replace("`", "") for each in found}


def check_quoted_headings(texts):
    """A heading quoted after a document's name, as in docs/NAME.md, "Heading", is there, or begins
    one that goes on after a comma, colon or semicolon."""
    space = r"\s+(?:(?://|#)\s*)?"  # A quote may go on in the next line of a comment.
    quote = re.compile(r"([\w./-]+\.md)\)?," + space + r'"([^"]+)"')
    for path, text in texts.items():
        if path == "tests/tidy_test.py":
            continue
        for found in quote.finditer(text):
            near = os.path.normpath(os.path.join(os.path.dirname(path), found.group(1)))
            target = found.group(1) if found.group(1) in texts else near
            heading = re.sub(space, " ", found.group(2)).replace("`", "")
            if target in texts and not any(re.match(re.escape(heading) + "($|[,;:])", each)
                                           for each in headings_of(texts[target])):
                number = text.count("\n", 0, found.start()) + 1
                yield path, number, f'{target} has no heading "{heading}"'


def check_headings(path, text):
    """A heading begins a line: filling a paragraph once drew in the heading that followed it."""
    for number, line in enumerate(text.splitlines(), 1):
        if path.endswith(".md") and re.search(r"\S ##+ [A-Z]", line):
            yield number, "a heading in the middle of a line: begin a line, after an empty one"


def check_top_level(files):
    for name in sorted({file.split("/")[0] for file in files} - TOP_LEVEL):
        yield name, 1, "not one of the repository's top-level names (tests/tidy.py lists them)"


def check_dead(texts):
    """Headers that nothing includes, Python that nothing imports or runs, documents unlinked."""
    included = {target for path, text in texts.items() if path.endswith((".h", ".cc"))
                for _, target in includes(text)}
    mentions = "\n".join(text for path, text in texts.items()
                         if path.endswith((".py", ".md", ".txt", ".cmake")) or
                         path.startswith((".ci/", "tools/")) and "." not in path[1:])
    build = texts.get("CMakeLists.txt", "")
    for path in sorted(texts):
        name = pathlib.PurePath(path)
        if path.endswith(".h") and path not in included:
            yield path, 1, "nothing includes this header: dead?"
        elif path.endswith(".cc"):
            folder = str(name.parent).removeprefix("tests/")
            room = r"\bROOMS\b[^)]*\s(\w+/)?" + re.escape(name.parent.name) + r"\s"
            if folder not in build and not re.search(room, build):
                yield path, 1, f"CMakeLists.txt does not name the folder {name.parent}: dead?"
        elif path.endswith("_test.py"):
            continue  # CMakeLists.txt runs whatever has such a name.
        elif path.endswith(".py") and name.stem not in mentions.replace(texts[path], ""):
            yield path, 1, "nothing imports or runs this: dead?"
        elif path.endswith(".md") and name.name not in mentions.replace(texts[path], "") \
                and path != "README.md":
            yield path, 1, "no document links to this: dead?"


def check_names(texts):
    """Names that headers declare and no production code uses."""
    codes = {path: without_text(text) for path, text in texts.items()
             if path.endswith((".h", ".cc")) and path.startswith(tidy_names.PRODUCTION)}
    yield from tidy_names.unused(codes, {path: [target for _, target in includes(texts[path])]
                                         for path in codes})


def check_python(path, text):
    if path.endswith(".py"):
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield error.lineno or 1, f"this is not valid Python: {error.msg}"


def check_text(path, text, files):
    yield from check_space(path, text)
    yield from check_python(path, text)
    yield from check_banned(path, text)
    yield from check_paths(path, text, files)
    yield from check_headings(path, text)
    if path.endswith(".md"):
        yield from check_links(path, text, files)
    elif not path.endswith((".json", ".ndjson", ".svg", ".txt")) and path != "LICENSE":
        yield from check_sizes(path, text)
    if path.endswith((".h", ".cc")):
        yield from check_includes(path, text, files)
        yield from check_header(path, text)


def check_format(paths):
    """clang-format's opinion of the C++ sources, a process for each core."""
    if not shutil.which("clang-format"):
        yield "clang-format", 1, "is not installed: run tools/setup"
        return
    batches = [paths[first::os.cpu_count()] for first in range(os.cpu_count())]
    running = [subprocess.Popen(["clang-format", "--dry-run", "-Werror", *batch], cwd=ROOT,
                                stderr=subprocess.PIPE, text=True) for batch in batches if batch]
    for process in running:
        complaints = process.communicate()[1]
        for found in re.finditer(r"(?m)^(\S+?):(\d+):\d+: error: ", complaints):
            yield found.group(1), int(found.group(2)), "clang-format -i would change this"


def listed_files():
    git = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                         cwd=ROOT, capture_output=True, text=True)
    if git.returncode == 0:
        names = git.stdout.splitlines()
    else:  # An unpacked archive.
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if not re.match(r"(build|\.git|\.cache)/", str(path.relative_to(ROOT)))
                 and "__pycache__" not in path.parts]
    return sorted(name for name in names if (ROOT / name).is_file())


def main():
    files = listed_files()
    if sys.argv[1:2] == ["--rooms"]:
        texts = {path: (ROOT / path).read_text() for path in files
                 if path.endswith((".h", ".cc")) and not path.startswith(("tests/", "docs/"))}
        for place in sys.argv[2:] or [""]:
            print_rooms(place.strip("/"), texts)
        return 0
    if sys.argv[1:2] == ["--assertions"]:
        print_assertions({path: (ROOT / path).read_text() for path in files
                          if path.endswith((".h", ".cc"))})
        return 0
    texts = {}
    problems = list(check_top_level(files))
    for path in files:
        if path.startswith(("tests/golden/", "tests/fuzz/corpus/")) or path.endswith(".png"):
            continue  # Bytes as they came.
        try:
            texts[path] = (ROOT / path).read_text()
        except UnicodeDecodeError:
            problems.append((path, 1, "is not text: such files belong under tests/golden"))
            continue
        problems += [(path, line, what) for line, what in check_text(path, texts[path], set(files))]
    problems += check_anchors(texts)
    problems += check_quoted_headings(texts)
    problems += check_dead(texts)
    problems += check_names(texts)
    problems += check_assertions(texts)
    problems += check_format([path for path in texts if path.endswith((".h", ".cc"))])
    for path, line, what in sorted(problems):
        print(f"{path}:{line}: {what}")
    print(f"tidy: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
