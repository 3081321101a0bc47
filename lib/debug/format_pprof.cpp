// format_pprof: a gzipped protocol buffer that `go tool pprof` opens.
// Source: github.com/google/pprof, proto/profile.proto (its field numbers stand below); RFC 1952 and 1951. Differs from
// what Go writes: the blocks are stored, not compressed, so that no library is needed; a sample's tags also say the
// state, the name and the place of spawning of its fibers; and the library's own frames are left out.
#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <chrono>
#include <span>
#include <unordered_map>
#include <utility>

#include "debug/format.hpp"

namespace gossamer::inline v0::debug {

namespace {

// A message of a protocol buffer.
class message {
 public:
  void number(unsigned field, std::uint64_t n) {
    varint(field << 3U);
    varint(n);
  }
  void bytes(unsigned field, std::string_view b) {
    varint((field << 3U) | 2U);
    varint(b.size());
    text_.append(b);
  }
  void nested(unsigned field, const message& m) { bytes(field, m.text_); }
  const std::string& text() const noexcept { return text_; }

 private:
  void varint(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7U) {
      text_ += static_cast<char>(n | 0x80U);
    }
    text_ += static_cast<char>(n);
  }
  std::string text_;
};

std::string little_endian(std::uint32_t n, int bytes) {
  std::string all;
  for (int i = 0; i < bytes; ++i, n >>= 8U) {
    all += static_cast<char>(n);
  }
  return all;
}

class pprof_writer final : public counting_writer {
 public:
  using counting_writer::counting_writer;

  // Those of one stack are told apart by these tags, which do not hide the fiber's own.
  void add(const fiber_info& info) override {
    labels tags = info.labels;
    const auto tag = [&](const char* key, std::string value) {
      const bool is_taken = std::any_of(tags.begin(), tags.end(), [&](const auto& own) { return own.first == key; });
      if (!is_taken && !value.empty()) {
        tags.emplace_back(key, std::move(value));
      }
    };
    tag("state", std::string(status_of(info)));
    tag("name", info.name);
    if (info.spawn_site != nullptr) {
      const machine::source_line& l = frames::spawner(info.spawn_site, names_);
      tag("created_by", l.function + (l.line > 0 ? " " + l.file + ":" + std::to_string(l.line) : ""));
    }
    count(info, tags);
  }

  void finish() override {
    constexpr unsigned sample_type = 1;
    constexpr unsigned sample = 2;
    constexpr unsigned string_table = 6;
    constexpr unsigned time_nanos = 9;
    constexpr unsigned period_type = 11;
    constexpr unsigned period = 12;
    index_of("");  // the first one must be empty
    profile_.nested(sample_type, value_type());
    for (const group* g : by_size()) {
      profile_.nested(sample, sample_of(*g));
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    profile_.number(time_nanos,
                    static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
    profile_.nested(period_type, value_type());
    profile_.number(period, 1);
    for (const std::string* s : table_) {
      profile_.bytes(string_table, *s);
    }
    write_gzip(profile_.text());
  }

 private:
  std::uint64_t index_of(const std::string& s) {
    const auto [found, is_new] = strings_.emplace(s, strings_.size());
    if (is_new) {
      table_.push_back(&found->first);
    }
    return found->second;
  }

  message value_type() {
    message m;
    m.number(1, index_of("fiber"));
    m.number(2, index_of("count"));
    return m;
  }

  message sample_of(const group& g) {
    constexpr unsigned location_id = 1;
    constexpr unsigned value = 2;
    constexpr unsigned label = 3;
    message m;
    const std::vector<frames::line> all = frames::lines_of(g.stack, names_);
    for (auto first = all.begin(); first != all.end();) {
      // What was inlined there; an address may follow itself.
      const auto last = std::find_if(first + 1, all.end(), [&](const frames::line& l) {
        return l.address != first->address || l.source <= (&l - 1)->source;
      });
      m.number(location_id, location_of({first, last}));
      first = last;
    }
    m.number(value, g.count);
    for (const auto& [key, text] : g.labels) {
      message pair;
      pair.number(1, index_of(key));
      pair.number(2, index_of(text));
      m.nested(label, pair);
    }
    return m;
  }

  // Of one address; where a stack begins or ends some of its lines may be missing.
  std::uint64_t location_of(std::span<const frames::line> lines) {
    constexpr unsigned location = 4;
    const auto [found, is_new] =
        locations_.emplace(std::pair(lines.front().source, lines.back().source), locations_.size() + 1);
    if (is_new) {
      message m;
      m.number(1, found->second);
      m.number(3, reinterpret_cast<std::uintptr_t>(lines.front().address));
      for (const frames::line& l : lines) {
        message line;
        line.number(1, function_of(*l.source));
        line.number(2, static_cast<std::uint64_t>(l.source->line));
        m.nested(4, line);
      }
      profile_.nested(location, m);
    }
    return found->second;
  }

  std::uint64_t function_of(const machine::source_line& l) {
    constexpr unsigned function = 5;
    const std::string name = l.function.empty() ? "(unknown)" : l.function;
    const auto [found, is_new] = functions_.emplace(name + "\n" + l.file, functions_.size() + 1);
    if (is_new) {
      message m;
      m.number(1, found->second);
      m.number(2, index_of(name));
      m.number(3, index_of(name));
      m.number(4, index_of(l.file));
      profile_.nested(function, m);
    }
    return found->second;
  }

  void write_gzip(std::string_view all) {
    constexpr std::array<char, 10> head{'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff'};
    constexpr std::size_t largest_block = 65535;
    to_.write({head.data(), head.size()});
    boost::crc_32_type crc;
    crc.process_bytes(all.data(), all.size());
    const auto bytes = static_cast<std::uint32_t>(all.size());
    do {
      const std::string_view block = all.substr(0, largest_block);
      all.remove_prefix(block.size());
      const auto n = static_cast<std::uint32_t>(block.size());
      to_.write(std::string(1, all.empty() ? '\1' : '\0') + little_endian(n, 2) + little_endian(~n, 2));
      to_.write(block);
    } while (!all.empty());
    to_.write(little_endian(crc.checksum(), 4) + little_endian(bytes, 4));
  }

  message profile_;
  std::unordered_map<std::string, std::uint64_t> strings_;
  std::vector<const std::string*> table_;  // by index
  // By the first and the last of its lines, which live as long as names_.
  std::map<std::pair<const machine::source_line*, const machine::source_line*>, std::uint64_t> locations_;
  std::unordered_map<std::string, std::uint64_t> functions_;
};

}  // namespace

std::unique_ptr<writer> make_pprof(output& to, frames::names& names) {
  return std::make_unique<pprof_writer>(to, names);
}

}  // namespace gossamer::inline v0::debug
