#include "formats/jpeg_huffman.h"

#include <algorithm>
#include <cstddef>

namespace imgbatch {
namespace {

constexpr int kMaxLength = 16;
constexpr size_t kMaxLeaves = 257;  // 256 symbols and the reserved code.

struct Leaf {
  uint64_t count;
  int symbol;
};

// Code lengths of leaves sorted by ascending count: the two-queue method. How
// many leaves have each length goes to `counts`, which has room for every
// length that 257 leaves can need.
void CountLengths(std::span<const Leaf> leaves,
                  std::array<int, kMaxLeaves>& counts) {
  struct Node {
    uint64_t count;
    int left, right;
  };
  std::array<Node, kMaxLeaves> nodes;
  const int leaf_count = static_cast<int>(leaves.size());
  int next_leaf = 0, next_node = 0, node_count = 0;
  const auto take = [&](uint64_t& count) {
    if (next_leaf < leaf_count &&
        (next_node == node_count ||
         leaves[next_leaf].count <= nodes[next_node].count)) {
      count += leaves[next_leaf].count;
      return -1 - next_leaf++;
    }
    count += nodes[next_node].count;
    return next_node++;
  };
  while (node_count < leaf_count - 1) {
    uint64_t count = 0;
    const int left = take(count);
    const int right = take(count);
    nodes[node_count++] = {count, left, right};
  }
  // Children were made before their parents, so one way down is enough.
  std::array<int, kMaxLeaves> depth{};
  for (int i = node_count - 1; i >= 0; --i) {
    for (const int child : {nodes[i].left, nodes[i].right}) {
      if (child >= 0) {
        depth[child] = depth[i] + 1;
      } else {
        ++counts[depth[i] + 1];
      }
    }
  }
}

// T.81, figure K.3: pairs of codes that are too long move up.
void LimitLengths(std::array<int, kMaxLeaves>& counts) {
  for (int length = kMaxLeaves - 1; length > kMaxLength; --length) {
    while (counts[length] > 0) {
      int shorter = length - 2;
      while (counts[shorter] == 0) --shorter;
      counts[length] -= 2;
      ++counts[length - 1];
      counts[shorter + 1] += 2;
      --counts[shorter];
    }
  }
}

}  // namespace

JpegHuffmanTable OptimalTable(const std::array<uint32_t, 256>& counts) {
  std::array<Leaf, kMaxLeaves> leaves;
  size_t size = 0;
  // The rarest leaf stands for the code of all ones (T.81, K.2).
  leaves[size++] = {0, -1};
  for (int symbol = 0; symbol < 256; ++symbol) {
    if (counts[symbol] > 0) leaves[size++] = {counts[symbol], symbol};
  }
  JpegHuffmanTable table{.defined = true};
  if (size == 1) return table;  // Nothing to code: an empty table.
  // Later symbols first among equals, so that the code is the same everywhere.
  std::sort(leaves.begin() + 1, leaves.begin() + size,
            [](const Leaf& a, const Leaf& b) {
              return a.count != b.count ? a.count < b.count
                                        : a.symbol > b.symbol;
            });
  std::array<int, kMaxLeaves> lengths{};
  CountLengths(std::span(leaves).first(size), lengths);
  LimitLengths(lengths);
  int longest = kMaxLength;
  while (lengths[longest] == 0) --longest;
  --lengths[longest];  // The reserved code.
  for (int i = 1; i <= kMaxLength; ++i) {
    table.counts[i] = static_cast<uint8_t>(lengths[i]);
  }
  for (size_t i = 0; i + 1 < size; ++i) {
    table.symbols[i] = static_cast<uint8_t>(leaves[size - 1 - i].symbol);
  }
  return table;
}

bool AssignCodes(const JpegHuffmanTable& table, JpegHuffmanCode& code) {
  code = {};
  uint32_t next = 0;
  size_t index = 0;
  for (int length = 1; length <= kMaxLength; ++length) {
    for (int i = 0; i < table.counts[length]; ++i) {
      if (index == 256) return false;
      const uint8_t symbol = table.symbols[index++];
      code.code[symbol] = static_cast<uint16_t>(next++);
      code.length[symbol] = static_cast<uint8_t>(length);
    }
    if (next >= uint32_t{1} << length) return false;
    next <<= 1;
  }
  return true;
}

}  // namespace imgbatch
