#pragma once

#include <nanobind/nanobind.h>

namespace rnnkit {

void bind_kernels(nanobind::module_& module);

}  // namespace rnnkit
