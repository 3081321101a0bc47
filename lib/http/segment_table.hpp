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
template <class T>
class segment_table {
 public:
  segment_table() = default;
  segment_table(const segment_table&) = delete;
  segment_table& operator=(const segment_table&) = delete;

  // Null where there is none. Any thread.
  T* find(std::string_view text) const noexcept {
    // acquire: pairs with the release in add(); the slots are there.
    const slot* const first = now_.load(std::memory_order_acquire);
    return first == nullptr ? nullptr : find(first, hashed(text));
  }

  // The one writer: its object, which is made where there is none.
  T& add(std::string_view text) {
    if (T* const there = find(text)) {
      return *there;
    }
    if ((objects_.size() + 1) * 2 > size_) {
      grow();
    }
    pair& p = *objects_.emplace_back(std::make_unique<pair>(text));
    put(rooms_.back().get(), p);
    // release: pairs with the acquire in find().
    now_.store(rooms_.back().get(), std::memory_order_release);
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
  struct slot {
    std::atomic<T*> object{nullptr};
    hashed key;
  };
  struct pair {
    explicit pair(std::string_view t) : text(t) {}
    std::string text;
    T object;
  };

  // The slot before the others has the mask in place of a hash.
  static T* find(const slot* first, const hashed& key) noexcept {
    const std::size_t mask = first->key.hash;
    for (std::size_t i = key.hash & mask;; i = (i + 1) & mask) {
      const slot& s = first[i + 1];
      // acquire: pairs with the release in put(); the key is there.
      T* const object = s.object.load(std::memory_order_acquire);
      if (object == nullptr || s.key == key) {
        return object;
      }
    }
  }

  static void put(slot* first, pair& p) noexcept {
    const std::size_t mask = first->key.hash;
    const hashed key(p.text);
    std::size_t i = key.hash & mask;
    while (first[i + 1].object.load(std::memory_order_relaxed) != nullptr) {  // relaxed: the writer's own
      i = (i + 1) & mask;
    }
    first[i + 1].key = key;
    // release: pairs with the acquire in find().
    first[i + 1].object.store(&p.object, std::memory_order_release);
  }

  void grow() {
    size_ = size_ == 0 ? 4 : size_ * 2;
    rooms_.push_back(std::make_unique<slot[]>(size_ + 1));
    slot* const first = rooms_.back().get();
    first->key.hash = size_ - 1;
    for (const auto& p : objects_) {
      put(first, *p);
    }
  }

  std::atomic<const slot*> now_{nullptr};
  // The writer's own. Of the rooms the last one counts; readers may be in the others still, which together are no
  // larger than it.
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<slot[]>> rooms_;
  std::vector<std::unique_ptr<pair>> objects_;
};

}  // namespace gossamer::inline v0::http
