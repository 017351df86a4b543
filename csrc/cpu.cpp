#include "cpu.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace rnnkit {
namespace {

std::string forced_name() {
    const char* name = std::getenv("RNNKIT_ISA");
    return name == nullptr ? "" : name;
}

Isa choose() {
    const std::string name = forced_name();
    if (name.empty()) return best_isa();
    std::string known;
    for (const Isa isa : available_isas()) {
        if (name == isa_name(isa)) return isa;
        known += (known.empty() ? "" : " or ") + std::string(isa_name(isa));
    }
    throw std::invalid_argument("RNNKIT_ISA must be " + known + " on this machine, got '" + name +
                                "'; leave it unset for the widest");
}

}  // namespace

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::avx512: return "avx512";
        case Isa::avx2: return "avx2";
        case Isa::portable: break;
    }
    return "portable";
}

std::vector<Isa> available_isas() {
    std::vector<Isa> isas{Isa::portable};
#if defined(__x86_64__)
    // These ask the operating system too: it must save the registers.
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        isas.push_back(Isa::avx2);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            isas.push_back(Isa::avx512);
        }
    }
#endif
    return isas;
}

Isa best_isa() { return available_isas().back(); }

Isa chosen_isa() {
    static const Isa chosen = choose();
    return chosen;
}

bool isa_is_forced() { return !forced_name().empty(); }

}  // namespace rnnkit
