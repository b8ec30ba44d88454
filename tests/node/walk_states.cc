// The states of a node that the walk over amplification goes through.
#include "tests/node/walk_scene.h"

namespace xord::testing {
namespace {

void meet_few(Scene& scene) {
  scene.meet(8);
}
void ask_value(Scene& scene, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    scene.node.ask(scene.askers[i % scene.askers.size()], {Method::find_value, scene.large_key});
  }
}
void add_askers(Scene& scene, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) scene.askers.push_back(scene.add_asker());
}
void hold(Scene& scene, uint32_t small, uint32_t medium, uint32_t large) {
  const auto store = [&](uint32_t count, size_t size) {
    const Octets value = value_of_size(size);
    for (uint32_t i = 0; i < count; ++i) {
      scene.node.ask(scene.add(Peer::silent), {Method::store, scene.absent_key, value});
    }
  };
  store(small, 3);
  store(medium, 1000);
  store(large, value_size_max);
}
void fall_silent(Scene& scene) {
  for (const Endpoint& contact : scene.contacts) {
    scene.node.set_peer(contact, scene.node.account(contact).id, Peer::silent);
  }
}

const State states[] = {
    {.name = "Empty"},
    {.name = "AFewContacts", .prepare = meet_few, .met = NodeCounter::pings_of_upkeep},
    {.name = "AFullTable", .prepare = [](Scene& scene) { scene.meet(24); }},
    {.name = "YoungContacts", .prepare = [](Scene& scene) { scene.restore(8, {}); }},
    {.name = "ContactsThatFellSilent",
     .prepare = [](Scene& scene) { scene.restore(8, {}); },
     .prime = fall_silent},
    {.name = "ContactsNotHeardFromForLong",
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           scene.node.run_for(minutes(5));
         }},
    {.name = "NoMorePingsOfContacts",
     .configure = [](NodeConfig& node, ModelOptions&) { node.routing.named_pings_a_second = 1; },
     .prepare =
         [](Scene& scene) {
           add_askers(scene, 1);
           scene.restore(8, {});
         },
     .prime =
         [](Scene& scene) {
           scene.node.ask(scene.askers[0], {Method::find_node, scene.absent_key});
         }},
    {.name = "AnswersThatWaitFull",
     .configure = [](NodeConfig& node, ModelOptions&) { node.budget.waiting_answers = 2; },
     .prepare =
         [](Scene& scene) {
           add_askers(scene, 1);
           scene.restore(8, {});
         },
     .prime =
         [](Scene& scene) {
           fall_silent(scene);
           for (int i = 0; i < 3; ++i) {
             scene.node.ask(scene.askers[0], {Method::find_node, scene.absent_key});
           }
         },
     .met = NodeCounter::answers_unwaited},
    {.name = "ValuesOnDisk",
     .configure = [](NodeConfig&, ModelOptions& options) { options.memory_max = 0; },
     .prepare = meet_few},
    {.name = "ASlowDisk",
     .configure = [](NodeConfig&, ModelOptions& options) { options.memory_max = 0; },
     .prepare = meet_few,
     .prime = [](Scene& scene) { scene.node.node().disk_is_frozen = true; },
     .release = [](Scene& scene) { scene.node.node().disk_is_frozen = false; }},
    {.name = "WaitsForTheDiskFull",
     .configure =
         [](NodeConfig& node, ModelOptions& options) {
           node.pending_answers = 2;
           options.memory_max = 0;
         },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           add_askers(scene, 1);
         },
     .prime =
         [](Scene& scene) {
           scene.node.node().disk_is_frozen = true;
           ask_value(scene, 3);
         },
     .release = [](Scene& scene) { scene.node.node().disk_is_frozen = false; },
     .met = NodeCounter::pending_refused},
    {.name = "ADiskThatFails",
     .configure = [](NodeConfig&, ModelOptions& options) { options.memory_max = 0; },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           scene.node.node().disk_works = false;
           scene.node.node().reads_fail_as = CompletionKind::read_failed;
         }},
    {.name = "ValuesLost",
     .configure = [](NodeConfig&, ModelOptions& options) { options.memory_max = 0; },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           scene.node.node().reads_fail_as = CompletionKind::value_lost;
         }},
    {.name = "Loading",
     .configure = [](NodeConfig&, ModelOptions& options) { options.is_loaded = false; },
     .prepare = meet_few,
     .release = [](Scene& scene) { scene.node.node().finish_loading(scene.node.now()); }},
    {.name = "LoadingAndWaitsFull",
     .configure =
         [](NodeConfig& node, ModelOptions& options) {
           node.waiting_requests = 2;
           options.is_loaded = false;
         },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           add_askers(scene, 1);
         },
     .prime = [](Scene& scene) { ask_value(scene, 3); },
     .met = NodeCounter::finds_unanswered},
    {.name = "AFullStore",
     .configure = [](NodeConfig&, ModelOptions& options) { options.records_max = 2; },
     .prepare = meet_few},
    {.name = "HalfOfTheHeldRequests",
     .prepare = meet_few,
     .prime = [](Scene& scene) { hold(scene, 4, 1, 1); }},
    {.name = "HeldRequestsFull",
     .prepare = meet_few,
     .prime = [](Scene& scene) { hold(scene, 9, 3, 3); },
     .met = NodeCounter::held_displaced},
    {.name = "ProofsFull",
     .configure = [](NodeConfig& node, ModelOptions&) { node.budget.proven_sources = 8; },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           add_askers(scene, 40);
         }},
    {.name = "CallsFull",
     .configure =
         [](NodeConfig& node, ModelOptions&) {
           node.budget.lookups = 1;
           node.budget.other_requests = 8;
         },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           add_askers(scene, 1);
         },
     .prime =
         [](Scene& scene) {  // Who seems to be a newcomer each time is pinged, and does not answer.
           scene.node.set_peer(scene.askers[0], Scene::client_id(), Peer::silent);
           for (uint32_t i = 0; i < 20; ++i) {
             const Ask ask{Method::find_value, scene.absent_key};
             scene.node.send(scene.askers[0], spelled(ask, scene.new_id()));
           }
         },
     .met = NodeSum::calls_refused},
    {.name = "OutboxFull",
     .prepare = meet_few,
     .prime = [](Scene& scene) { scene.node.leave_room(0); },
     .release = [](Scene& scene) { scene.node.leave_room({}); },
     .met = NodeCounter::outbox_full},
    {.name = "OutboxWithRoomForOne",
     .prepare = meet_few,
     .prime = [](Scene& scene) { scene.node.leave_room(1); },
     .release = [](Scene& scene) { scene.node.leave_room({}); }},
    {.name = "ALedgerOfEightRows",
     .configure = [](NodeConfig& node, ModelOptions&) { node.budget.ledger_rows = 8; },
     .prepare =
         [](Scene& scene) {
           scene.meet(8);
           add_askers(scene, 4);
         },
     .prime = [](Scene& scene) { ask_value(scene, 4); },
     .met = NodeCounter::ledger_evicted},
};

}  // namespace

std::span<const State> walk_states() {
  return states;
}

}  // namespace xord::testing
