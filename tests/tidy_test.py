"""Tests of tests/tidy.py: each check accepts what is right and finds what it names."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy  # noqa: E402

FILES = {"reactor/base/id.h", "reactor/reactor.h", "storage/store.h", "storage/rocks/rocks_store.h",
         "storage/files/small_file.h", "node/node.h", "node/contact.h", "node/wire/message.h",
         "node/server/server.h", "node/server/api/api.h", "tools/cli/flags.h", "tools/run/a.h",
         "docs/TESTING.md", "README.md"}


def problems(check, *arguments):
    return [what for *_, what in check(*arguments)]


class Includes(unittest.TestCase):
    def may(self, path, target):
        return not problems(tidy.check_includes, path, f'#include "{target}"\n', FILES)

    def test_each_layer_includes_only_what_lies_below_it(self):
        allowed = [("storage/store.cc", "reactor/base/id.h"), ("node/node.cc", "storage/store.h"),
                   ("node/server/shards/shard.cc", "reactor/reactor.h"),
                   ("node/server/shards/shard.cc", "storage/rocks/rocks_store.h"),
                   ("node/server/server.cc", "node/server/api/api.h"),
                   ("tools/run/a.cc", "node/server/server.h"), ("tests/node/a.cc", "node/node.h"),
                   ("node/node.cc", "node/wire/message.h"), ("node/lookup/a.h", "node/contact.h"),
                   ("tools/run/a.cc", "tools/cli/flags.h"),
                   ("node/wire/message.h", "node/contact.h"), ("bench/a.cc", "tools/cli/flags.h")]
        for path, target in allowed:
            self.assertTrue(self.may(path, target), (path, target))

    def test_an_include_against_the_direction_is_found(self):
        wrong = [("reactor/base/id.cc", "storage/store.h"), ("storage/store.cc", "node/node.h"),
                 ("storage/store.cc", "storage/rocks/rocks_store.h"),
                 ("storage/store.cc", "reactor/reactor.h"), ("node/node.cc", "reactor/reactor.h"),
                 ("node/node.cc", "storage/rocks/rocks_store.h"),
                 ("node/node.cc", "storage/files/small_file.h"),
                 ("node/node.cc", "node/server/server.h"), ("reactor/reactor.cc", "node/node.h"),
                 ("node/server/shards/shard.cc", "tools/cli/flags.h"),
                 ("node/server/admin/a.cc", "node/server/api/api.h"),
                 ("node/server/api/api.cc", "node/server/server.h"),
                 ("node/server/http/a.cc", "node/node.h"), ("node/wire/a.cc", "node/node.h"),
                 ("node/calls/a.cc", "node/node.h"), ("node/contact.h", "node/wire/message.h"),
                 ("tools/cli/a.cc", "tools/run/a.h"), ("tools/sim/a.cc", "node/server/server.h")]
        for path, target in wrong:
            self.assertFalse(self.may(path, target), (path, target))

    def test_an_include_of_nothing_is_found(self):
        self.assertFalse(self.may("node/node.cc", "node/gone.h"))
        self.assertFalse(self.may("node/node.cc", "node.h"))


class Rooms(unittest.TestCase):
    TEXTS = {"node/a.h": "", "node/a.cc": '#include "node/a.h"\n#include "node/b/c.h"\n',
             "node/b/c.h": '#include "node/d/e/f.h"\n#include "storage/x.h"\n',
             "node/d/e/f.h": "", "node/README.md": ""}

    def test_arrows_lead_from_room_to_room_once(self):
        arrows = tidy.arrows_in("node", self.TEXTS)
        self.assertEqual(arrows, {"a": {"b"}, "b": {"d"}, "d": set()})
        self.assertEqual(tidy.arrows_back(arrows), [])
        self.assertEqual(tidy.arrows_in("", self.TEXTS), {"node": {"storage"}})

    def test_an_arrow_that_closes_a_circle_runs_back(self):
        texts = {**self.TEXTS, "node/d/g.cc": '#include "node/b/c.h"\n'}
        self.assertEqual(tidy.arrows_back(tidy.arrows_in("node", texts)), [("d", "b")])


class Banned(unittest.TestCase):
    def found(self, path, code):
        return problems(tidy.check_banned, path, code)

    def test_every_banned_call_is_found_and_its_replacement_named(self):
        for path, code, instead in [
                ("node/a.cc", "auto t = std::chrono::steady_clock::now();", "now"),
                ("tools/a.cc", "time(nullptr);", "reactor/monotonic.h"),
                ("tests/sim/a.cc", "std::random_device r;", "prints"),
                ("tests/a.cc", "std::mt19937 r;", "Rng"),
                ("storage/a.cc", "getrandom(&a, 8, 0);", "reactor/entropy.h"),
                ("tests/sim/a.cc", "std::shuffle(a, b, r);", "Rng"),
                ("node/a.cc", "std::uniform_int_distribution<int> d;", "Rng"),
                ("node/a.h", "std::mutex m;", "message"),
                ("reactor/reactor.cc", "std::lock_guard l(m);", "message"),
                ("storage/a.h", "std::shared_ptr<int> p;", "owner"),
                ("node/a.cc", "throw 1;", "refusal"),
                ("node/a.cc", 'spdlog::info("x");', "counter"),
                ("tools/a.cc", "assert(x);", "CHECK"),
                ("node/a.cc", "// TODO: later\n", "issue"),
                ("tests/a.cc", "std::this_thread::sleep_for(1s);", "virtual time"),
                ("node/a.cc", '#include "../node.h"', "root"),
                ("tools/a.cc", "using namespace std;", "full name")]:
            self.assertEqual(len(self.found(path, code)), 1, code)
            self.assertIn(instead, self.found(path, code)[0])

    def test_what_only_looks_like_it_is_left_alone(self):
        for path, code in [
                ("node/a.cc", "static_assert(true);"), ("node/a.cc", "EXPECT(a.assert(b));"),
                ("node/a.cc", "// no std::mutex here"), ("node/a.cc", 'f("std::mutex");'),
                ("node/server/a.cc", "std::mutex m;"), ("storage/rocks/a.cc", "std::mutex m;"),
                ("reactor/monotonic.cc", "clock_gettime(1, &t);"),
                ("reactor/entropy.cc", "getrandom(&a, 8, 0);"), ("node/a.cc", "advance_time(0);"),
                ("node/a.cc", "// TODO(#12): later\n"), ("tools/a.cc", "throw Failure();")]:
            self.assertEqual(self.found(path, code), [], code)


class Sizes(unittest.TestCase):
    def function_of(self, lines):
        return "int f(int a) {\n" + "  a++;\n" * (lines - 2) + "}\n"

    def test_a_function_over_the_limit_is_found_wherever_it_is(self):
        long, fits = self.function_of(71), self.function_of(70)
        for frame in ["%s", "namespace a {\n%s}\n", "class A {\n public:\n%s};\n",
                      "class alignas(64) A {\n public:\n%s};\n", "int x{3};\n%s",
                      "int x = 3;\n\n// Comment {\n%s", "#define Q {\n%s"]:
            self.assertEqual(len(problems(tidy.check_sizes, "a.cc", frame % long)), 1, frame)
            self.assertEqual(problems(tidy.check_sizes, "a.cc", frame % fits), [], frame)

    def test_initializers_in_a_function_s_head_are_part_of_it(self):
        for head in ["int f(A a = {}, int b = {1}) {", "F::F(int a) : a_{a}, b_{} {"]:
            code = f"int x;\n{head}\n  g();\n}}\nint h() {{\n}}\n"
            self.assertEqual(list(tidy.functions(code)), [(2, 3), (5, 2)], head)

    def test_a_table_is_not_a_function(self):
        table = "const int a[] = {\n" + "  f(1),\n" * 100 + "};\n"
        self.assertEqual(problems(tidy.check_sizes, "a.cc", table), [])

    def test_long_files_and_lines_are_found(self):
        self.assertEqual(len(problems(tidy.check_sizes, "a.py", "x\n" * 801)), 1)
        self.assertEqual(problems(tidy.check_sizes, "a.py", "x\n" * 800), [])
        self.assertEqual(len(problems(tidy.check_sizes, "a.cc", "x" * 101 + "\n")), 1)
        self.assertEqual(problems(tidy.check_sizes, "a.cc", "x" * 100 + "\n"), [])

    def test_braces_in_literals_do_not_count(self):
        code = "void f() {\n  g('{', \"}{{\", R\"({{{)\");  // {\n}\nint h() {\n}\n"
        self.assertEqual(list(tidy.functions(code)), [(1, 3), (4, 2)])


class Assertions(unittest.TestCase):
    CODE = ("static_assert(sizeof(int) == 4);\n// CHECK(1)\n"
            "void f() {\n  CHECK(a);\n  DCHECK(b);\n  print(\"CHECK(c)\");\n}\n"
            "int g() { return 1; }\n")

    def test_uses_and_functions_are_counted_in_the_innermost_folder(self):
        sums = tidy.assertions_of({
            "storage/a.cc": self.CODE, "storage/rocks/b.h": "void f() {\n}\n",
            "node/routing/c.cc": self.CODE, "tests/d.cc": self.CODE, "storage/e.py": "CHECK()\n",
            "reactor/base/check.h": "#define CHECK(claim) 1\n"})
        self.assertEqual(sums["storage"], (3, 2))
        self.assertEqual(sums["storage/rocks"], (0, 1))
        self.assertEqual(sums["node"], (3, 2))
        self.assertEqual(sums["reactor/base"], (0, 0))

    def test_a_folder_that_falls_below_its_figure_is_found(self):
        enough = {folder + "/a.cc": "void f() {\n  CHECK(a);\n}\n"
                  for folder in tidy.ASSERTIONS_LEAST}
        self.assertEqual(problems(tidy.check_assertions, enough), [])
        bare = {**enough, "storage/rocks/b.cc": "void f() {\n}\n" * 9}
        found = list(tidy.check_assertions(bare))
        self.assertEqual([folder for folder, *_ in found], ["storage/rocks"])
        self.assertIn("1 assertions in 10 functions", found[0][2])

    def test_a_folder_that_is_gone_is_found(self):
        gone = {folder + "/a.cc": "void f() {\n  CHECK(a);\n}\n"
                for folder in tidy.ASSERTIONS_LEAST if folder != "node/server"}
        self.assertEqual([folder for folder, *_ in tidy.check_assertions(gone)], ["node/server"])


class Files(unittest.TestCase):
    def test_a_header_begins_with_a_comment_and_pragma_once(self):
        good = "// A thing.\n#pragma once\n\nint a;\n"
        self.assertEqual(problems(tidy.check_header, "a.h", good), [])
        self.assertEqual(len(problems(tidy.check_header, "a.h", "#pragma once\n")), 1)
        self.assertEqual(len(problems(tidy.check_header, "a.h", "// A thing.\nint a;\n")), 1)

    def test_stray_space_is_found(self):
        self.assertEqual(problems(tidy.check_space, "a", "ok\n"), [])
        self.assertEqual(len(problems(tidy.check_space, "a", "end \n")), 1)
        self.assertEqual(len(problems(tidy.check_space, "a", "\tx\n")), 1)
        self.assertEqual(len(problems(tidy.check_space, "a", "no end")), 1)

    def test_an_unknown_top_level_name_is_found(self):
        found = list(tidy.check_top_level(["README.md", "node/node.h", "notes.txt"]))
        self.assertEqual([path for path, *_ in found], ["notes.txt"])

    def test_python_that_cannot_run_is_found(self):
        self.assertEqual(problems(tidy.check_python, "a.py", '"""Says."""\nimport os\n'), [])
        self.assertEqual(len(problems(tidy.check_python, "a.py", '"""Says.\nimport os\n')), 1)

    def test_a_link_to_nothing_is_found(self):
        text = "[a](TESTING.md) [b](../README.md#x) [c](https://e.org/) [d](#here) [e](GONE.md)\n"
        self.assertEqual(problems(tidy.check_links, "docs/A.md", text, FILES),
                         ["the link to docs/GONE.md leads nowhere"])

    def test_a_file_that_is_named_and_gone_is_found(self):
        text = "See `node/node.h`, node/GONE.h and tests/NAME_test.py; not include/node/node.hpp.\n"
        self.assertEqual(problems(tidy.check_paths, "docs/A.md", text, {"node/node.h"}),
                         ["there is no node/GONE.h"])

    def test_a_link_to_no_heading_is_found(self):
        texts = {"docs/A.md": "[x](#one) [y](B.md#xord-get-key----id-hex) [z](B.md#two)\n",
                 "docs/B.md": "# `xord get` KEY | --id HEX\n```sh\n# two\n```\n"}
        self.assertEqual([what for *_, what in tidy.check_anchors(texts)],
                         ["docs/A.md has no heading #one", "docs/B.md has no heading #two"])

    def test_a_quoted_heading_that_is_gone_is_found(self):
        texts = {"docs/A.md": "# The `xord` node\n## Proofs, and how they lapse\n",
                 "a.h": '// (docs/A.md, "The xord\n// node"; docs/A.md,\n// "Proofs") "Gone"\n',
                 "b.h": '// (docs/A.md, "Proofs, and\n// how they last")\n',
                 "c.py": '# docs/A.md, "The xord"\n',
                 "docs/B.md": '[A](A.md), "Proofs"; [A](A.md), "Gone"; [C](C.md), "Gone"\n'}
        self.assertEqual([(path, what) for path, _, what in tidy.check_quoted_headings(texts)],
                         [("b.h", 'docs/A.md has no heading "Proofs, and how they last"'),
                          ("c.py", 'docs/A.md has no heading "The xord"'),
                          ("docs/B.md", 'docs/A.md has no heading "Gone"')])

    def test_a_heading_that_was_drawn_into_a_paragraph_is_found(self):
        self.assertEqual(problems(tidy.check_headings, "a.md", "# A\n\n## B\nIt ends. # x\n"), [])
        self.assertEqual(len(problems(tidy.check_headings, "a.md", "It ends. ## B It starts\n")), 1)

    def test_dead_files_are_found(self):
        texts = {"node/used.h": "", "node/dead.h": "", "node/used.cc": '#include "node/used.h"\n',
                 "gone/a.cc": "", "CMakeLists.txt": "FOLDER node)\n tests/run.py\n",
                 "tests/run.py": "", "tests/stray.py": "", "docs/A.md": "", "README.md": ""}
        self.assertEqual([path for path, *_ in tidy.check_dead(texts)],
                         ["docs/A.md", "gone/a.cc", "node/dead.h", "tests/stray.py"])


class DeadNames(unittest.TestCase):
    """Each header is paired with code that uses all of it but the names that begin with dead."""

    def found(self, header, source="", path="node/a.h", exceptions=()):
        texts = {path: header, "node/a.cc": f'#include "{path}"\n{source}'}
        before, tidy.tidy_names.EXCEPTIONS = tidy.tidy_names.EXCEPTIONS, dict(exceptions)
        try:
            return [what for *_, what in tidy.check_names(texts)]
        finally:
            tidy.tidy_names.EXCEPTIONS = before

    def names(self, header, source=""):
        return [what.split("`")[1] for what in self.found(header, source)]

    def test_functions_types_constants_members_enumerators_and_macros_are_found(self):
        for header, source in [
                ("int dead(int a);", ""), ("inline int dead() { return 1; }", ""),
                ("template <class T, class U = A<T>>\nT dead(const U& u) { return u; }", ""),
                ("struct dead {\n  dead();\n  ~dead();\n};", ""), ("enum class dead : int {};", ""),
                ("using dead = int;", ""), ("constexpr int dead = 1;", ""),
                ("#define dead(x) x", ""), ("[[nodiscard]] std::optional<int> dead();", ""),
                ("enum class E { one, dead, two = 2 };", "E e = E::one; f(E::two);"),
                ("class A {\n public:\n  A() : b_(1), c_{2} { b_ = c_; }\n  int dead() const {\n"
                 "    return b_;\n  }\n\n private:\n  int b_ = 0;\n  int c_{};\n};", "A a;"),
                ("struct A {\n  std::map<int, B> dead;\n  int used[4] = {1, 2};\n};",
                 "int f(A a) { return a.used[0]; }"),
                ("struct A {\n  int dead : 3;\n  bool operator==(const A&) const = default;\n};",
                 "A a;")]:
            self.assertEqual(self.names(header, source), ["dead"], header)

    def test_a_definition_is_no_use_and_a_body_is(self):
        header = "class A {\n public:\n  int one();\n  int dead();\n};\n"
        source = "int A::dead() {\n  return 1;\n}\nint A::one() {\n  return 2;\n}\n"
        self.assertEqual(self.names(header, source + "int b = A().one();"), ["dead"])
        self.assertEqual(self.names(header, source + "int b = A().one() + A().dead();"), [])

    def test_comments_texts_and_other_headers_of_the_name_do_not_count_as_uses(self):
        self.assertEqual(self.names("int dead();", 'auto a = "dead";  // dead()\n'), ["dead"])
        texts = {"node/a.h": "int dead();", "node/b.h": "struct B {\n  int dead();\n};",
                 "node/b.cc": '#include "node/b.h"\nint a = B().dead();',
                 "tests/a.cc": '#include "node/a.h"\nint a = dead();'}
        self.assertIn(("node/a.h", 1), [found[:2] for found in tidy.check_names(texts)])
        texts["node/b.h"] = '#include "node/a.h"\n' + texts["node/b.h"]
        self.assertNotIn(("node/a.h", 1), [found[:2] for found in tidy.check_names(texts)])

    def test_overriders_friends_and_announced_classes_are_left_alone(self):
        self.assertEqual(self.names("class Later;\nclass A : public B {\n  void f() override;\n"
                                    "  friend class C;\n};", "A a;"), [])

    def test_an_exception_is_accepted_and_struck_once_it_is_used(self):
        allowed = {("node/a.h", "dead"): "for a reason"}
        self.assertEqual(self.found("int dead();", exceptions=allowed), [])
        self.assertEqual(len(self.found("int dead();", "int a = dead();", exceptions=allowed)), 1)


if __name__ == "__main__":
    unittest.main()
