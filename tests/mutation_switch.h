// Which mutant runs. tests/mutation_score.py has its compiler include this before every source; the
// definition is compiled into the lowest library of its copy.
#pragma once

// Is it the one that the environment variable XORD_MUTANT names? Safe on any thread and before
// main(). Where XORD_MUTANTS_REACHED names a file, also marks its byte NUMBER, so that a process
// that is killed has marked, too, what it reached.
bool xord_mutant(int number) noexcept;
