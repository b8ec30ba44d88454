// Plots the course of a simulation.
#pragma once

#include <string>

#include "tools/sim/simulation.h"

namespace xord {

std::string plot_of(const std::string& heading, const sim::SimulationReport& report);

}  // namespace xord
