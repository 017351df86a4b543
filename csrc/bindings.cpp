// The kernels for Python. Tensors come as addresses, 0 for none; their shapes, types and layouts
// are checked by the one caller, rnnkit/ops/native.py.
#include "bindings.h"

#include <cstdint>
#include <memory>

#include "blocks.h"
#include "cpu.h"
#include "kernels.h"

namespace nb = nanobind;

namespace rnnkit {
namespace {

using Address = std::uintptr_t;
using Size = std::ptrdiff_t;

const Kernels& kernels() {
#if defined(__x86_64__)
  switch (chosen_isa()) {
    case Isa::avx512: return kernels_avx512;
    case Isa::avx2: return kernels_avx2;
    case Isa::portable: break;
  }
#endif
  return kernels_portable;
}

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

// Tensors of one layer in one direction, in the order of Python's calls.
struct Tensors {
  Address x, tokens, table, w_ih, w_hh, b_ih, b_hh, h0, c0, dropout, begin, end, mask, y, saved,
      saved_c;
};

struct Call {
  bool is_double;
  Cell cell;
  bool reverse;
  int threads;
  Size B, T, I, H;
  Size x_row, x_step, y_row, y_step;  // of tokens where there are tokens
  Tensors tensors;
};

template <class F>
Forward<F> problem(const Call& call) {
  const Tensors& t = call.tensors;
  Forward<F> p{};
  p.cell = call.cell;
  p.reverse = call.reverse;
  p.B = call.B, p.T = call.T, p.I = call.I, p.H = call.H;
  p.steps = {at<const std::int64_t>(t.begin), at<const std::int64_t>(t.end),
             at<const std::uint8_t>(t.mask)};
  p.x = at<const F>(t.x);
  p.x_row = p.tokens_row = call.x_row;
  p.x_step = p.tokens_step = call.x_step;
  p.tokens = at<const std::int64_t>(t.tokens);
  p.table = at<const F>(t.table);
  p.w_ih = at<const F>(t.w_ih), p.w_hh = at<const F>(t.w_hh);
  p.b_ih = at<const F>(t.b_ih), p.b_hh = at<const F>(t.b_hh);
  p.h0 = at<const F>(t.h0), p.c0 = at<const F>(t.c0);
  p.dropout = at<const F>(t.dropout);
  p.y = at<F>(t.y);
  p.y_row = call.y_row, p.y_step = call.y_step;
  p.saved = at<F>(t.saved), p.saved_c = at<F>(t.saved_c);
  return p;
}

template <class F>
void run_forward(const Call& call, Address h_last, Address c_last) {
  Forward<F> p = problem<F>(call);
  p.h_last = at<F>(h_last), p.c_last = at<F>(c_last);
  if constexpr (sizeof(F) == 4)
    kernels().forward_float(p, call.threads, Pool::instance());
  else
    kernels().forward_double(p, call.threads, Pool::instance());
}

struct Gradients {
  Address dy;
  Size dy_row, dy_step;
  Address dh_last, dc_last, dx;
  Size dx_row, dx_step;
  Address dw_ih, dw_hh, db_ih, db_hh, dh0, dc0, ddropout;
};

template <class F>
void run_backward(const Call& call, const Gradients& g) {
  Backward<F> p{};
  p.forward = problem<F>(call);
  p.dy = at<const F>(g.dy);
  p.dy_row = g.dy_row, p.dy_step = g.dy_step;
  p.dh_last = at<const F>(g.dh_last), p.dc_last = at<const F>(g.dc_last);
  p.dx = at<F>(g.dx);
  p.dx_row = g.dx_row, p.dx_step = g.dx_step;
  p.dw_ih = at<F>(g.dw_ih), p.dw_hh = at<F>(g.dw_hh);
  p.db_ih = at<F>(g.db_ih), p.db_hh = at<F>(g.db_hh);
  p.dh0 = at<F>(g.dh0), p.dc0 = at<F>(g.dc0);
  p.ddropout = at<F>(g.ddropout);
  if constexpr (sizeof(F) == 4)
    kernels().backward_float(p, call.threads, Pool::instance());
  else
    kernels().backward_double(p, call.threads, Pool::instance());
}

// A tensor without Python's memory, as DLPack's C interface, version 0.8, describes one.
struct DLManagedTensor {
  void* data;
  std::int32_t device_type, device_id, ndim;
  std::uint8_t type_code, type_bits;
  std::uint16_t type_lanes;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
  void* context;
  void (*deleter)(DLManagedTensor*);
  std::int64_t sizes[4];
};

// A capsule of an uncleared tensor of up to 4 dimensions in a block of memory (blocks.h).
nb::object empty(bool is_double, const nb::tuple& shape) {
  auto tensor = std::make_unique<DLManagedTensor>();
  std::int64_t count = is_double ? 8 : 4;
  tensor->ndim = std::int32_t(nb::len(shape));
  if (tensor->ndim > 4) throw nb::value_error("a block has at most 4 dimensions");
  for (std::int32_t k = 0; k < tensor->ndim; ++k)
    count *= tensor->sizes[k] = nb::cast<std::int64_t>(shape[std::size_t(k)]);
  tensor->shape = tensor->sizes;
  tensor->device_type = 1;  // a CPU
  tensor->type_code = 2;    // floating point
  tensor->type_bits = is_double ? 64 : 32;
  tensor->type_lanes = 1;
  tensor->data = take_block(std::size_t(count));
  tensor->deleter = [](DLManagedTensor* self) {
    give_block(self->data);
    delete self;
  };
  PyObject* capsule = PyCapsule_New(tensor.get(), "dltensor", [](PyObject* self) {
    // Whoever takes the tensor over renames the capsule.
    if (PyCapsule_IsValid(self, "dltensor")) {
      auto* left = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(self, "dltensor"));
      left->deleter(left);
    }
  });
  if (capsule == nullptr) {
    give_block(tensor->data);
    nb::raise_python_error();
  }
  tensor.release();
  return nb::steal(capsule);
}

}  // namespace

void bind_kernels(nb::module_& module) {
  nb::class_<Call>(module, "Call")
      .def("__init__",
           [](Call* self, bool is_double, int cell, bool reverse, int threads, Size B, Size T,
              Size I, Size H, Size x_row, Size x_step, Size y_row, Size y_step, Address x,
              Address tokens, Address table, Address w_ih, Address w_hh, Address b_ih,
              Address b_hh, Address h0, Address c0, Address dropout, Address begin, Address end,
              Address mask, Address y, Address saved, Address saved_c) {
             new (self) Call{is_double, static_cast<Cell>(cell), reverse, threads, B, T, I, H,
                             x_row, x_step, y_row, y_step,
                             {x, tokens, table, w_ih, w_hh, b_ih, b_hh, h0, c0, dropout, begin,
                              end, mask, y, saved, saved_c}};
           });
  module.def(
      "forward",
      [](const Call& call, Address h_last, Address c_last) {
        nb::gil_scoped_release unlocked;
        if (call.is_double)
          run_forward<double>(call, h_last, c_last);
        else
          run_forward<float>(call, h_last, c_last);
      });
  module.def(
      "backward",
      [](const Call& call, Address dy, Size dy_row, Size dy_step, Address dh_last,
         Address dc_last, Address dx, Size dx_row, Size dx_step, Address dw_ih, Address dw_hh,
         Address db_ih, Address db_hh, Address dh0, Address dc0, Address ddropout) {
        const Gradients gradients{dy,      dy_row, dy_step, dh_last, dc_last, dx,  dx_row, dx_step,
                                  dw_ih,   dw_hh,  db_ih,   db_hh,   dh0,     dc0, ddropout};
        nb::gil_scoped_release unlocked;
        if (call.is_double)
          run_backward<double>(call, gradients);
        else
          run_backward<float>(call, gradients);
      });
  module.def("empty", empty);
  // For tests.
  module.def("block_sizes", [] {
    const BlockSizes sizes = block_sizes();
    return nb::make_tuple(sizes.used, sizes.kept, sizes.most);
  });
  module.def("adopt", [](Address start, Address size, Address number) {
    Pool::adopt(at<void>(start), at<void>(size), at<void>(number));
  });
  // What the activations give for every element, for their tests.
  module.def("sigmoid", [](bool is_double, Address from, Address to, Size count) {
    nb::gil_scoped_release unlocked;
    if (is_double)
      kernels().sigmoid_double(at<const double>(from), at<double>(to), count);
    else
      kernels().sigmoid_float(at<const float>(from), at<float>(to), count);
  });
  module.def("tanh", [](bool is_double, Address from, Address to, Size count) {
    nb::gil_scoped_release unlocked;
    if (is_double)
      kernels().tanh_double(at<const double>(from), at<double>(to), count);
    else
      kernels().tanh_float(at<const float>(from), at<float>(to), count);
  });
}

}  // namespace rnnkit
