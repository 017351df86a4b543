#define RNNKIT_NAMESPACE avx2
#include "isa.h"

namespace rnnkit {
const Kernels kernels_avx2 = avx2::make_kernels();
}
