#define RNNKIT_NAMESPACE avx512
#include "isa.h"

namespace rnnkit {
const Kernels kernels_avx512 = avx512::make_kernels();
}
