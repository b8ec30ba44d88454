"""Tests of tests/mutation_score.py and tests/mutation_sites.py, the latter on snippets of C++."""

import argparse
import contextlib
import io
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutation_score  # noqa: E402
import mutation_sites  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent


def mutants_of(code, name=None):
    """[(what stands there, what would)] of a function with this body."""
    text = f"void f() {{{code}}}\n"
    return [(text[site.start:site.end], site.mutated)
            for site in mutation_sites.sites_in("a.cc", text)
            if site.name != "return" and name in (None, site.name)]


def named_in(text):
    return {site.name for site in mutation_sites.sites_in("a.cc", text)}


class Operators(unittest.TestCase):
    def test_a_relation_becomes_its_neighbour_and_its_opposite(self):
        for sign, others in [("<", ["<=", ">="]), ("<=", ["<", ">"]), (">", [">=", "<="]),
                             (">=", [">", "<"]), ("==", ["!="]), ("!=", ["=="])]:
            self.assertEqual(mutants_of(f"g(a {sign} b);", "relation"),
                             sorted((f"a {sign} b", f"a {other} b") for other in others))

    def test_arithmetic_becomes_its_inverse(self):
        for sign, other in ["+-", "-+", "*/", "/*", "%*", "&|", "|&", ("<<", ">>"), (">>", "<<")]:
            self.assertEqual(mutants_of(f"return a {sign} b;"),
                             [(f"a {sign} b", f"a {other} b")])
        self.assertEqual(mutants_of("a += b;", "arithmetic"), [("a += b", "a -= b")])
        self.assertEqual(mutants_of("++a;", "arithmetic"), [("++a", "--a")])

    def test_logic_is_swapped_and_conditions_are_negated(self):
        self.assertEqual(mutants_of("return a && b;"), [("a && b", "a || b")])
        self.assertEqual(mutants_of("if (g(a)) return;"), [("g(a)", "!(g(a))")])
        self.assertEqual(mutants_of("while (!a()) return;"), [("!a()", "!(!a())")])
        self.assertEqual(mutants_of("if (a == b) return;", "condition"), [],
                         "that is what != does")

    def test_a_constant_becomes_the_next(self):
        self.assertEqual(mutants_of("return 9;"), [("9", "10")])
        self.assertEqual(mutants_of("return 0x0Fu;"), [("0x0Fu", "0x10u")])
        self.assertEqual(mutants_of("return 1'000ms;"), [("1'000ms", "1001ms")])
        self.assertEqual(mutants_of("return true;"), [("true", "false")])

    def test_calls_and_assignments_are_left_out(self):
        for code in ["g(a);", "a.b->c(d, e);", "a[i] = b;", "*a = b;", "a.b(e)[c].d += e;",
                     "static_cast<void>(g());", "++a;", "n::g<int>(a);"]:
            self.assertEqual(mutants_of("if (x) " + code, "statement"), [(code, "{}")], code)
        for code in ["T a(b);", "T a = b;", "const T& a = b;", "T* a = b;", "n::T<U, 2> a = b;",
                     "return g(a);", "T a;", "using T = U;", "delete g(a);", "auto a = g(b);"]:
            self.assertEqual(mutants_of(code, "statement"), [], code)

    def test_a_function_returns_at_once(self):
        for head, mutated in [("void f()", " return;"), ("int A::f() const", " return {};"),
                              ("std::vector<T> f()", " return {};"), ("A::A(int a) : a_(a)",
                              " return;"), ("bool operator==(A a)", " return {};"),
                              ("auto f() -> T", " return {};")]:
            sites = mutation_sites.sites_in("a.cc", f"{head} {{ g(); }}\n")
            self.assertEqual([site.mutated for site in sites if site.name == "return"], [mutated],
                             head)
        self.assertNotIn("return", named_in("void f() {}\n[[noreturn]] void g() { h(); }\n"))

    def test_an_operand_ends_where_its_precedence_says(self):
        self.assertEqual(mutants_of("return a + b * c < d && e;", "relation"),
                         [("a + b * c < d", "a + b * c <= d"), ("a + b * c < d", "a + b * c >= d")])
        self.assertEqual(mutants_of("return a - b - c;"),
                         [("a - b", "a + b"), ("a - b - c", "a - b + c")])
        self.assertEqual(mutants_of("x = f<T>(a, b) == T{c} ? d : e;", "relation"),
                         [("f<T>(a, b) == T{c}", "f<T>(a, b) != T{c}")])
        self.assertEqual(mutants_of("return g([&](T a) { h(a); }) || b;", "logic"),
                         [("g([&](T a) { h(a); }) || b", "g([&](T a) { h(a); }) && b")])


class Avoided(unittest.TestCase):
    def test_code_that_does_not_run_is_left_alone(self):
        for text in ["// a < b\n", "/* a < b */\n", "#define A(x) \\\n  ((x) < 3)\n",
                     "constexpr int a = 1 + 2;\n", "static_assert(a < 3);\n",
                     "enum class A { b = 1, c = 2 };\n",
                     "struct A {\n  int a = 3;\n  int b{4};\n};\n",
                     "constexpr int f(int a) { return a + 1; }\n",
                     "consteval int f(int a) { return a + 1; }\n",
                     "template <int N = 3 + 4>\nstruct A;\n", "void f(int a = 3);\n"]:
            self.assertEqual(named_in(text), set(), text)

    def test_so_is_what_the_compiler_evaluates_inside_a_function(self):
        for code in ["static constexpr int a = 1 + 2;", "static_assert(a < 3);", "using A = B<3>;",
                     "return a<3>;", "return b<(1 + 2)>(c);", "return sizeof(a + 1);",
                     "switch (a) { case 3: return; }", 'return "a < b && 3";', "return '3';",
                     "int a[16];", "CHECK(a < b);", "DCHECK(a + 1 < b);",
                     "struct A { int a = 3; };", "__builtin_prefetch(&a[3]);", 'return a + "b";',
                     'out << a << "b";',
                     "[[maybe_unused]] T a;", "return R\"(a < 3)\";", "return -a;", "T&& a = b;"]:
            self.assertEqual(mutants_of(code), [], code)
        self.assertEqual(mutants_of("if constexpr (a < 3) return;"), [])

    def test_a_span_with_a_directive_in_it_is_left_alone(self):
        self.assertEqual(mutants_of("return a +\n#if X\n  b;\n#else\n  c;\n#endif\n"), [])


class Instrumented(unittest.TestCase):
    def written(self, text, *names):
        sites = [site for site in mutation_sites.sites_in("a.cc", text) if site.name in names]
        return mutation_sites.instrumented(text, dict(enumerate(sites, 1)))

    def test_each_form_chooses_by_its_number(self):
        self.assertIn("return (xord_mutant(1) ? (a - b) : (a + b));",
                      self.written("int f() { return a + b; }", "arithmetic"))
        self.assertIn("if ((xord_mutant(1) != static_cast<bool>(a))) b();",
                      self.written("int f() { if (a) b(); }", "condition"))
        self.assertIn("if (a) { if (!xord_mutant(1)) b(); } else { if (!xord_mutant(2)) c(); }",
                      self.written("int f() { if (a) b(); else c(); }", "statement"))
        self.assertEqual("int f() { if (xord_mutant(1)) { return {}; } return 3; }",
                         self.written("int f() { return 3; }", "return"))

    def test_nested_and_equal_spans_carry_each_other(self):
        self.assertIn("return (xord_mutant(1) ? (a || b < 3) : (a && (xord_mutant(2) ? (b <= 3) : "
                      "((xord_mutant(3) ? (b >= 3) : (b < (xord_mutant(4) ? (4) : (3))))))));",
                      self.written("int f() { return a && b < 3; }", "logic", "relation",
                                   "constant"))

    def test_no_line_moves(self):
        text = "int f() {\n  g(a +  // One.\n    b);\n  return c &&\n         d;\n}\n"
        written = self.written(text, "arithmetic", "statement", "logic", "return")
        self.assertEqual(written.count("\n"), text.count("\n"))
        self.assertIn("(a - b)", " ".join(written.split()))

    def test_the_sites_of_the_whole_tree_are_nested_or_apart(self):
        sites = list(mutation_score.all_sites(ROOT, mutation_score.PRODUCTION))
        self.assertGreater(len(sites), 10000)
        under_way = []
        for site in sorted(sites, key=lambda one: (one.path, one.start, -one.end)):
            while under_way and (under_way[-1].path, under_way[-1].end) <= (site.path, site.start) \
                    or under_way and under_way[-1].path != site.path:
                under_way.pop()
            if under_way:
                self.assertLessEqual(site.end, under_way[-1].end, (site, under_way[-1]))
            under_way.append(site)


class Draw(unittest.TestCase):
    def test_one_seed_gives_one_draw_and_a_larger_count_continues_it(self):
        sites = list(mutation_score.all_sites(ROOT, ["storage"]))
        draw = mutation_score.drawn(sites, 7, 30)
        self.assertEqual(draw, mutation_score.drawn(sites, 7, 30))
        self.assertEqual(list(draw.items()), list(mutation_score.drawn(sites, 7, 60).items())[:30])
        self.assertNotEqual(draw, mutation_score.drawn(sites, 8, 30))

    def test_a_folder_is_tested_by_its_own_programs_first(self):
        self.assertEqual(mutation_score.ladder_of("node/wire/message.h")[0], "node_wire_tests")
        self.assertEqual(mutation_score.ladder_of("node/node.cc")[0], "node_tests")
        self.assertEqual(mutation_score.ladder_of("node/server/server.h", ["node_tests"]), [])
        named = {name for ladder in mutation_score.LADDERS.values() for name in ladder}
        build = (ROOT / "CMakeLists.txt").read_text()
        for name in named:
            if name.endswith("_tests"):  # xord_tests(node/wire ...) is node_wire_tests.
                folders = [folder.replace("/", "_") for folder in
                           re.findall(r"^xord_tests\((\S+)", build, re.M)]
                self.assertIn(name.removesuffix("_tests"), folders)
            else:
                self.assertTrue((ROOT / "tests" / "e2e" / f"{name}_test.py").is_file(), name)


STORAGE, TESTS = "storage/", "tests/"
TINY = {
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(GTest REQUIRED)
include_directories(${PROJECT_SOURCE_DIR} storage)
file(GLOB sources CONFIGURE_DEPENDS storage/*.cc reactor/base/*.cc tests/*.cc)
add_executable(storage_tests ${sources})
target_link_libraries(storage_tests GTest::gtest GTest::gtest_main)
""",
    STORAGE + "twice.h": """#include <string>
inline int twice(int number) {
  return 2 * number;
}
int nobody_asks();
int loops(int number);
int made_early();
std::string text_of(std::string a, std::string b);
""",
    STORAGE + "twice.cc": """#include "twice.h"
int nobody_asks() {
  return 5;
}
int loops(int number) {
  while (number != 8) ++number;
  return number;
}
int made_early() {
  return 40;
}
std::string text_of(std::string a, std::string b) {
  return a + b;
}
int constant() {
  const int size = 77;
  static_assert(size == 77);
  return size;
}
""",
    TESTS + "main.cc": """#include <gtest/gtest.h>
#include "twice.h"
const int early = made_early();
// Of the number that twice() multiplies by, two times zero says nothing.
TEST(Twice, OfZero) { EXPECT_EQ(twice(0), 0); }
TEST(Twice, FailsUnbroken) { EXPECT_EQ(twice(1), 3); }
TEST(Twice, DISABLED_Fails) { FAIL(); }
TEST(Loops, EndAtEight) { EXPECT_EQ(loops(5), 8); }
class Text : public testing::TestWithParam<const char*> {};
TEST_P(Text, IsJoined) { EXPECT_EQ(text_of(GetParam(), "b")[1], 'b'); }
INSTANTIATE_TEST_SUITE_P(Each, Text, testing::Values("a", "c"));
""",
}


class Tests(unittest.TestCase):
    """Which tests run, and what counts."""

    def program(self, name="storage_tests", **tests):
        program = mutation_score.Program(name, [], None, None)
        program.tests = tests
        return program

    def test_a_listing_is_read_without_what_is_disabled(self):
        self.assertEqual(mutation_score.tests_listed(
            "Running main() from gtest_main.cc\nA.\n  b\n  DISABLED_c\n  d_DISABLED_e\n"
            "T/0.  # TypeParam = int\n  f\nI/P.\n  g/0  # GetParam() = X.\n  DISABLED_g/0\n"
            "DISABLED_S.\n  h\nJ/DISABLED_S.\n  k/0\n"),
            ["A.b", "A.d_DISABLED_e", "T/0.f", "I/P.g/0"])

    def test_those_that_reach_it_run_and_the_quick_ones_first(self):
        program = self.program(a=(7, {1}), b=(0.1, {1, 2}), c=(2, {1}), d=(0.9, {1}), e=(0.1, {2}))
        self.assertEqual(program.runs_for(1), [["b", "d"], ["c"], ["a"]])
        self.assertEqual(program.runs_for(2), [["b", "e"]])
        self.assertEqual(program.runs_for(3), [])
        self.assertEqual(program.bound_of(["b", "a"]), 7 * mutation_score.SLOWER)
        self.assertEqual(program.bound_of(["b"]), mutation_score.SECONDS_MIN)

    def test_no_filter_outgrows_what_linux_passes_on(self):
        names = [f"{number:0200}" for number in range(1200)]
        runs = self.program(**dict.fromkeys(names, (0.1, {1}))).runs_for(1)
        self.assertEqual(sum(runs, []), names)
        self.assertLess(max(len(":".join(run)) for run in runs), 128 << 10)

    def outcome(self, name, *found):
        """Of a mutant whose runs end so."""
        program, left = self.program(name, a=(0, {1}), b=(2, {1})), list(found)
        program.notices = lambda tests, mutant: left.pop(0)
        outcome = mutation_score.try_mutant(1, [program])
        self.assertEqual(left, [])
        return outcome

    def test_what_waits_for_servers_must_notice_twice(self):
        for name in ["node_server_tests", "log"]:
            noticed = ("noticed", f"{name}: a")
            self.assertEqual(self.outcome(name, noticed, noticed), noticed)
            self.assertEqual(self.outcome(name, noticed, None, noticed, noticed), noticed)
            self.assertEqual(self.outcome(name, noticed, None, None),
                             ("missed", f"by {name}:2; once, but not twice, {name}: a"))
        noticed = ("noticed", "storage_tests: a")
        self.assertEqual(self.outcome("storage_tests", None, noticed), noticed)


@unittest.skipUnless(shutil.which("cmake") and shutil.which("ninja"), "no cmake or no ninja")
class Run(unittest.TestCase):
    """The whole of it, on a tree of one program."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root, self.work = (pathlib.Path(scratch.name) / name for name in ("root", "work"))
        for name, text in TINY.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        bound = mutation_score.SECONDS_MIN
        self.addCleanup(setattr, mutation_score, "SECONDS_MIN", bound)
        mutation_score.SECONDS_MIN = 8

    def score(self, **changes):
        arguments = argparse.Namespace(
            seed=1, count=99, folder=["storage"], programs=["storage_tests"], only=[], time=10,
            jobs=2, work=self.work, outcomes=None, prefix="")
        vars(arguments).update(changes)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            found = mutation_score.score(self.root, arguments)
        drawn = mutation_score.drawn(mutation_score.all_sites(self.root, ["storage"]), 1, 99)
        named = {}
        for number, outcome in found.items():
            site = drawn[number]
            text = (self.root / site.path).read_text()
            named[text[site.start:site.end] or text[:site.start].splitlines()[-1],
                  site.mutated] = outcome
        return named, printed.getvalue()

    def test_each_outcome_is_told_apart_and_kept(self):
        found, printed = self.score()
        self.assertEqual(found["2", "3"], ("missed", "by storage_tests:1"))
        self.assertEqual(found["5", "6"], ("missed", "no program reaches it"))
        self.assertEqual(found["40", "41"], ("missed", "by storage_tests:4"), "in each process")
        self.assertEqual(found["8", "9"], ("noticed", "storage_tests: Loops.EndAtEight"))
        self.assertEqual(found["std::string text_of(std::string a, std::string b) {",
                               " return {};"],
                         ("noticed", "storage_tests: Each/Text.IsJoined/0"))
        self.assertIn("storage_tests Twice.FailsUnbroken is left out: it fails unbroken", printed)
        self.assertEqual(found["a + b", "a - b"][0], "not compiled")
        self.assertEqual(found["77", "78"][0], "not compiled", "the line of a note names it")
        self.assertEqual(found["++number;", "{}"][0], "timed out")
        self.assertIn("-  return 2 * number;\n+  return 3 * number;\n", printed)
        self.assertRegex(printed, r"(?m)^storage/\* +\d+ +\d+ +\d+ +\d+ +0 +\d+ %$")

        again, printed = self.score()
        self.assertEqual(again, found)
        self.assertNotIn("twice.cc:6 ", printed, "what is known is not run again")

        everything = mutation_score.drawn(mutation_score.all_sites(self.root, ["storage"]), 1, 99)
        build = mutation_score.Build(self.root, self.work, everything)
        culprits = build._culprits(STORAGE + "twice.cc", list(everything))
        self.assertEqual(sorted(everything[number].mutated for number in culprits),
                         ["78", "a - b"], "found by halves, too")

    def test_a_program_without_a_test_that_passes_is_left_out(self):
        (self.root / "tests" / "main.cc").write_text("int main() { return 1; }\n")
        found, printed = self.score()
        self.assertIn("storage_tests is left out: no test of it passes", printed)
        self.assertEqual({by for outcome, by in found.values() if outcome == "missed"},
                         {"no program reaches it"})


if __name__ == "__main__":
    unittest.main()
