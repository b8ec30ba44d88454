// The report of a simulation, as text for the user and as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "tools/sim/simulation.h"

namespace xord {

std::string text_of(const sim::Setup& setup, const sim::SimulationReport& report);
// The fields that docs/commands/sim.md lists.
nlohmann::ordered_json json_of(const sim::Setup& setup, const sim::SimulationReport& report);

}  // namespace xord
