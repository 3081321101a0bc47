// mask_keys: keys that nobody can guess (RFC 6455, 10.3), from the kernel, several at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

#include "http/random.hpp"
#include "ws/frame.hpp"

namespace gossamer::inline v0::ws {

class mask_keys {
 public:
  mask_key next() {
    if (used_ == bytes_.size()) {
      bytes_ = http::random_bytes<64>();
      used_ = 0;
    }
    mask_key key;
    std::memcpy(key.data(), bytes_.data() + used_, key.size());
    used_ += key.size();
    return key;
  }

 private:
  std::array<unsigned char, 64> bytes_;
  std::size_t used_ = bytes_.size();
};

}  // namespace gossamer::inline v0::ws
