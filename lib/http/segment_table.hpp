// segment_table: finds what a text stands for. One writer; readers wait for nobody.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gossamer::inline v0::http {

namespace segment_detail {

template <class N>
std::uint64_t number_at(const char* at) noexcept {
  N n;
  std::memcpy(&n, at, sizeof n);
  return n;
}

// One to one.
constexpr std::uint64_t mix(std::uint64_t h) noexcept {
  h *= 0x9e3779b97f4a7c15U;
  return h ^ (h >> 32U);
}

// Of more than 8 bytes each.
inline bool same_bytes(const char* a, const char* b, std::size_t n) noexcept {
  for (std::size_t i = 0; i + 8 < n; i += 8) {
    if (number_at<std::uint64_t>(a + i) != number_at<std::uint64_t>(b + i)) {
      return false;
    }
  }
  return number_at<std::uint64_t>(a + n - 8) == number_at<std::uint64_t>(b + n - 8);
}

}  // namespace segment_detail

// Texts of up to this many bytes are the same if their hashes and sizes are.
inline constexpr std::size_t injective_bytes = 8;

// Nothing that a client sends is ever put into a table, so that no client can make texts collide there.
inline std::uint64_t hash_of(std::string_view text) noexcept {
  using namespace segment_detail;
  const char* at = text.data();
  std::size_t n = text.size();
  std::uint64_t h = n;
  for (; n > injective_bytes; at += 8, n -= 8) {
    h = mix(h ^ number_at<std::uint64_t>(at));
  }
  // Numbers that overlap, where there are fewer bytes.
  if (n >= 4) {
    return mix(h ^ (number_at<std::uint32_t>(at) | number_at<std::uint32_t>(at + n - 4) << 32U));
  }
  if (n > 0) {
    return mix(h ^ (number_at<std::uint8_t>(at) | number_at<std::uint8_t>(at + n / 2) << 16U |
                    number_at<std::uint8_t>(at + n - 1) << 32U));
  }
  return mix(h);
}

// A text with its hash.
struct hashed {
  explicit hashed(std::string_view t) noexcept : hash(hash_of(t)), text(t) {}
  constexpr hashed() noexcept = default;
  friend bool operator==(const hashed& a, const hashed& b) noexcept {
    return a.hash == b.hash && a.text.size() == b.text.size() &&
           (a.text.size() <= injective_bytes ||
            segment_detail::same_bytes(a.text.data(), b.text.data(), a.text.size()));
  }

  std::uint64_t hash = 0;
  std::string_view text;
};

// From texts to objects, which stay where they are; none is ever removed. Open addressing, at most half full:
//   a slot whose object is null has never been used, and ends the search
// A search touches few cache lines, of which a large tree has many: the size of the room stands in its address, and an
// object begins a line.
template <class T>
class segment_table {
 public:
  segment_table() = default;
  segment_table(const segment_table&) = delete;
  segment_table& operator=(const segment_table&) = delete;

  // Null where there is none. Any thread.
  T* find(std::string_view text) const noexcept {
    // acquire: pairs with the release in add(); the slots are there.
    const std::uintptr_t now = now_.load(std::memory_order_acquire);
    if (now == 0) {
      return nullptr;
    }
    const hashed key(text);
    const slot* const slots = slots_of(now);
    const std::size_t mask = mask_of(now);
    for (std::size_t i = key.hash & mask;; i = (i + 1) & mask) {
      // acquire: pairs with the release in put(); the key is there.
      T* const object = slots[i].object.load(std::memory_order_acquire);
      if (object == nullptr || slots[i].key == key) {
        return object;
      }
    }
  }

  // The one writer: its object, which is made where there is none.
  T& add(std::string_view text) {
    if (T* const there = find(text)) {
      return *there;
    }
    if ((objects_.size() + 1) * 2 > std::size_t{1} << log_size_) {
      grow();
    }
    pair& p = *objects_.emplace_back(std::make_unique<pair>(text));
    const std::uintptr_t now = reinterpret_cast<std::uintptr_t>(rooms_.back().get()) | log_size_;
    put(now, p);
    // release: pairs with the acquire in find().
    now_.store(now, std::memory_order_release);
    return p.object;
  }

  // The one writer: visit(object) for all.
  template <class Visit>
  void each(const Visit& visit) const {
    for (const auto& p : objects_) {
      visit(p->object);
    }
  }

 private:
  static constexpr std::size_t line_bytes = 64;
  struct alignas(32) slot {
    std::atomic<T*> object{nullptr};
    hashed key;
  };
  struct alignas(line_bytes) pair {
    explicit pair(std::string_view t) : text(t) {}
    T object;
    std::string text;
  };

  // A room's address with the logarithm of its size.
  static slot* slots_of(std::uintptr_t room) noexcept {
    return reinterpret_cast<slot*>(room & ~std::uintptr_t{alignof(slot) - 1});
  }
  static std::size_t mask_of(std::uintptr_t room) noexcept {
    return (std::size_t{1} << (room & (alignof(slot) - 1))) - 1;
  }

  static void put(std::uintptr_t room, pair& p) noexcept {
    slot* const slots = slots_of(room);
    const hashed key(p.text);
    std::size_t i = key.hash & mask_of(room);
    while (slots[i].object.load(std::memory_order_relaxed) != nullptr) {  // relaxed: the writer's own
      i = (i + 1) & mask_of(room);
    }
    slots[i].key = key;
    // release: pairs with the acquire in find().
    slots[i].object.store(&p.object, std::memory_order_release);
  }

  void grow() {
    slot* const slots = rooms_.emplace_back(std::make_unique<slot[]>(std::size_t{2} << log_size_)).get();
    log_size_++;  // only now: there may have been no memory
    for (const auto& p : objects_) {
      put(reinterpret_cast<std::uintptr_t>(slots) | log_size_, *p);
    }
  }

  std::atomic<std::uintptr_t> now_{0};
  // The writer's own. Of the rooms the last one counts; readers may be in the others still, which together are no
  // larger than it.
  unsigned log_size_ = 0;
  std::vector<std::unique_ptr<slot[]>> rooms_;
  std::vector<std::unique_ptr<pair>> objects_;
};

}  // namespace gossamer::inline v0::http
