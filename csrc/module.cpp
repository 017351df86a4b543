// The Python module rnnkit._native; its types for Python stand in src/rnnkit/_native.pyi.
#include <nanobind/nanobind.h>

#include "bindings.h"
#include "cpu.h"

namespace nb = nanobind;
using namespace rnnkit;

NB_MODULE(_native, m) {
    m.doc() = "Recurrent kernels for CPUs.";
    // What is wrong with RNNKIT_ISA is said on import, as an ImportError, and not by a kernel.
    const Isa isa = chosen_isa();
    const bool forced = isa_is_forced();
    m.def(
        "info",
        [isa, forced] {
            nb::list isas;
            for (const Isa available : available_isas()) isas.append(isa_name(available));
            nb::dict info;
            info["isa"] = isa_name(isa);
            info["why"] = forced ? "RNNKIT_ISA asks for it" : "the widest that this CPU has";
            info["isas"] = isas;
            info["compiler"] = RNNKIT_COMPILER;
            info["build"] = RNNKIT_BUILD;
            return info;
        },
        "Which instruction set the kernels use and why, all it could be, and how it was built.");
    bind_kernels(m);
}
