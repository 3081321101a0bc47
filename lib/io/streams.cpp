// streams: readers and writers made of others. See gossamer/io.hpp.
#include <algorithm>

#include "gossamer/io.hpp"
#include "io/splice.hpp"

namespace gossamer::inline v0::io {

namespace {

// A limited_reader that the reader owns.
class limited final : public reader_interface {
 public:
  limited(reader from, std::int64_t n) noexcept : own_(std::move(from), n) {}
  result read(std::span<std::byte> to) override { return own_.read(to); }
  std::optional<copied> write_to(const writer& to) override {
    auto done = splice_up_to(to, own_.from(), own_.left());
    if (done) {
      own_.set_left(own_.left() - done->first);
    }
    return done;
  }
  void* object(const std::type_info& type) noexcept override { return detail::object_of(own_, type); }

 private:
  limited_reader own_;
};

class tee final : public reader_interface {
 public:
  tee(reader from, writer to) noexcept : from_(std::move(from)), to_(std::move(to)) {}

  result read(std::span<std::byte> to) override {
    result r = from_.read(to);
    if (r.first > 0) {
      auto [n, err] = to_.write(to.first(r.first));
      if (err) {
        return {n, std::move(err)};
      }
    }
    return r;
  }

 private:
  reader from_;
  writer to_;
};

class one_behind_the_other final : public reader_interface {
 public:
  explicit one_behind_the_other(std::vector<reader> all) noexcept : all_(std::move(all)) {}

  result read(std::span<std::byte> to) override {
    for (; next_ < all_.size(); ++next_) {
      result r = all_[next_].read(to);
      const bool ended = r.second == eof;
      if (r.first > 0 || !ended) {
        if (ended) {
          all_[next_++] = nullptr;
          if (next_ < all_.size()) {
            r.second = nullptr;
          }
        }
        return r;
      }
      all_[next_] = nullptr;
    }
    return {0, eof};
  }

 private:
  std::vector<reader> all_;
  std::size_t next_ = 0;
};

class each final : public writer_interface {
 public:
  explicit each(std::vector<writer> all) noexcept : all_(std::move(all)) {}

  result write(std::span<const std::byte> from) override {
    for (const writer& w : all_) {
      result r = w.write(from);
      if (r.second) {
        return r;
      }
    }
    return {from.size(), nullptr};
  }

 private:
  std::vector<writer> all_;
};

}  // namespace

reader limit_reader(reader from, std::int64_t n) { return make_reader<limited>(std::move(from), n); }

reader tee_reader(reader from, writer to) { return make_reader<tee>(std::move(from), std::move(to)); }

reader multi_reader(std::vector<reader> all) { return make_reader<one_behind_the_other>(std::move(all)); }

writer multi_writer(std::vector<writer> all) { return make_writer<each>(std::move(all)); }

constinit const errors::sentinel short_buffer{"short buffer"};
constinit const errors::sentinel invalid_write{"invalid write result"};

}  // namespace gossamer::inline v0::io
