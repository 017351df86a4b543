// Memory of large tensors, used again.
//
// What a training step saves is allocated and freed at every step. The C library gives blocks of
// tens of megabytes back to the system each time, and a step then waits for every page to be
// cleared anew, for as long as a quarter of its work.
#pragma once

#include <cstddef>

namespace rnnkit {

// At least `bytes` of memory, aligned to a page and not cleared; throws std::bad_alloc. A block that
// was given back serves again if no more than a quarter of it stays unused.
void* take_block(std::size_t bytes);

// Bytes in blocks that are in use, in those kept, and the most that were in use at once.
struct BlockSizes {
  std::size_t used, kept, most;
};
BlockSizes block_sizes();

// Gives a block back. Blocks in use and kept are together at most a quarter more than the most that
// were in use at once: a step needs one of each size, though not all at once.
void give_block(void* block);

}  // namespace rnnkit
