// What the report of a simulation says of the samples that it is given.
#include "tools/sim/command/sim_report.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace xord {
namespace {

TEST(SimReport, EachQuantileIsWhatItsNameSays) {
  sim::Setup setup;
  setup.nodes = 10;
  setup.length = hours(1);
  sim::SimulationReport report;
  report.hours = 1;
  sim::OperationStats& gets = report.gets;
  gets.begun = 1'000;
  gets.right = 1'000;
  for (int i = 0; i < 1'000; ++i) {
    gets.seconds.add(i);
    gets.asked.add(2 * i);
    gets.hops.add(3 * i);
  }
  const nlohmann::json all = json_of(setup, report);
  const nlohmann::json& said = all.at("get");
  EXPECT_EQ(said.at("seconds_mean"), 499.5);
  EXPECT_EQ(said.at("seconds_p50"), 500);
  EXPECT_EQ(said.at("seconds_p99"), 989);
  EXPECT_EQ(said.at("calls_mean"), 999);
  EXPECT_EQ(said.at("hops_mean"), 1'498.5);
  EXPECT_EQ(said.at("hops_p99"), 2'967);
  const std::string text = text_of(setup, report);
  EXPECT_NE(text.find("500.000 / 989.000       999.0 / 1978    1498.50 / 2967\n"),
            std::string::npos)
      << text;
}

// A figure of its own for each field, so that none stands where another belongs.
sim::SimulationReport full_report() {
  sim::SimulationReport report;
  report.digest = 0xabc;
  report.events = 101;
  report.datagrams = 102;
  report.bytes = 103;
  report.hours = 1.25;
  report.requests = {200, 40, 600, 80, 1'000};  // ping, stun, store, find_node, find_value
  report.records = 15;
  sim::NamingCounts& naming = report.naming;
  naming.answers = 4;
  naming.named = 80;
  naming.down = 20;
  naming.other_id = 4;
  naming.compared = 2;
  naming.living = 40;
  naming.living_named = 30;
  for (const int64_t wait : {0, 1, 2, 5}) naming.waits.add(seconds(wait));
  for (const int64_t wait : {0, 0, 0, 2}) naming.served_waits.add(seconds(wait));
  naming.pings = {20, 40, 60, 80, 100};
  naming.pings_sent = 440;
  naming.pings_admitting = 120;
  naming.pings_to_down = 10;
  report.healed = {21, 20, 41, 40, 31, 30, 0.25, 0.75};
  report.faults = {51, 52, 53, 54, 55};
  report.checks = {61, 62, 63, 64, 65};
  sim::Moment& moment = report.moments.emplace_back();
  moment = {0.5, 7, 19.5, 0.875, 0.75, 0.625, 33, 0.5, 0.25, 1.5, 250, {}};
  return report;
}
sim::Setup ten_nodes_for_two_hours() {
  sim::Setup setup;
  setup.scenario = sim::Scenario::crash;
  setup.seed = 9;
  setup.nodes = 10;
  setup.length = hours(2);
  return setup;
}

TEST(SimReport, EachLineSaysWhatWasCounted) {
  const std::string text = text_of(ten_nodes_for_two_hours(), full_report());
  for (const char* line : {
           "  1.25 virtual hours, 101 events, 102 datagrams, 103 bytes, digest 0000000000000abc\n",
           "  at the end: 7 up, 19.5 replicas per record, 87.50 % of records held; tables of 33 "
           "contacts, 50.0 % alive, 25.0 % of the k nearest known; 1.50 datagrams and 250 bytes "
           "per node and second\n",
           "  requests per node and hour: 10.0 ping, 2.0 stun, 30.0 store, 4.0 find_node, 50.0 "
           "find_value, of 15 records: 20.0 stores per record and hour\n",
           "  4 answers named 80 contacts: 25.00 % down, 5.00 % under another id; of the k nearest "
           "living of a table 75.00 % named\n",
           "  answers waited 2.000 / 5.000 / 5.000 s (mean / p99 / most), 0.500 / 2.000 / 2.000 s "
           "once their source was proven\n",
           "  pings per node and hour: 1.0 of_newcomers, 2.0 before_eviction, 3.0 of_upkeep, 4.0 "
           "of_silent, 5.0 of_named, 6.0 of_admission, 1.0 other; 0.5 of all to no node\n",
           "  healed: 20 of 21 lookups exact, 40 of 41 records found, 30 of 31 on all of their k "
           "nearest; at rest 0.25 datagrams per node and second (0.75 allowed)\n",
           "  faults: 51 crashes, 52 stalls, 53 clocks, 54 partitions, 55 disks; checked: 61 "
           "datagrams, 62 of them replies, 64 values, 63 from unproven sources, 65 tables\n",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
}

TEST(SimReport, WhatDidNotHappenHasNoLine) {
  const std::string text = text_of(ten_nodes_for_two_hours(), {});
  for (const char* absent : {"join", "set", "get ", "find ", "programs", "Python", "at the end",
                             "publishes", "healed", "nan", "inf"}) {
    EXPECT_EQ(text.find(absent), std::string::npos) << absent << " in\n" << text;
  }
  EXPECT_NE(text.find(", of 0 records: 0.0 stores per record and hour\n"), std::string::npos);
  EXPECT_NE(text.find("  0 answers named 0 contacts: 0.00 % down, 0.00 % under another id; of the "
                      "k nearest living of a table 100.00 % named\n"),
            std::string::npos)
      << text;
}

TEST(SimReport, StoresAreSharedAmongTheRecords) {
  sim::SimulationReport report;
  report.requests[static_cast<size_t>(Method::store)] = 60;
  for (const auto& [records, each] : {std::pair{0, "30.0"}, {1, "30.0"}, {2, "15.0"}}) {
    report.records = static_cast<uint64_t>(records);
    EXPECT_NE(text_of(ten_nodes_for_two_hours(), report)
                  .find(" records: " + std::string(each) + " stores per record and hour"),
              std::string::npos)
        << records;
  }
}

TEST(SimReport, AnOperationIsALineWithItsShares) {
  sim::SimulationReport report;
  report.joins.begun = 4;
  report.joins.right = 3;
  for (const double time : {1, 2, 3, 4}) report.joins.seconds.add(time);
  report.gets.begun = 8;
  report.gets.right = 1;
  report.gets.poisoned = 1;
  for (int i = 0; i < 8; ++i) report.gets.seconds.add(0.5);
  for (const double calls : {10, 20}) report.gets.asked.add(calls);
  for (const double hops : {2, 3}) report.gets.hops.add(hops);
  report.python.sets.begun = 1;
  report.programs.gets.begun = 1;
  const std::string text = text_of(ten_nodes_for_two_hours(), report);
  const std::string blank(15, ' ');
  EXPECT_NE(text.find("\n  join            4    75.00 %    3.000 /  4.000" + blank + "   -" +
                      blank + "  -\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  get             8    12.50 %    0.500 /  0.500          15.0 / 20   "
                      "       2.50 / 3   1 poisoned\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  of Python nodes:\n  set             0   100.00 %"), std::string::npos);
  EXPECT_NE(text.find("  of programs:\n  get             0   100.00 %"), std::string::npos);
}

TEST(SimReport, ThePublisherHasALineAndAnObject) {
  sim::SimulationReport report;
  EXPECT_FALSE(json_of(ten_nodes_for_two_hours(), report).contains("publisher"));
  report.publisher = {71, 72, 73, 74, 75, 70};
  EXPECT_NE(text_of(ten_nodes_for_two_hours(), report)
                .find("  one node publishes 71 keys: 72 publications by 73 lookups (74 for one key "
                      "alone); 70 of 75 on all of their k nearest\n"),
            std::string::npos);
  EXPECT_EQ(json_of(ten_nodes_for_two_hours(), report).at("publisher"),
            nlohmann::ordered_json::parse(R"({"keys": 71, "published": 72, "region_lookups": 73,
              "regions_alone": 74, "sampled": 75, "placed": 70})"));
}

TEST(SimReport, JsonHasEachFigureUnderItsName) {
  const nlohmann::json json = json_of(ten_nodes_for_two_hours(), full_report());
  const auto expected = nlohmann::json::parse(R"({
    "scenario": "crash", "seed": 9, "nodes": 10, "hours": 1.25, "digest": "0000000000000abc",
    "events": 101, "datagrams": 102, "bytes": 103, "records": 15,
    "healed_finds": 21, "healed_exact": 20, "healed_gets": 41, "healed_found": 40,
    "healed_records": 31, "healed_placed": 30,
    "rest_datagrams_per_node_second": 0.25, "rest_datagrams_allowed": 0.75,
    "requests": {"ping": 200, "stun": 40, "store": 600, "find_node": 80, "find_value": 1000},
    "violation": null})");
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(json.at(name), value) << name;
  const auto naming = nlohmann::json::parse(R"({
    "answers": 4, "named": 80, "down": 20, "other_id": 4, "down_share": 0.25,
    "compared": 2, "living": 40, "living_named": 30, "living_named_share": 0.75,
    "waits": {"count": 4, "seconds_mean": 2.0, "seconds_p99": 5.0, "seconds_max": 5.0},
    "waits_once_proven": {"count": 4, "seconds_mean": 0.5, "seconds_p99": 2.0,
                          "seconds_max": 2.0},
    "pings": {"of_newcomers": 20, "before_eviction": 40, "of_upkeep": 60, "of_silent": 80,
              "of_named": 100, "of_admission": 120, "other": 20},
    "pings_sent": 440, "pings_to_down": 10})");
  EXPECT_EQ(json.at("naming"), naming);
  nlohmann::json moment = json.at("moments").at(0);
  EXPECT_EQ(moment.at("naming").at("down_share"), 0);
  moment.erase("naming");
  EXPECT_EQ(moment, nlohmann::json::parse(R"({
    "hours": 0.5, "up": 7, "replicas": 19.5, "held": 0.875, "gets_right": 0.75,
    "finds_right": 0.625, "contacts": 33.0, "contacts_alive": 0.5, "nearest_known": 0.25,
    "datagrams_per_node_second": 1.5, "bytes_per_node_second": 250.0})"));
}

TEST(SimReport, JsonCountsTheOperationsOfEachKindOfNode) {
  sim::SimulationReport report;
  uint64_t next = 1;
  const auto fill = [&](sim::OperationStats& stats) {
    stats.begun = next++;
    stats.right = next++;
    stats.cut_off = next++;
    stats.refused = next++;
    stats.poisoned = next++;
    for (int i = 0; i < 2; ++i) stats.seconds.add(0);
  };
  for (sim::OperationStats* stats : {&report.joins, &report.sets, &report.gets, &report.finds}) {
    fill(*stats);
  }
  const nlohmann::json without = json_of(ten_nodes_for_two_hours(), report);
  EXPECT_FALSE(without.contains("python") || without.contains("programs"));
  for (sim::PythonStats* stats : {&report.python, &report.programs}) {
    for (sim::OperationStats* one : {&stats->bootstraps, &stats->sets, &stats->gets}) fill(*one);
  }
  const nlohmann::json json = json_of(ten_nodes_for_two_hours(), report);
  uint64_t expected = 1;
  for (const char* path :
       {"/join", "/set", "/get", "/find", "/python/bootstrap", "/python/set", "/python/get",
        "/programs/bootstrap", "/programs/set", "/programs/get"}) {
    const nlohmann::json& said = json.at(nlohmann::json::json_pointer(path));
    for (const char* name : {"begun", "right", "cut_off", "refused", "poisoned"}) {
      EXPECT_EQ(said.at(name), expected++) << path << ' ' << name;
    }
    EXPECT_EQ(said.at("ended"), 2) << path;
  }
}

TEST(SimReport, NodesOfAnotherKindAreNamedFromTheFirstOneOn) {
  sim::SimulationReport report;
  report.python.bootstraps.begun = 1;
  EXPECT_EQ(json_of(ten_nodes_for_two_hours(), report).at("python").at("bootstrap").at("begun"), 1);
  EXPECT_FALSE(json_of(ten_nodes_for_two_hours(), report).contains("programs"));
  report = {};
  report.programs.bootstraps.begun = 1;
  EXPECT_EQ(json_of(ten_nodes_for_two_hours(), report).at("programs").at("set").at("begun"), 0);
  EXPECT_FALSE(json_of(ten_nodes_for_two_hours(), report).contains("python"));
  report.publisher.keys = 1;
  EXPECT_EQ(json_of(ten_nodes_for_two_hours(), report).at("publisher").at("keys"), 1);
  EXPECT_NE(text_of(ten_nodes_for_two_hours(), report).find("  one node publishes 1 keys: "),
            std::string::npos);
  report.healed.finds = 1;
  EXPECT_NE(text_of(ten_nodes_for_two_hours(), report).find("  healed: 0 of 1 lookups exact, "),
            std::string::npos);
}

TEST(SimReport, AnHourHasItsThreeThousandSixHundredSeconds) {
  sim::SimulationReport report;
  report.requests = {200'000'000, 0, 600'000'000, 0, 0};
  report.records = 10;
  report.naming.pings_admitting = 200'000'000;
  const std::string text = text_of(ten_nodes_for_two_hours(), report);
  EXPECT_NE(text.find(" node and hour: 10000000.0 ping, 0.0 stun, 30000000.0 store, "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" of 10 records: 30000000.0 stores per"), std::string::npos) << text;
  EXPECT_NE(text.find(" 10000000.0 of_admission, "), std::string::npos) << text;
}

TEST(SimReport, ALookupThatAskedOneNodeIsOne) {
  sim::SimulationReport report;
  report.gets.begun = 1;
  report.gets.asked.add(1);
  report.gets.hops.add(1);
  EXPECT_NE(text_of(ten_nodes_for_two_hours(), report).find("1.0 / 1          1.00 / 1\n"),
            std::string::npos);
}

TEST(SimReport, WhatIsPoisonedIsCountedBehindItsLine) {
  sim::SimulationReport report;
  report.gets.begun = 1;
  report.gets.right = 1;
  report.gets.seconds.add(1);
  const std::string without = text_of(ten_nodes_for_two_hours(), report);
  EXPECT_EQ(without.find("poisoned"), std::string::npos) << without;
  EXPECT_NE(without.find("\n  get             1   100.00 % "), std::string::npos) << without;
  report.gets.poisoned = 1;
  EXPECT_NE(text_of(ten_nodes_for_two_hours(), report).find("   1 poisoned\n"), std::string::npos);
}

TEST(SimReport, AViolationIsWhenWhereAndWhat) {
  sim::SimulationReport report;
  report.violation = {Instant{} + milliseconds(2'500), 8, "it"};
  EXPECT_EQ(json_of(ten_nodes_for_two_hours(), report).at("violation"),
            nlohmann::ordered_json::parse(R"({"seconds": 2.5, "host": 8, "what": "it"})"));
}

}  // namespace
}  // namespace xord
