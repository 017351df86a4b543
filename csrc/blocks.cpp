#include "blocks.h"

#include <pthread.h>
#include <sys/mman.h>

#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace rnnkit {
namespace {

struct Block {
  void* at;
  std::size_t bytes;
};

struct Blocks {
  std::mutex mutex;
  std::unordered_map<void*, std::size_t> used;
  std::vector<Block> kept;
  std::size_t in_use = 0, in_kept = 0, most = 0;
};

// Never destroyed: tensors may be freed while the process ends.
Blocks& blocks() {
  static Blocks* const all = [] {
    // A fork while another thread holds the lock would leave it locked in the child.
    pthread_atfork([] { blocks().mutex.lock(); }, [] { blocks().mutex.unlock(); },
                   [] { blocks().mutex.unlock(); });
    return new Blocks;
  }();
  return *all;
}

constexpr std::size_t kPage = 4096, kHugePage = 2 << 20;

std::size_t rounded(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

// A block of half a huge page or more lies in huge pages where the system has them: fewer pages to
// clear, and to look up where the rows of a batch lie a page or more apart.
void* from_system(std::size_t bytes) {
  const std::size_t spare = bytes % kHugePage == 0 ? kHugePage : 0;
  void* at =
      mmap(nullptr, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  if (spare == 0) return at;
  char* const begin = static_cast<char*>(at);
  const std::size_t before = rounded(std::size_t(begin), kHugePage) - std::size_t(begin);
  if (before > 0) munmap(begin, before);
  if (before < spare) munmap(begin + before + bytes, spare - before);
#if defined(MADV_HUGEPAGE)
  madvise(begin + before, bytes, MADV_HUGEPAGE);
#endif
  return begin + before;
}

}  // namespace

void* take_block(std::size_t bytes) {
  bytes = rounded(bytes, bytes < kHugePage / 2 ? kPage : kHugePage);
  Blocks& all = blocks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  std::size_t best = all.kept.size();
  for (std::size_t k = 0; k < all.kept.size(); ++k) {
    const std::size_t size = all.kept[k].bytes;
    if (size < bytes || size - bytes > size / 4) continue;
    if (best == all.kept.size() || size < all.kept[best].bytes) best = k;
  }
  Block block{nullptr, bytes};
  if (best < all.kept.size()) {
    block = all.kept[best];
    all.kept.erase(all.kept.begin() + std::ptrdiff_t(best));
    all.in_kept -= block.bytes;
  } else {
    // The oldest go first.
    while (!all.kept.empty() && all.in_use + all.in_kept + bytes > all.most + all.most / 4) {
      munmap(all.kept.front().at, all.kept.front().bytes);
      all.in_kept -= all.kept.front().bytes;
      all.kept.erase(all.kept.begin());
    }
    block.at = from_system(bytes);
  }
  all.used.emplace(block.at, block.bytes);
  all.in_use += block.bytes;
  if (all.in_use > all.most) all.most = all.in_use;
  return block.at;
}

BlockSizes block_sizes() {
  Blocks& all = blocks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return {all.in_use, all.in_kept, all.most};
}

void give_block(void* at) {
  Blocks& all = blocks();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.used.find(at);
  const Block block{at, found->second};
  all.used.erase(found);
  all.in_use -= block.bytes;
  all.in_kept += block.bytes;
  all.kept.push_back(block);
}

}  // namespace rnnkit
