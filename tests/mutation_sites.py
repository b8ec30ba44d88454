"""Finds where C++ code can be broken in a small way, and writes the code so that it carries many.

Works on tokens, and relies on clang-format: an operator between two operands has white space on
both sides, a template's `<` and a unary `-` have not. What it takes for a site by mistake does not
compile, and tests/mutation_score.py leaves it out.

A site is a span of the text and what would stand there. instrumented() makes of each span an
expression or a statement which asks xord_mutant(NUMBER) whether to be itself or the mutant, on the
same line, so that one build carries all mutants.
"""

import dataclasses
import re

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<string>(?:u8|[uUL])?R"(?P<fence>[^()\s]*)\(.*?\)(?P=fence)"\w*
               |(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"\w*|(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
    |(?P<number>\.?\d(?:'?[\w.]|(?<=[eE])[+-])*)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<sign>::|->\*?|<=>|<<=?|>>=(?=\s)|(?<=\s)>>(?=\s)|\+\+|--|&&|\|\||[-+*/%&|^<>=!]=|[^\s\w])
    """, re.X | re.M | re.S)

PRECEDENCE = {sign: level for level, signs in enumerate(
    ("||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<=>", "<< >>", "+ -", "* / %"))
    for sign in signs.split()}
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
# Operator by operator: what it is called, and what may stand in its place.
SWAPS = {sign: (name, mutants.split()) for name, signs in (
    ("relation", {"<": "<= >=", "<=": "< >", ">": ">= <=", ">=": "> <", "==": "!=", "!=": "=="}),
    ("arithmetic", {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&",
                    "<<": ">>", ">>": "<<", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}),
    ("logic", {"&&": "||", "||": "&&"})) for sign, mutants in signs.items()}

SCOPES = {"namespace", "class", "struct", "union", "extern"}
# Not the beginning of a statement that could be left out.
KEYWORDS = {"return", "if", "for", "while", "do", "switch", "case", "default", "break", "continue",
            "goto", "using", "static", "constexpr", "else", "throw", "delete", "new", "typedef",
            "static_assert", "const", "auto", "struct", "class", "enum", "union", "template",
            "public", "private", "protected", "co_return", "asm"}
CONSTANT = {"constexpr", "consteval", "constinit", "static_assert", "using", "typedef", "template",
            "case"}
# What their brackets hold does not run, or only checks or hastens what does.
UNEVALUATED = {"sizeof", "decltype", "alignof", "alignas", "noexcept", "offsetof", "static_assert",
               "requires", "__attribute__", "__builtin_prefetch", "CHECK", "DCHECK"}
RUNS = {"body", "lambda"}
# These are before a statement, or are none.
HEADS = {"if", "for", "while", "else", "do", "switch", "case", "default", "(", "[", "{", "}", ";"}
OPENS, CLOSES = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


@dataclasses.dataclass(frozen=True)
class Site:
    path: str
    start: int  # Of the span, in the file's text.
    end: int
    line: int   # Where a reader would look.
    name: str   # The operator.
    form: str   # expression, condition, statement or insertion: how the span is instrumented.
    mutated: str

    def applied(self, text):
        return text[:self.start] + self.mutated + text[self.end:]


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int
    spaced: bool  # White space on both sides.


class Code:
    """The tokens of a file, which brackets match, and what each pair of braces is."""

    def __init__(self, text):
        self.text = text
        self.directives = []
        self.tokens = []
        for found in TOKEN.finditer(text):
            if found.lastgroup == "directive":
                self.directives.append(found.start())
            elif found.lastgroup != "comment":
                kind = "string" if found.lastgroup == "fence" else found.lastgroup
                around = text[found.start() - 1:found.start()] + text[found.end():found.end() + 1]
                self.tokens.append(Token(kind, found.group(), found.start(), found.end(),
                                         len(around) == 2 and around.isspace()))
        self.match = {}   # Index of a bracket: that of its partner.
        self.inside = []  # For each token, the index of the innermost open bracket, or None.
        self.kinds = {}   # Index of `{`: scope, enum, body, constant, lambda, block or init.
        self._pair()

    def word(self, index):
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def is_binary(self, index):
        token = self.tokens[index]
        return token.spaced and token.text in PRECEDENCE

    def _pair(self):
        stack = []
        for index, token in enumerate(self.tokens):
            if token.text in CLOSES or (token.text == ">" and not token.spaced):
                while stack and self.word(stack[-1]) == "<" and token.text != ">":
                    stack.pop()
                if stack and (token.text != ">" or self.word(stack[-1]) == "<"):
                    self.match[index] = stack[-1]
                    self.match[stack.pop()] = index
            self.inside.append(stack[-1] if stack else None)
            if token.text in OPENS or (token.text == "<" and not token.spaced):
                if token.text == "{":
                    self.kinds[index] = self._kind(index)
                stack.append(index)

    def head(self, brace):
        """Index of the first token of what `{` ends: a function's or a class's first line."""
        index = brace
        while index > 0:
            before = self.word(index - 1)
            if before in {";", "{"} or (before == ":" and self.word(index - 2) in
                                        {"public", "private", "protected"}):
                break
            if before == "}" and self.kinds.get(self.match.get(index - 1)) != "init":
                break
            partner = self.match.get(index - 1, index)
            index = partner if partner < index - 1 else index - 1
        return index

    def outer(self, first, end):
        """Indices of the tokens in [first, end) that lie in none of its brackets."""
        index = first
        while index < end:
            yield index
            index = max(self.match.get(index, index), index)
            if self.word(index) in CLOSES | {">"} and index < end and index in self.match:
                yield index
            index += 1

    def _kind(self, brace):
        around = self.inside[brace]
        kind = self.kinds.get(around, "scope" if around is None else "bracket")
        head = self.head(brace)
        words = [self.word(index) for index in self.outer(head, brace)]
        before, called = self.word(brace - 1), self.match.get(brace - 1)
        if "enum" in words:
            return "enum"
        if kind == "scope":
            if "(" in words and (before in {")", "const", "noexcept", "override", "final", "&"} or
                                 (before == "}" and ":" in words) or "->" in words) \
                    and ("=" not in words or "operator" in words):
                return "constant" if {"constexpr", "consteval"} & set(words) else "body"
            return "scope" if SCOPES & set(words) else "init"
        if self._is_lambda(brace):
            return "lambda"
        if kind in {"init", "bracket"}:
            return "init"
        if words and words[0] in SCOPES:
            return "scope"
        if before == ")" and called is not None:
            control = self.word(called - 1)
            return "block" if control in {"if", "for", "while", "switch", "catch", "constexpr"} \
                else "init"
        return "block" if before in {"else", "do", "try", ";", "{", "}", ":"} else "init"

    def _is_lambda(self, brace):
        index = brace - 1
        while index > 0 and (self.tokens[index].kind == "word" or
                             self.word(index) in {"::", "*", "&", "->", ">"}):
            index = self.match.get(index, index) - 1
        if self.word(index) == ")" and index in self.match:
            index = self.match[index] - 1
        if self.word(index) != "]" or index not in self.match:
            return False
        first = self.match[index]
        ahead = self.tokens[first - 1] if first else None
        return ahead is None or not (ahead.kind == "word" and ahead.text != "return" or
                                     ahead.text in {")", "]"})

    def runs(self, index):
        """Does this token belong to code that runs, not to a declaration or a constant?"""
        around = self.inside[index]
        while around is not None:
            word = self.word(around)
            if word == "<" or self.word(around - 1) in UNEVALUATED or \
                    (word == "[" and self.word(around + 1) == "[") or \
                    (word == "(" and self.word(around - 1) == "constexpr"):
                return False
            if self.kinds.get(around) in {"scope", "enum", "constant"}:
                return False
            if self.kinds.get(around) in RUNS and self.kinds.get(self.inside[around]) is None:
                return True
            if self.kinds.get(around) == "body":
                return True
            around = self.inside[around]
        return False

    def statements(self):
        """(first, end) of each simple statement in code that runs; `end` is that of its `;`."""
        first = None
        for index, token in enumerate(self.tokens):
            around = self.inside[index]
            if self.kinds.get(around) not in RUNS | {"block"}:
                continue
            if first is None and token.text not in HEADS and self._begins(index):
                first = index
            if token.text in {"{", "}"} and self.kinds.get(index) != "init" and \
                    (self.kinds.get(index) in {"block", "scope"} or first is None):
                first = None
            if token.text == ";" and first is not None:
                if self.inside[first] == around and self.runs(first):
                    yield first, index
                first = None

    def _begins(self, index):
        before = self.word(index - 1)
        if before == ")":
            control = self.match.get(index - 1, 1) - 1
            return self.word(control) in {"if", "for", "while"} or self.word(control) == "constexpr"
        if before == "}":
            return self.kinds.get(self.match.get(index - 1)) in RUNS | {"block", "scope"}
        return before in {";", "{", "else", "do", ":"}

    def left_edge(self, index):
        """The first token of the operand to the left of a binary operator."""
        level = PRECEDENCE[self.word(index)]
        while True:
            before = index - 1
            text = self.word(before)
            if before in self.match and (text != "}" or self._is_operand(self.match[before])) and \
                    self.match[before] < before:
                if self.word(self.match[before] - 1) in {"if", "for", "while", "constexpr"}:
                    return index
                index = self.match[before]
            elif not self._is_part(before) or PRECEDENCE.get(text, 99) < level and \
                    self.is_binary(before):
                return index
            else:
                index = before

    def right_edge(self, index):
        """The last token of the operand to the right of a binary operator."""
        level = PRECEDENCE[self.word(index)]
        while True:
            after = index + 1
            text = self.word(after)
            if after in self.match and self.match[after] > after and \
                    (text != "{" or self._is_operand(after)):
                index = self.match[after]
            elif not self._is_part(after) or self.is_binary(after) and PRECEDENCE[text] <= level:
                return index
            else:
                index = after

    def _is_operand(self, brace):
        return self.kinds.get(brace) in {"init", "lambda"}

    def _is_part(self, index):
        """May the token be a part of an operand?"""
        text = self.word(index)
        return text not in {"", ";", ",", "?", ":", "return", "case", "else", "do", "throw"} and \
            text not in ASSIGNMENTS and not (text in "()[]{}")


class Finder:
    def __init__(self, path, text):
        self.path, self.text, self.code = path, text, Code(text)
        self.sites = []
        self.constant = set()  # Tokens of statements that are evaluated by the compiler.

    def add(self, first, last, name, form, mutated, at=None):
        start, end = self.code.tokens[first].start, self.code.tokens[last].end
        if not any(start < directive < end for directive in self.code.directives):
            line = self.text.count("\n", 0, self.code.tokens[first if at is None else at].start) + 1
            self.sites.append(Site(self.path, start, end, line, name, form, mutated))

    def replaced(self, first, last, at, new):
        """The text of tokens first..last with the token `at` replaced."""
        tokens = self.code.tokens
        return (self.text[tokens[first].start:tokens[at].start] + new +
                self.text[tokens[at].end:tokens[last].end])

    def find(self):
        self._skip_constants()
        for first, end in self.code.statements():
            self._statement(first, end)
        for index, token in enumerate(self.code.tokens):
            if index in self.constant:
                continue
            if token.text == "{" and self.code.kinds.get(index) == "body":
                self._body(index)
            elif self.code.runs(index):
                self._token(index, token)
        # To negate a condition that is one relation is what the relation's opposite does.
        relations = {(site.start, site.end) for site in self.sites if site.name == "relation"}
        return sorted({site for site in self.sites if site.form != "condition" or
                       (site.start, site.end) not in relations}, key=dataclasses.astuple)

    def _skip_constants(self):
        for index, token in enumerate(self.code.tokens):
            if token.text in CONSTANT and not (token.text == "constexpr" and
                                               self.code.word(index - 1) == "if"):
                around, last = self.code.inside[index], index
                if self.code.kinds.get(around) not in RUNS | {"block"}:
                    continue
                stops = {":"} if token.text == "case" else {";"}
                while self.code.word(last) not in stops | {""} or self.code.inside[last] != around:
                    last += 1
                self.constant.update(range(index, last))

    def _token(self, index, token):
        name, mutants = SWAPS.get(token.text, ("", []))
        if mutants and self.code.is_binary(index):
            first, last = self.code.left_edge(index), self.code.right_edge(index)
            is_text = any(each.kind == "string" for each in self.code.tokens[first:last + 1])
            if token.text == "<<":
                is_text = self._is_output(index)
            if first < index < last and not (is_text and name == "arithmetic"):
                for new in mutants:
                    self.add(first, last, name, "expression",
                             self.replaced(first, last, index, new), index)
        elif token.text in {"true", "false"}:
            self.add(index, index, "constant", "expression",
                     {"true": "false", "false": "true"}[token.text])
        elif token.kind == "number" and not self._is_dimension(index):
            found = re.fullmatch(r"(0[xX][\da-fA-F']+|\d[\d']*)([a-zA-Z]\w*|)", token.text)
            if found:
                value = int(found.group(1).replace("'", ""), 0 if "x" in token.text.lower() else 10)
                more = hex(value + 1) if "x" in token.text.lower() else str(value + 1)
                self.add(index, index, "constant", "expression", more + found.group(2))
        elif token.text in {"if", "while"} and self.code.word(index + 1) == "(":
            inner = range(index + 2, self.code.match.get(index + 1, 0))
            outer = [self.code.word(each) for each in self.code.outer(inner.start, inner.stop)]
            if inner and not {";", "="} & set(outer):
                first, last = inner[0], inner[-1]
                kept = self.text[self.code.tokens[first].start:self.code.tokens[last].end]
                self.add(first, last, "condition", "condition", f"!({kept})", index)

    def _is_output(self, index):
        """Does the statement print text with `<<`? Such a stream has no other operator."""
        while self.code.word(index) not in {"", ";", "{", "}"}:
            index += 1
            if self.code.word(index - 1) == "<<" and self.code.tokens[index].kind == "string":
                return True
        return False

    def _is_dimension(self, index):
        """Is the number the size in the declaration of an array?"""
        bracket = self.code.inside[index]
        if self.code.word(bracket if bracket is not None else -1) != "[":
            return False
        before = bracket - 1
        return self.code.tokens[before].kind == "word" and \
            (self.code.tokens[before - 1].kind == "word" or self.code.word(before - 1) in "*&>") \
            and self.code.word(before - 1) != "return"

    def _statement(self, first, end):
        """Leaves out a call whose result nobody wants, an assignment or an increment."""
        code = self.code
        outer = list(code.outer(first, end))
        words = [code.word(each) for each in outer]
        if first in self.constant or code.word(first) in KEYWORDS | UNEVALUATED:
            return
        assigned = [each for each in outer if code.word(each) in ASSIGNMENTS and
                    code.tokens[each].spaced]
        target = outer[:outer.index(assigned[0])] if assigned else outer
        if any(self._declares(one, two) for one, two in zip(target, target[1:])):
            return
        steps = {"++": "--", "--": "++"}
        if assigned:
            swap = SWAPS.get(code.word(assigned[0]))
            if swap:
                self.add(first, end - 1, swap[0], "expression",
                         self.replaced(first, end - 1, assigned[0], swap[1][0]), assigned[0])
        elif words[0] in steps or words[-1] in steps:
            at = outer[0] if words[0] in steps else outer[-1]
            self.add(first, end - 1, "arithmetic", "expression",
                     self.replaced(first, end - 1, at, steps[code.word(at)]))
        elif words[-1] != ")" or len(words) < 3 or set(words) & set("?{"):
            return
        self.add(first, end, "statement", "statement", "{}")

    def _declares(self, one, two):
        """Are these two neighbours the end of a type and the beginning of a name?"""
        types = self.code.tokens[one].kind == "word" or self.code.word(one) in {">", "*", "&", "&&"}
        return types and self.code.tokens[two].kind == "word" and one + 1 == two and \
            not (self.code.word(one) in {"*", "&"} and self.code.tokens[one].end ==
                 self.code.tokens[two].start)

    def _body(self, brace):
        """Returns at once from a function, with nothing or with {}."""
        code = self.code
        head = code.head(brace)
        outer = list(code.outer(head, brace))
        words = [code.word(each) for each in outer]
        if code.inside[brace] is not None and not code.kinds.get(code.inside[brace]):
            return
        if code.word(brace + 1) == "}" or "(" not in words or "noreturn" in self.text[
                code.tokens[head].start:code.tokens[brace].start]:
            return
        name = words.index("(") - 1
        while name > 1 and words[name - 1] == "::":
            name -= 2
        result = [word for word in words[:max(name, 0)]
                  if word not in {"explicit", "inline", "static", "virtual", "friend", "template",
                                  "<", ">", "[", "]", "::"}]
        if "&" in result:  # {} would be a temporary.
            return
        if "~" in words or (not result and "operator" not in words):
            mutated = " return;"
        else:
            mutated = " return;" if result == ["void"] else " return {};"
        position = code.tokens[brace].end
        self.sites.append(Site(self.path, position, position,
                               self.text.count("\n", 0, position) + 1, "return", "insertion",
                               mutated))


def sites_in(path, text):
    """Every site of a file, in the order of its text."""
    return Finder(path, text).find()


def flat(code):
    """On one line, without comments: a mutant must not move the lines below it."""
    def kept(found):
        return "" if found.lastgroup in {"comment", "directive"} else found.group()
    return re.sub(r"\s*\n\s*", " ", TOKEN.sub(kept, code))


def instrumented(text, numbered):
    """The text with these sites in it, {number: site}; spans are nested or apart."""
    order = sorted(numbered.items(), key=lambda one: (one[1].start, -one[1].end, one[0]))

    def written(start, end, inner):
        parts, position = [], start
        while inner:
            number, site = inner[0]
            within = [one for one in inner[1:] if one[1].start < site.end]
            inner = inner[1 + len(within):]
            parts.append(text[position:site.start])
            parts.append(chosen(number, site, written(site.start, site.end, within)))
            position = site.end
        return "".join(parts) + text[position:end]

    def chosen(number, site, kept):
        asked = f"xord_mutant({number})"
        if site.form == "insertion":
            return f" if ({asked}) {{{site.mutated} }}"
        if site.form == "statement":
            return f"{{ if (!{asked}) {kept} }}"
        if site.form == "condition":
            return f"({asked} != static_cast<bool>({kept}))"
        return f"({asked} ? ({flat(site.mutated)}) : ({kept}))"
    return written(0, len(text), order)
