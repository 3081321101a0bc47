// copy_room: memory that bytes are copied through, had for as long as that takes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "gossamer/sync/pool.hpp"

namespace gossamer::inline v0::http {

class copy_room {
 public:
  static constexpr std::size_t bytes = 32 * 1024;

  copy_room() : own_(rooms().get()) {}
  copy_room(copy_room&& other) noexcept = default;
  copy_room& operator=(copy_room&&) = delete;
  ~copy_room() {
    if (own_) {
      rooms().put(std::move(own_));
    }
  }
  std::span<std::byte> all() const noexcept { return {own_.get(), bytes}; }

 private:
  using room = std::unique_ptr<std::byte[]>;
  static sync::pool<room>& rooms() {
    static auto* const all = new sync::pool<room>(+[] { return std::make_unique_for_overwrite<std::byte[]>(bytes); });
    return *all;
  }
  room own_;
};

}  // namespace gossamer::inline v0::http
