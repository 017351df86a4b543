// Which instruction set the kernels use: the widest that this CPU and its system support, or the one
// that the environment variable RNNKIT_ISA names.
#pragma once

#include <vector>

namespace rnnkit {

enum class Isa { portable, avx2, avx512 };

// The name as RNNKIT_ISA has it.
const char* isa_name(Isa isa);

// All that this build has and this machine can run, the narrowest first.
std::vector<Isa> available_isas();

// The widest of them.
Isa best_isa();

// The one in use. RNNKIT_ISA is read once, on the first call; throws std::invalid_argument if it
// names none of `available_isas`.
Isa chosen_isa();

// Whether RNNKIT_ISA names one; empty counts as unset.
bool isa_is_forced();

}  // namespace rnnkit
