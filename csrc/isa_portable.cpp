#define RNNKIT_NAMESPACE portable
#include "isa.h"

namespace rnnkit {
const Kernels kernels_portable = portable::make_kernels();
}
