#include "ws/deflate.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "gossamer/sync/pool.hpp"

namespace gossamer::inline v0::ws {

namespace {

// Each message ends with an empty block, which is not sent.
constexpr std::array<Bytef, 4> tail{0, 0, 0xff, 0xff};
// What a sender ends a message by once, if at all.
constexpr int most_ends = 16;
// What a window holds.
constexpr std::size_t window_bytes = std::size_t{1} << MAX_WBITS;

constinit sync::pool<std::unique_ptr<deflater>> deflaters;
constinit sync::pool<std::unique_ptr<inflater>> inflaters;

}  // namespace

deflater::deflater(int window_bits) {
  constexpr int memory_level = 8;
  if (deflateInit2(&z_, Z_BEST_SPEED, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

void deflater::run(std::span<const std::byte> piece, int flush, std::string& to) {
  std::array<Bytef, 2048> out;
  constexpr std::size_t most = std::numeric_limits<uInt>::max() / 2;
  do {
    const std::size_t n = std::min(piece.size(), most);
    z_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(piece.data()));  // zlib does not write there
    z_.avail_in = static_cast<uInt>(n);
    piece = piece.subspan(n);
    do {
      z_.next_out = out.data();
      z_.avail_out = static_cast<uInt>(out.size());
      ::deflate(&z_, piece.empty() ? flush : Z_NO_FLUSH);
      to.append(reinterpret_cast<const char*>(out.data()), out.size() - z_.avail_out);
    } while (z_.avail_out == 0);
  } while (!piece.empty());
}

void deflater::finish(std::string& to) {
  const std::size_t before = to.size();
  run({}, Z_SYNC_FLUSH, to);
  if (to.size() - before >= tail.size()) {
    to.resize(to.size() - tail.size());
  } else {
    to += '\0';  // an empty message behind another: zlib sees nothing to be flushed
  }
}

inflater::inflater() {
  if (inflateInit2(&z_, -MAX_WBITS) != Z_OK) {
    throw std::bad_alloc();
  }
}

void inflater::more(std::size_t n) noexcept {
  z_.next_in = in_.data();
  z_.avail_in = static_cast<uInt>(n);
}

void inflater::last() noexcept {
  std::copy(tail.begin(), tail.end(), in_.begin());
  more(tail.size());
  last_ = true;
}

// Behind a block that says that it is the last one, which a sender may do (RFC 7692, 7.2.3.4): the window stays. Not
// often: the window is copied each time, for two bytes of the peer's.
bool inflater::go_on() noexcept {
  if (++ends_ > most_ends) {
    return false;
  }
  const std::unique_ptr<Bytef[]> window(new (std::nothrow) Bytef[window_bytes]);
  uInt n = 0;
  if (window == nullptr || inflateGetDictionary(&z_, window.get(), &n) != Z_OK) {
    return false;
  }
  return inflateReset(&z_) == Z_OK && inflateSetDictionary(&z_, window.get(), n) == Z_OK;
}

std::pair<std::size_t, bool> inflater::take(std::span<std::byte> to) noexcept {
  const std::size_t most = std::min<std::size_t>(to.size(), std::numeric_limits<uInt>::max());
  z_.next_out = reinterpret_cast<Bytef*>(to.data());
  z_.avail_out = static_cast<uInt>(most);
  const bool has_input = z_.avail_in > 0;
  const int result = ::inflate(&z_, Z_SYNC_FLUSH);
  if (has_input) {  // without any, zlib forgets that it stands between two blocks
    constexpr int between_blocks = 128;
    constexpr int unused_bits = 7;
    whole_ = result == Z_STREAM_END || (z_.data_type & (between_blocks | unused_bits)) == between_blocks;
  }
  const bool is_good = result == Z_STREAM_END ? go_on() : result == Z_OK || result == Z_BUF_ERROR;
  return {most - z_.avail_out, is_good};
}

std::unique_ptr<deflater> borrow_deflater() {
  std::unique_ptr<deflater> d = deflaters.get();
  return d != nullptr ? std::move(d) : std::make_unique<deflater>(MAX_WBITS);
}
void give_back(std::unique_ptr<deflater> d) {
  d->forget();
  deflaters.put(std::move(d));
}
std::unique_ptr<inflater> borrow_inflater() {
  std::unique_ptr<inflater> i = inflaters.get();
  return i != nullptr ? std::move(i) : std::make_unique<inflater>();
}
void give_back(std::unique_ptr<inflater> i) {
  i->forget();
  inflaters.put(std::move(i));
}

}  // namespace gossamer::inline v0::ws
