// segment_table: finds what a text stands for. One writer; readers wait for nobody.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gossamer::inline v0::http {

namespace segment_detail {

// The first N bytes, as a number.
template <class N>
std::uint64_t bytes_of(const char* at) noexcept {
  N n;
  std::memcpy(&n, at, sizeof n);
  return n;
}

constexpr std::uint64_t mix(std::uint64_t h) noexcept {
  h *= 0x9e3779b97f4a7c15U;
  return h ^ (h >> 32U);
}

}  // namespace segment_detail

// Nothing that a client sends is ever put into a table, so that no client can make texts collide there.
inline std::uint64_t hash_of(std::string_view text) noexcept {
  using namespace segment_detail;
  const char* at = text.data();
  std::size_t n = text.size();
  std::uint64_t h = n;
  for (; n > 8; at += 8, n -= 8) {
    h = mix(h ^ bytes_of<std::uint64_t>(at));
  }
  // Two numbers that overlap, where there are not exactly as many bytes.
  if (n >= 4) {
    return mix(h ^ (bytes_of<std::uint32_t>(at) | bytes_of<std::uint32_t>(at + n - 4) << 32U));
  }
  if (n > 0) {
    return mix(h ^ (bytes_of<std::uint8_t>(at) | bytes_of<std::uint8_t>(at + n / 2) << 16U |
                    bytes_of<std::uint8_t>(at + n - 1) << 32U));
  }
  return mix(h);
}

// From texts to objects, which stay where they are; none is ever removed. Open addressing, at most half full:
//   a slot whose object is null has never been used, and ends the search
template <class T>
class segment_table {
 public:
  segment_table() = default;
  segment_table(const segment_table&) = delete;
  segment_table& operator=(const segment_table&) = delete;

  // Null where there is none. Any thread.
  T* find(std::string_view text) const noexcept {
    // acquire: pairs with the release in add(); the slots are there.
    const room* const in = now_.load(std::memory_order_acquire);
    if (in == nullptr) {
      return nullptr;
    }
    const std::uint64_t hash = hash_of(text);
    for (std::size_t i = hash & in->mask;; i = (i + 1) & in->mask) {
      const slot& s = in->slots[i];
      // acquire: pairs with the release in put(); hash and text are there.
      T* const object = s.object.load(std::memory_order_acquire);
      if (object == nullptr || (s.hash == hash && s.text == text)) {
        return object;
      }
    }
  }

  // The one writer: its object, which is made where there is none.
  T& add(std::string_view text) {
    if (T* const there = find(text)) {
      return *there;
    }
    if (rooms_.empty() || (objects_.size() + 1) * 2 > rooms_.back()->mask + 1) {
      grow();
    }
    pair& p = *objects_.emplace_back(std::make_unique<pair>(text));
    rooms_.back()->put(hash_of(p.text), p.text, &p.object);
    // release: pairs with the acquire in find().
    now_.store(rooms_.back().get(), std::memory_order_release);
    return p.object;
  }

  // The one writer, or under its lock: visit(text, object) for all.
  template <class Visit>
  void each(const Visit& visit) const {
    for (const auto& p : objects_) {
      visit(std::string_view(p->text), p->object);
    }
  }

 private:
  struct slot {
    std::atomic<T*> object{nullptr};
    std::uint64_t hash = 0;
    std::string_view text;
  };
  struct room {
    explicit room(std::size_t size) : mask(size - 1), slots(new slot[size]) {}
    void put(std::uint64_t hash, std::string_view text, T* object) noexcept {
      std::size_t i = hash & mask;
      while (slots[i].object.load(std::memory_order_relaxed) != nullptr) {  // relaxed: the writer's own
        i = (i + 1) & mask;
      }
      slots[i].hash = hash;
      slots[i].text = text;
      // release: pairs with the acquire in find().
      slots[i].object.store(object, std::memory_order_release);
    }
    std::size_t mask;
    std::unique_ptr<slot[]> slots;
  };
  struct pair {
    explicit pair(std::string_view t) : text(t) {}
    std::string text;
    T object;
  };

  void grow() {
    const std::size_t size = rooms_.empty() ? 4 : (rooms_.back()->mask + 1) * 2;
    rooms_.push_back(std::make_unique<room>(size));
    each([this](std::string_view text, T& object) { rooms_.back()->put(hash_of(text), text, &object); });
  }

  std::vector<std::unique_ptr<pair>> objects_;
  // The last one counts. Readers may be in the others still: together those are smaller than it.
  std::vector<std::unique_ptr<room>> rooms_;
  std::atomic<const room*> now_{nullptr};
};

}  // namespace gossamer::inline v0::http
