"""Names that headers of production code declare and that no production code uses (tests/tidy.py).

Not a compiler: it tells declarations from uses by where they stand, outside of function bodies, and
takes names for the same that are spelled alike. So a dead name whose like is in use elsewhere is
found only if no file that uses the other includes its header.
"""

import re

PRODUCTION = ("reactor/", "storage/", "node/", "tools/", "docs/examples/")

# (header, name): why it stays although nothing but tests uses it, or nothing by its name.
_BY_INDEX = "an enumerator that code reaches by its number"
_ALLOCATOR = "the standard library calls it, in every allocator"
_PAGE = "docs/METRICS.md shows it, and a test writes that page"
_REPORTS = "what the ledger tells an operator, and the pools that ask it, come next"
EXCEPTIONS = {
    ("node/charge.h", "block"): _BY_INDEX,
    ("node/node.h", "ledger"): _REPORTS,
    ("node/node.h", "timeout_of"): "what a whole node has learnt of round trips shows nowhere else",
    ("node/server/metrics/metric_table.h", "because"): _PAGE,
    ("node/server/metrics/metric_table.h", "title"): _PAGE,
    ("node/server/health/health.h", "outbound"): _BY_INDEX,
    ("node/server/server.h", "operations_max"): "for the program that embeds the server",
    ("node/usage.h", "held_requests"): _BY_INDEX,
    ("node/usage.h", "held_sources"): _BY_INDEX,
    ("node/usage.h", "surveys"): _BY_INDEX,
    ("reactor/base/fixed_pool.h", "construct"): _ALLOCATOR,
    ("reactor/base/fixed_pool.h", "rebind"): _ALLOCATOR,
    ("reactor/base/rng.h", "shuffle"): "for tests and benches, which may not use std::shuffle",
    ("tools/cli/cli.h", "commands"): "tests ask every command for its help",
    ("tools/cli/interrupt.h", "forgetter_"): "its destructor is what it is for",
    ("tools/sim/hostile.h", "liar"): _BY_INDEX,
}

# A line of the preprocessor with those that continue it.
DIRECTIVE = re.compile(r"(?m)^[ \t]*#[ \t]*(\w+)((?:.*\\\n)*.*)$")
SCOPES = ("namespace", "class", "struct", "union", "enum", "extern")


class Token(str):
    """A name or a sign, with the number of its line."""
    line = 0

    def is_name(self):
        return self[0].isalpha() or self[0] == "_"


def tokens_of(code, line=1):
    tokens = []
    for found in re.findall(r"[A-Za-z_]\w*|::|\n|\S", code):
        if found == "\n":
            line += 1
        else:
            tokens.append(Token(found))
            tokens[-1].line = line
    return tokens


class Names:
    """What the code of one file, comments and literals blanked, declares and uses."""

    def __init__(self, code):
        self.declared = []  # Tokens.
        self.used = set()
        self.scopes = []  # Names of the classes around the declaration that is being read.
        for found in DIRECTIVE.finditer(code):
            line = code.count("\n", 0, found.start()) + 1
            names = [token for token in tokens_of(found.group(2), line) if token.is_name()]
            if found.group(1) == "define":
                self.declared.append(names.pop(0))
            self.use([] if found.group(1) == "include" else names)
        self.tokens = tokens_of(DIRECTIVE.sub(lambda found: "\n" * found.group().count("\n"), code))
        self.read()

    def use(self, tokens):
        self.used.update(token for token in tokens if token.is_name())

    def read(self):
        """Cuts namespaces and classes into declarations, which end with `;` or a body."""
        at, head, depth = 0, [], 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if token == "{" and depth == 0 and kind_of_scope(head):
                at = self.open_scope(at, head)
                head = []
            elif token == "{":
                end = self.closing(at)
                self.use(self.tokens[at:end])
                head.append(token)  # Stands for the braces and what is in them.
                at = end
                if depth == 0 and ends_with_body(head):
                    self.declare(head)
                    head = []
            elif depth == 0 and token in (";", "}"):
                if token == ";":
                    self.declare(head)
                elif self.scopes:
                    self.scopes.pop()
                head = []
            elif token == ":" and head in (["public"], ["private"], ["protected"]):
                head = []
            else:
                depth += {"(": 1, ")": -1}.get(token, 0)
                head.append(token)
            at += 1

    def closing(self, at):
        depth = 0
        for end in range(at, len(self.tokens)):
            depth += {"{": 1, "}": -1}.get(self.tokens[end], 0)
            if depth == 0:
                return end
        return len(self.tokens) - 1

    def open_scope(self, at, head):
        """Where to read on behind the opening brace `at`."""
        name = name_of_scope(head)
        if name is not None:
            self.declared.append(name)
        self.use(token for token in head if token is not name)
        if kind_of_scope(head) != "enum":
            self.scopes.append(name)
            return at
        end = self.closing(at)
        for before, token in zip(self.tokens[at:end], self.tokens[at + 1:end]):
            if before in ("{", ",") and token.is_name():
                self.declared.append(token)
            else:
                self.use([token])
        return end

    def declare(self, head):
        if kind_of_scope(head) and len(without_prefix(head)) == 2:
            return  # `class Announced;` is neither.
        part = declared_part(head)
        # A constructor is used by its class's name, what overrides by what it overrides.
        is_constructor = part[-1:] and (part[-1] in self.scopes or part.count(part[-1]) > 1)
        if part and not is_constructor and "~" not in part and "override" not in head:
            self.declared.append(part[-1])
        kept = {id(token) for token in part}
        self.use(token for token in head if id(token) not in kept)


def without_prefix(head):
    """The declaration after its template<...> and [[...]]."""
    while head[:1] in (["template"], ["["]):
        opening, closing = ("<", ">") if head[0] == "template" else ("[", "]")
        depth = 0
        for at in range(head.index(opening), len(head)):
            depth += (head[at] == opening) - (head[at] == closing)
            if depth == 0:
                break
        head = head[at + 1:]
    return head


def kind_of_scope(head):
    rest = without_prefix(head)
    is_scope = rest and rest[0] in SCOPES and "(" not in rest and "=" not in rest
    return rest[0] if is_scope else None


def name_of_scope(head):
    """The class or enum that the head defines; None for namespaces and what has no name."""
    rest = without_prefix(head)
    ends = [rest.index(word) for word in (":", "final") if word in rest]
    name = rest[min(ends, default=len(rest)) - 1]
    return None if rest[0] in ("namespace", "extern") or name in SCOPES else name


def ends_with_body(head):
    """Whether the braces at the end of the head are a function's body."""
    head = without_prefix(head)
    if "(" not in head or "=" in head[:head.index("(")]:
        return False
    depth = 0
    for token in head:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == ":" and depth == 0:  # Initialisers, as in `: a{1}, b(2) {`.
            return head[-2] in (")", "{")
    return True


def declared_part(head):
    """What a declaration introduces: the name of a function, type, constant or member as the last
    token, after the `Class::` that it may have; empty if it introduces none."""
    rest = without_prefix(head)
    if len(rest) < 2 or "operator" in rest or rest[0] in ("friend", "static_assert", "namespace"):
        return []
    if rest[0] == "using":
        return rest[1:2] if "=" in rest else []
    at, angles = len(rest) - 1, 0
    for i, token in enumerate(rest[:-1]):
        angles += {"<": 1, ">": -1}.get(token, 0)
        if angles == 0 and rest[i + 1] in ("(", "=", "{", "[", ":") and \
                token not in ("decltype", "alignas", "explicit", "noexcept"):
            at = i
            break
    first = at
    while first > 0 and rest[first - 1] in ("~", "::"):
        first -= 1 if rest[first - 1] == "~" or first == 1 else 2
    return rest[first:at + 1] if rest[at].is_name() else []


def unused(codes, includes):
    """(path, line, problem) of each such name. `codes`: the code of each file by its path, without
    comments and literals; `includes`: the paths that it includes."""
    names = {path: Names(code) for path, code in codes.items() if path.startswith(PRODUCTION)}
    reached = {}

    def headers_of(path):
        if path not in reached:
            reached[path] = {path}
            for target in includes.get(path, ()):
                reached[path] |= headers_of(target)
        return reached[path]
    users = {}
    for path, found in names.items():
        for name in found.used:
            users.setdefault(name, []).append(path)
    excepted = set()
    for path, found in names.items():
        for name in found.declared if path.endswith(".h") else ():
            if any(path in headers_of(user) for user in users.get(name, ())):
                continue
            if (path, name) in EXCEPTIONS:
                excepted.add((path, name))
            else:
                yield path, name.line, f"nothing but tests uses `{name}`: dead?"
    for path, name in sorted(EXCEPTIONS.keys() - excepted):
        yield path, 1, f"`{name}` is used or gone: strike it from the exceptions of tidy_names.py"
