// peek: see peek.hpp.
#include "debug/peek.hpp"

#include <cstddef>
#include <memory>

#include "base/read_memory.hpp"
#include "fiber/locals.hpp"

namespace gossamer::inline v0::debug {

namespace {

template <class T>
bool copy(const T* from, T& to) noexcept {
  return base::copy_memory(from, &to, sizeof to);
}

// A string that nobody changes while it is there.
bool copy_string(const std::string* from, std::string& to) {
  alignas(std::string) std::byte room[sizeof(std::string)];
  if (!base::copy_memory(from, room, sizeof room)) {
    return false;
  }
  const auto* const image = reinterpret_cast<const std::string*>(room);
  constexpr std::size_t longest = 4096;
  const char* text = image->data();
  const std::size_t bytes = image->size() < longest ? image->size() : longest;
  // Short ones lie in the object itself, of which the image is a copy at another place: its pointer is the original's.
  to.resize(bytes);
  return bytes == 0 || base::copy_memory(text, to.data(), bytes);
}

}  // namespace

peeked peek(const fiber& f, std::uint64_t id) {
  peeked found;
  detail::local_table* table = nullptr;
  const std::string* name = nullptr;
  std::string text;
  if (copy(&f.locals, table) && table != nullptr && copy(&table->name, name) && name != nullptr &&
      copy_string(name, text)) {
    // Its fiber takes the table out of the record before it destroys what is in it.
    detail::local_table* still = nullptr;
    if (copy(&f.locals, still) && still == table) {
      found.name = std::move(text);
    }
  }
  // The record may have the place of an earlier fiber, until this one has waited for the first time.
  wait_reason reason = wait_reason::none;
  std::source_location where;
  if (copy(&f.reason, reason) && reason != wait_reason::none && copy(&f.where, where)) {
    found.where = where;
  }
  // acquire: pairs with the release at a fiber's end; it is the same one still, and so was the record.
  return f.id.load(std::memory_order_acquire) == id ? found : peeked();
}

}  // namespace gossamer::inline v0::debug
