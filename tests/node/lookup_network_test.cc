// Lookups through whole networks of model nodes, driven by a small event queue in virtual time:
// nodes that answer, answer late, lose calls, are dead, or lie.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "node/lookup/lookup.h"
#include "reactor/base/rng.h"

namespace xord {
namespace {

struct Faults {
  double dead = 0;           // Share of the nodes.
  double loss = 0;           // Share of calls.
  double late = 0;           // Share of answers: between the adaptive timeout and more than 5 s.
  double liars = 0;          // Share of the nodes: each names the others under ids at the target.
  bool liars_forge = false;  // Liars also make up a value when asked for one.
  size_t contacts_a_bucket = bucket_size;  // Fewer make more hops, as millions of nodes do.
};

const std::string true_value = "true";
const std::string forged_value = "forged";

constexpr Duration adaptive_timeout = milliseconds(300);

class Network {
 public:
  Network(uint64_t seed, uint32_t nodes, const Faults& faults) : rng_(seed), faults_(faults) {
    for (uint32_t i = 0; i < nodes; ++i) {
      Contact contact;
      rng_.fill(contact.id.bytes);
      contact.endpoint = Endpoint::ipv4(0x0a000000 + i, 8468);
      nodes_.push_back({contact, rng_.chance(faults.dead), rng_.chance(faults.liars), {}});
    }
    for (Node& node : nodes_) fill_table(node);
  }

  // What `node` answers: the k nearest to `target` in its table, dead ones included.
  std::vector<Contact> nearest_known(const Contact& node, const Id& target) const {
    const Node& asked = by_endpoint(node.endpoint);
    return asked.is_liar ? made_up(target) : nearest(asked.table, target);
  }
  void store_at_nearest(const Id& target) { holders_ = nearest(others({}, Those::all), target); }
  // The value that it answers with instead.
  std::optional<std::string> value_of(const Contact& node) const {
    const Node& asked = by_endpoint(node.endpoint);
    if (asked.is_liar) return faults_.liars_forge ? std::optional(forged_value) : std::nullopt;
    const bool holds = std::count(holders_.begin(), holders_.end(), asked.contact) > 0;
    return holds ? std::optional(true_value) : std::nullopt;
  }
  // The k nearest to `target` of all nodes that are alive.
  std::vector<Contact> nearest_alive(const Id& target, const Contact& without) const {
    return nearest(others(without, Those::alive), target);
  }
  // The living ones among the k nearest of all.
  std::vector<Contact> alive_of_nearest(const Id& target, const Contact& without) const {
    std::vector<Contact> contacts = nearest(others(without, Those::all), target);
    std::erase_if(contacts, [&](const Contact& c) { return by_endpoint(c.endpoint).is_dead; });
    return contacts;
  }
  // Empty: no answer comes.
  std::optional<Duration> round_trip(const Contact& node) {
    if (by_endpoint(node.endpoint).is_dead || rng_.chance(faults_.loss)) return std::nullopt;
    const auto draw = [&](int64_t from, uint64_t span) {
      return milliseconds(from + static_cast<int64_t>(rng_.bounded(span)));
    };
    return rng_.chance(faults_.late) ? draw(301, 6000) : draw(5, 250);
  }
  // A random node that is honest and alive.
  const Contact& somebody() {
    while (true) {
      const Node& node = nodes_[rng_.bounded(nodes_.size())];
      if (!node.is_dead && !node.is_liar) return node.contact;
    }
  }
  Rng& rng() { return rng_; }

 private:
  struct Node {
    Contact contact;
    bool is_dead;
    bool is_liar;
    std::vector<Contact> table;
  };

  enum class Those { alive, all };

  std::vector<Contact> others(const Contact& without, Those wanted) const {
    std::vector<Contact> contacts;
    for (const Node& node : nodes_) {
      if (node.contact == without || (node.is_dead && wanted == Those::alive)) continue;
      contacts.push_back(node.contact);
    }
    return contacts;
  }
  // All liars, as near to `target` as possible.
  std::vector<Contact> made_up(const Id& target) const {
    std::vector<Contact> contacts;
    for (const Node& node : nodes_) {
      if (!node.is_liar || contacts.size() == bucket_size) continue;
      Contact contact{target, node.contact.endpoint};
      contact.id.bytes[id_size - 1] ^= static_cast<uint8_t>(contacts.size() + 1);
      contacts.push_back(contact);
    }
    return contacts;
  }
  const Node& by_endpoint(const Endpoint& endpoint) const {
    return nodes_[load_be32(&endpoint.address.bytes[12]) - 0x0a000000];
  }
  static std::vector<Contact> nearest(std::vector<Contact> contacts, const Id& target) {
    std::sort(contacts.begin(), contacts.end(),
              [&](const Contact& a, const Contact& b) { return nearer(target, a.id, b.id); });
    if (contacts.size() > bucket_size) contacts.resize(bucket_size);
    return contacts;
  }
  // Buckets by shared prefix, k random contacts each: a table as in the paper.
  void fill_table(Node& node) {
    std::map<uint32_t, std::vector<Contact>> buckets;
    for (const Node& other : nodes_) {
      if (other.contact == node.contact) continue;
      buckets[shared_prefix(node.contact.id, other.contact.id)].push_back(other.contact);
    }
    for (auto& [prefix, contacts] : buckets) {
      rng_.shuffle(contacts);
      contacts.resize(std::min(contacts.size(), faults_.contacts_a_bucket));
      node.table.insert(node.table.end(), contacts.begin(), contacts.end());
    }
  }

  Rng rng_;
  Faults faults_;
  std::vector<Node> nodes_;
  std::vector<Contact> holders_;
};

struct Way {
  uint32_t paths = 1;
  LookupKind kind = LookupKind::find_node;
};

// Drives one lookup to its end, checking the invariants on the way.
class Drive {
 public:
  Drive(Network& network, const Contact& self, const Id& target, const Way& way = {})
      : network_(network),
        self_(self),
        target_(target),
        way_(way),
        lookup_(lookup_rows_max, way.paths),
        values_(value_candidates_max * lookup_paths_max) {
    LookupPlan plan;
    plan.kind = way.kind;
    plan.paths = way.paths;
    plan.self = self.id;
    plan.target = target;
    const std::vector<Contact> known = network.nearest_known(self, target);
    nearest_seen_ = known.front().id;
    lookup_.start(plan, known);
  }

  void run() {
    step();
    while (!lookup_.is_finished()) {
      ASSERT_FALSE(events_.empty()) << "a lookup waits for nothing";
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
      step();
      if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_FALSE(lookup_.next().has_value()) << "finished, and still asking";
  }
  std::vector<Contact> results() const {
    std::vector<Contact> found(bucket_size);
    found.resize(lookup_.results(found));
    return found;
  }
  std::string value() const {
    return std::string(text_of(lookup_.value(values_).value_or(Bytes{})));
  }
  Duration took() const { return now_ - Instant{}; }
  uint32_t asked_count() const { return lookup_.asked_count(); }
  const std::set<Endpoint>& answered() const { return answered_; }

 private:
  enum class What { answer, slow, expired };
  struct Event {
    Instant at;
    uint64_t sequence;
    What what;
    Lookup::Row row;
    bool operator<(const Event& other) const {  // The earliest on top.
      return std::tie(other.at, other.sequence) < std::tie(at, sequence);
    }
  };

  void step() {
    while (const auto row = lookup_.next()) {
      const Contact& contact = lookup_.contact(*row);
      ASSERT_NE(contact.id, self_.id);
      ASSERT_TRUE(asked_.insert(contact.endpoint).second) << "asked twice";
      // Calls past their adaptive timeout do not count as running.
      const bool is_narrow = barren_ < lookup_parallelism && way_.paths == 1;
      ASSERT_LT(running_.size(), way_.paths * (is_narrow ? lookup_parallelism : bucket_size));
      running_.insert(*row);
      const auto round_trip = network_.round_trip(contact);
      if (round_trip && *round_trip < transaction_lifetime) add(*round_trip, What::answer, *row);
      add(adaptive_timeout, What::slow, *row);
      add(transaction_lifetime, What::expired, *row);
    }
  }
  void handle(const Event& event) {
    if (!open_.count(event.row)) return;  // Answered before.
    if (event.what == What::slow) {
      running_.erase(event.row);
      lookup_.slow(event.row);
    } else if (event.what == What::expired) {
      open_.erase(event.row);
      lookup_.failed(event.row);
    } else {
      open_.erase(event.row);
      running_.erase(event.row);
      const Contact contact = lookup_.contact(event.row);
      answered_.insert(contact.endpoint);
      const auto value =
          way_.kind == LookupKind::find_value ? network_.value_of(contact) : std::nullopt;
      if (value) {
        lookup_.answered_value(event.row, bytes_of(*value), values_);
        return;
      }
      std::vector<Contact> named = network_.nearest_known(contact, target_);
      network_.rng().shuffle(named);
      const Id before = nearest_seen_;
      for (const Contact& one : named) see(one);
      barren_ = nearest_seen_ == before ? barren_ + 1 : 0;
      lookup_.answered(event.row, named);
    }
  }
  void see(const Contact& contact) {
    if (contact.id != self_.id && nearer(target_, contact.id, nearest_seen_)) {
      nearest_seen_ = contact.id;
    }
  }
  void add(Duration after, What what, Lookup::Row row) {
    open_.insert(row);
    events_.push({now_ + after, sequence_++, what, row});
  }

  Network& network_;
  Contact self_;
  Id target_;
  Id nearest_seen_;
  Way way_;
  Lookup lookup_;
  ValuePool values_;
  Instant now_;
  uint64_t sequence_ = 0;
  std::priority_queue<Event> events_;
  std::set<Lookup::Row> open_;
  std::set<Lookup::Row> running_;
  std::set<Endpoint> asked_;
  std::set<Endpoint> answered_;
  uint32_t barren_ = 0;
};

// Runs `lookups` lookups of random targets through a network of `nodes`; `check` sees each result.
template <class Check>
void run(uint64_t seed, uint32_t nodes, const Faults& faults, int lookups, Check&& check,
         const Way& way = {}) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Network network(seed, nodes, faults);
  for (int i = 0; i < lookups; ++i) {
    Id target;
    network.rng().fill(target.bytes);
    const Contact self = network.somebody();
    if (way.kind == LookupKind::find_value) network.store_at_nearest(target);
    Drive drive(network, self, target, way);
    drive.run();
    check(drive, network, self, target);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(LookupNetwork, FindsExactlyTheKNearestWhenEverybodyAnswers) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    run(seed, static_cast<uint32_t>(5 + seed * 40), {}, 20,
        [](const Drive& drive, const Network& network, const Contact& self, const Id& target) {
          EXPECT_EQ(drive.results(), network.nearest_alive(target, self));
          EXPECT_LE(drive.took(), seconds(2));
        });
  }
}

TEST(LookupNetwork, ADeadThirdDelaysALookupByAdaptiveTimeoutsAndNotByFiveSeconds) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    run(seed, 300, {.dead = 0.33}, 20,
        [](const Drive& drive, const Network& network, const Contact& self, const Id& target) {
          EXPECT_LE(drive.took(), adaptive_timeout * 12);
          const std::vector<Contact> found = drive.results();
          for (const Contact& contact : network.alive_of_nearest(target, self)) {
            EXPECT_EQ(std::count(found.begin(), found.end(), contact), 1);
          }
        });
  }
}

void expect_only_answered_nearest_first(const Drive& drive, const Id& target) {
  const std::vector<Contact> found = drive.results();
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(drive.answered().count(found[i].endpoint));
    EXPECT_TRUE(i == 0 || nearer(target, found[i - 1].id, found[i].id));
  }
  EXPECT_EQ(found.empty(), drive.answered().empty());
}

TEST(LookupNetwork, EndsWhateverIsLostLateOrDeadAndReturnsOnlyNodesThatAnsweredNearestFirst) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    const Faults faults{.dead = rng.unit() * 0.8, .loss = rng.unit() * 0.6, .late = rng.unit()};
    run(seed, static_cast<uint32_t>(2 + rng.bounded(150)), faults, 10,
        [](const Drive& drive, const Network&, const Contact&, const Id& target) {
          expect_only_answered_nearest_first(drive, target);
          EXPECT_LE(drive.asked_count(), lookup_rows_max);
        });
  }
}

TEST(DisjointPaths, FindExactlyTheKNearestWhenEverybodyAnswers) {
  for (const uint32_t paths : {2u, 4u, 8u}) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      run(seed, static_cast<uint32_t>(5 + seed * 40), {}, 20,
          [](const Drive& drive, const Network& network, const Contact& self, const Id& target) {
            EXPECT_EQ(drive.results(), network.nearest_alive(target, self));
          },
          {.paths = paths});
    }
  }
}

TEST(DisjointPaths, EndWhateverIsLostLateOrDeadAndReturnOnlyNodesThatAnsweredNearestFirst) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rng rng(seed);
    const Faults faults{.dead = rng.unit() * 0.8,
                        .loss = rng.unit() * 0.6,
                        .late = rng.unit(),
                        .liars = rng.unit() * 0.3};
    run(seed, static_cast<uint32_t>(5 + rng.bounded(150)), faults, 10,
        [](const Drive& drive, const Network&, const Contact&, const Id& target) {
          expect_only_answered_nearest_first(drive, target);
        },
        {.paths = static_cast<uint32_t>(2 + rng.bounded(7))});
  }
}

TEST(DisjointPaths, AFewDeadNodesHideNoneOfTheKNearest) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    run(seed, 300, {.dead = 0.33}, 20,
        [](const Drive& drive, const Network& network, const Contact& self, const Id& target) {
          const std::vector<Contact> found = drive.results();
          for (const Contact& contact : network.alive_of_nearest(target, self)) {
            EXPECT_EQ(std::count(found.begin(), found.end(), contact), 1);
          }
        },
        {.paths = 4});
  }
}

// How many gets are right, of 200 for values stored at the k nearest, in networks of 1,000.
int gets_right(Faults faults, uint32_t paths) {
  faults.contacts_a_bucket = 4;
  int right = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    run(seed, 1000, faults, 40,
        [&](const Drive& drive, const Network&, const Contact&, const Id&) {
          right += drive.value() == true_value;
        },
        {.paths = paths, .kind = LookupKind::find_value});
  }
  return right;
}

TEST(DisjointPaths, FourFindValuesThatLiarsHideFromOne) {
  const int by_one = gets_right({.liars = 0.2}, 1);
  const int by_four = gets_right({.liars = 0.2}, 4);
  RecordProperty("right_by_one_path", by_one);
  RecordProperty("right_by_four_paths", by_four);
  EXPECT_LT(by_one, 180) << "the liars hide too little to show anything";
  EXPECT_GT(by_four, 190);
}

TEST(DisjointPaths, FourOutvoteLiarsThatForgeValues) {
  const int by_one = gets_right({.liars = 0.05, .liars_forge = true}, 1);
  const int by_four = gets_right({.liars = 0.05, .liars_forge = true}, 4);
  RecordProperty("right_by_one_path", by_one);
  RecordProperty("right_by_four_paths", by_four);
  EXPECT_GT(by_four, by_one);
}

}  // namespace
}  // namespace xord
