// How any command reads its flags, and how its help looks.
#include "tools/cli/flags.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tools/cli/failure.h"

namespace xord {
namespace {

using Words = std::vector<std::string>;

// A command with one flag of each kind.
class FlagsTest : public testing::Test {
 protected:
  FlagsTest() : app_("Try all of it.", "xord try") {
    add_argument(app_, "THING", thing_, "What to try")->type_name("(THING | -)");
    add_repeatable(app_, "--listen", listen_, "Where to listen")->type_name("ADDR:PORT");
    add_repeatable(app_, "--plain", plain_, "Without a type of its own");
    app_.add_flag("--json", json_, "Print JSON");
  }
  Parsed parse(const Words& words) {
    Terminal terminal{out_, out_, {}};
    return parse_flags(app_, words, terminal);
  }
  std::string refusal(const Words& words) {
    try {
      parse(words);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), ExitCode::usage);
      return failure.what();
    }
    return "";
  }
  // The line or lines of the help for a flag, without the newline at the end.
  std::string help_of(const std::string& name, const std::string& type, const std::string& text) {
    CLI::App app("Help.", "xord help");
    Words values;
    add_repeatable(app, name, values, text)->type_name(type);
    std::ostringstream out;
    Terminal terminal{out, out, {}};
    const Words words = {"--help"};
    EXPECT_EQ(parse_flags(app, words, terminal), Parsed::help_shown);
    const std::string help = out.str();
    const size_t at = help.find("  " + name);
    std::string lines = help.substr(at);
    lines.resize(lines.find_last_not_of('\n') + 1);
    return lines;
  }

  CLI::App app_;
  Words thing_;
  Words listen_;
  Words plain_;
  bool json_ = false;
  std::ostringstream out_;
};

TEST_F(FlagsTest, AreTakenInAnyOrderAndRepeated) {
  EXPECT_EQ(parse({"--listen", "a", "thing", "--json", "--listen=b", "--plain", "c"}),
            Parsed::to_be_run);
  EXPECT_EQ(listen_, (Words{"a", "b"}));
  EXPECT_EQ(thing_, Words{"thing"});
  EXPECT_EQ(plain_, Words{"c"});
  EXPECT_TRUE(json_);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(FlagsTest, AFlagTakesOneValueAndTheNextWordIsTheArgument) {
  EXPECT_EQ(parse({"--listen", "a", "b"}), Parsed::to_be_run);
  EXPECT_EQ(listen_, Words{"a"});
  EXPECT_EQ(thing_, Words{"b"});
}

TEST_F(FlagsTest, WhatFollowsTwoDashesIsAnArgument) {
  EXPECT_EQ(parse({"--json", "--", "--listen"}), Parsed::to_be_run);
  EXPECT_EQ(thing_, Words{"--listen"});
  EXPECT_TRUE(listen_.empty());
}

TEST_F(FlagsTest, WhatIsNotUnderstoodIsNamed) {
  const std::string see = "; see `xord try --help`";
  EXPECT_EQ(refusal({"a", "b"}), "\"b\" is one argument too many" + see);
  EXPECT_EQ(refusal({"a", "b", "--zebra"}), "the flag --zebra is not known" + see)
      << "a flag is named before an argument";
  EXPECT_EQ(refusal({"a", "b", "-"}), "\"b\" is one argument too many" + see);
  EXPECT_EQ(refusal({"a", "-"}), "\"-\" is one argument too many" + see);
  EXPECT_EQ(refusal({"a", ""}), "\"\" is one argument too many" + see);
  EXPECT_EQ(refusal({"--listen"}), "--listen needs a value" + see);
  EXPECT_EQ(refusal({"--lisen", "a"}), "the flag --lisen is not known; perhaps you mean --listen");
  EXPECT_EQ(refusal({"--port=9"}),
            "the flag --port is not known; perhaps you mean --listen ADDR:PORT");
  EXPECT_EQ(refusal({"-p"}), "the flag -p is not known; perhaps you mean --listen ADDR:PORT");
  EXPECT_EQ(refusal({"-z"}),
            "the flag -z is not known; put -- before a value that begins with a dash");
}

TEST_F(FlagsTest, AShortFlagMayBeAValueWhereTheCommandTakesOne) {
  Words value;
  add_argument(app_, "VALUE", value, "A value");
  EXPECT_EQ(refusal({"a", "-p"}),
            "the flag -p is not known; put -- before a value that begins with a dash");
  EXPECT_EQ(refusal({"a", "--port"}),
            "the flag --port is not known; perhaps you mean --listen ADDR:PORT");
}

TEST_F(FlagsTest, AFlagThatTakesNothingIsSuggestedByItsNameAlone) {
  bool keep = false;
  app_.add_flag("--keep", keep, "Keep it");
  EXPECT_EQ(refusal({"--persist"}), "the flag --persist is not known; perhaps you mean --keep");
}

TEST_F(FlagsTest, TheHelpIsOnePage) {
  EXPECT_EQ(parse({"a", "b", "--help"}), Parsed::help_shown);
  const std::string help = out_.str();
  EXPECT_EQ(help.rfind("Try all of it.\n\nUsage: xord try (THING | -) [FLAGS]\n", 0), 0u) << help;
  for (const char* line : {"\n  THING                       What to try\n",
                           "\n  --listen ADDR:PORT          Where to listen\n",
                           "\n  --json                      Print JSON\n",
                           "\n  -h,--help                   Print this help message and exit\n"}) {
    EXPECT_NE(help.find(line), std::string::npos) << help;
  }
}

TEST_F(FlagsTest, ANameThatReachesIntoTheColumnHasALineOfItsOwn) {
  const std::string column(30, ' ');
  // Two spaces, the name, a space and the type.
  EXPECT_EQ(help_of("--name", std::string(20, 'T'), "words"),
            "  --name " + std::string(20, 'T') + " words");
  EXPECT_EQ(help_of("--name", std::string(21, 'T'), "words"),
            "  --name " + std::string(21, 'T') + "\n" + column + "words");
  EXPECT_EQ(help_of("--name", std::string(19, 'T') + "\u00e9", "words"),
            "  --name " + std::string(19, 'T') + "\u00e9 words")
      << "a character is a column";
}

TEST_F(FlagsTest, ADescriptionIsWrappedAtAHundredColumns) {
  const std::string begin = "  --name T                    ";
  const std::string column(30, ' ');
  const std::string word(34, 'x');
  ASSERT_EQ(begin.size(), column.size());
  EXPECT_EQ(help_of("--name", "T", word + " " + word + "x z"),
            begin + word + " " + word + "x\n" + column + "z")
      << "70 columns are full";
  const std::string three = std::string(20, 'a') + " " + std::string(20, 'b') + " ";
  EXPECT_EQ(help_of("--name", "T", three + std::string(28, 'c')),
            begin + three + std::string(28, 'c'));
  EXPECT_EQ(help_of("--name", "T", three + std::string(29, 'c')),
            begin + three.substr(0, 41) + "\n" + column + std::string(29, 'c'));
  EXPECT_EQ(help_of("--name", "T", word + " " + word + "xx z"),
            begin + word + "\n" + column + word + "xx z");
  EXPECT_EQ(help_of("--name", "T", word + " " + word.substr(1) + "\u00e9\u00e9 z"),
            begin + word + " " + word.substr(1) + "\u00e9\u00e9\n" + column + "z");
  EXPECT_EQ(help_of("--name", "T", std::string(90, 'y') + " z"),
            begin + std::string(90, 'y') + "\n" + column + "z")
      << "a word is never broken";
  EXPECT_EQ(help_of("--name", "T", "a  b\n c"), begin + "a b c") << "blanks are one space";
}

TEST(Flags, OneValueIsTheOnlyOneOrElse) {
  EXPECT_EQ(one_value("--x", {"a"}, "b"), "a");
  EXPECT_EQ(one_value("--x", {}, "b"), "b");
  EXPECT_EQ(one_value("--x", {}), "");
  EXPECT_EQ(one_value("--x", {""}, "b"), "") << "an empty one counts";
  try {
    one_value("--x", {"a", "b", "c"});
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "--x is given 3 times: give it once");
  }
}

}  // namespace
}  // namespace xord
