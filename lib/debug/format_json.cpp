// format_json: see the schema in gossamer/debug.hpp.
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "debug/format.hpp"

namespace gossamer::inline v0::debug {

namespace {

// How many bytes of a character in UTF-8 stand at the beginning of `text`; 0 where there is none. (RFC 3629, without
// the finer points: overlong forms and surrogates.)
std::size_t character_bytes(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t n = first < 0x80                     ? 1
                        : first >= 0xc2 && first < 0xe0  ? 2
                        : first >= 0xe0 && first < 0xf0  ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  if (n == 0 || n > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < n; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return n;
}

std::string quote(std::string_view text) {
  std::string all = "\"";
  while (!text.empty()) {
    const std::size_t n = character_bytes(text);
    const char c = text[0];
    if (n == 0) {
      all += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      (all += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      all += code;
    } else {
      all += text.substr(0, n);
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return all + "\"";
}

std::string address(const void* a) { return "\"" + frames::hex(reinterpret_cast<std::uintptr_t>(a)) + "\""; }

// An object or an array, item by item.
class composed {
 public:
  explicit composed(const char* brackets) : brackets_(brackets), text_(1, brackets[0]) {}
  composed& item(std::string_view value) {
    if (text_.size() > 1) {
      text_ += ", ";
    }
    text_ += value;
    return *this;
  }
  composed& member(std::string_view key, std::string_view value) {
    return item("\"" + std::string(key) + "\": " + std::string(value));
  }
  composed& number(std::string_view key, std::uint64_t n) { return member(key, std::to_string(n)); }
  composed& truth(std::string_view key, bool b) { return member(key, b ? "true" : "false"); }
  std::string text() const { return text_ + brackets_[1]; }

 private:
  const char* const brackets_;
  std::string text_;
};

composed& add_line(composed& to, const machine::source_line& l) {
  if (!l.function.empty()) {
    to.member("function", quote(l.function));
  }
  if (!l.file.empty()) {
    to.member(l.line > 0 ? "file" : "module", quote(l.file));
  }
  if (l.line > 0) {
    to.number("line", static_cast<std::uint64_t>(l.line));
  }
  return to.member("offset", "\"" + frames::hex(l.offset) + "\"");
}

std::string place(const std::source_location& at) {
  composed all("{}");
  all.member("function", quote(at.function_name())).member("file", quote(at.file_name()));
  return all.number("line", at.line()).text();
}

std::string text_of(const object_info& o) {
  composed all("{}");
  all.member("address", address(o.address)).member("kind", quote(o.kind));
  if (!o.name.empty()) {
    all.member("name", quote(o.name));
  }
  all.number("waiters", static_cast<std::uint64_t>(o.waiters));
  if (o.known && o.kind == "chan") {
    all.number("len", o.len).number("cap", o.cap).truth("closed", o.closed);
  } else if (o.known) {
    all.truth("locked", o.locked);
    if (o.kind == "sync.RWMutex") {
      all.number("readers", o.readers);
    }
    if (o.owner != 0) {
      all.number("owner", o.owner);
    }
  }
  return all.text();
}

std::string_view name_of(runtime::status s) noexcept {
  constexpr std::array<std::string_view, 4> names{"runnable", "running", "syscall", "waiting"};
  return names[static_cast<std::size_t>(s)];
}

class json_writer final : public writer {
 public:
  json_writer(output& to, frames::names& names) : writer(to, names) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    to_.write("{\"version\": 1, \"time\": " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()) + ",\n\"fibers\": [");
  }

  void add(const fiber_info& info) override {
    to_.write(total_++ == 0 ? "\n" : ",\n");
    to_.write(text_of_fiber(info));
    if (info.object.address != nullptr) {
      note(info.object, info.id);
    }
    for (const object_info& o : info.others) {
      note(o, info.id);
    }
  }

  void finish() override {
    to_.write("],\n\"total\": " + std::to_string(total_) + ",\n\"objects\": [");
    bool first = true;
    for (const auto& [at, o] : objects_) {
      composed one("{}");
      one.member("address", address(at)).member("kind", quote(o.kind));
      if (o.owner != 0) {
        one.number("owner", o.owner);
      }
      composed waiters("[]");
      for (const std::uint64_t id : o.waiters) {
        waiters.item(std::to_string(id));
      }
      to_.write((std::exchange(first, false) ? "\n" : ",\n") + one.member("waiters", waiters.text()).text());
    }
    to_.write("],\n\"edges\": [");
    first = true;
    for (const auto& [at, o] : objects_) {
      for (const std::uint64_t id : o.waiters) {
        if (o.owner != 0) {
          composed edge("{}");
          edge.number("from", id).number("to", o.owner).member("object", address(at));
          to_.write((std::exchange(first, false) ? "\n" : ",\n") + edge.text());
        }
      }
    }
    to_.write("]}\n");
  }

 private:
  struct object {
    std::string_view kind;
    std::uint64_t owner = 0;
    std::vector<std::uint64_t> waiters;
  };

  void note(const object_info& seen, std::uint64_t waiter) {
    object& o = objects_[seen.address];
    o.kind = seen.kind;
    o.owner = seen.owner != 0 ? seen.owner : o.owner;
    o.waiters.push_back(waiter);
  }

  std::string text_of_fiber(const fiber_info& info) {
    composed all("{}");
    all.number("id", info.id);
    if (!info.name.empty()) {
      all.member("name", quote(info.name));
    }
    if (!info.labels.empty()) {
      composed pairs("{}");
      for (const auto& [key, value] : info.labels) {
        pairs.item(quote(key) + ": " + quote(value));
      }
      all.member("labels", pairs.text());
    }
    all.number("parent", info.parent).member("state", quote(name_of(info.state)));
    all.truth("main", info.is_main).truth("locked_to_thread", info.locked_to_thread);
    all.number("worker", static_cast<std::uint64_t>(info.last_worker));
    if (info.leaked) {
      all.truth("leaked", true);
    }
    if (info.bubble != 0) {
      all.number("bubble", info.bubble);
    }
    if (info.durable) {
      all.truth("durable", true);
    }
    add_wait(all, info);
    if (info.spawn_site != nullptr) {
      composed site("{}");
      all.member("created_by", add_line(site, frames::spawner(info.spawn_site, names_)).text());
    }
    if (info.stack_low != nullptr) {
      all.member("stack_low", address(info.stack_low)).member("stack_high", address(info.stack_high));
      all.number("high_water", info.high_water);
    }
    composed stack("[]");
    for (const frames::line& l : frames::lines_of(info.stack, names_)) {
      composed line("{}");
      line.member("address", address(l.address));
      stack.item(add_line(line, *l.source).text());
    }
    all.truth("whole", info.whole).number("elided", info.elided);
    return all.member("stack", stack.text()).text();
  }

  static void add_wait(composed& all, const fiber_info& info) {
    if (info.state != runtime::status::waiting) {
      return;
    }
    all.member("reason", quote(info.reason));
    all.number("waited_ns", static_cast<std::uint64_t>(info.waited().count()));
    if (info.where.line() != 0) {
      all.member("where", place(info.where));
    }
    if (info.object.address != nullptr) {
      all.member("blocked_on", text_of(info.object));
    }
    if (!info.others.empty()) {
      composed further("[]");
      for (const object_info& o : info.others) {
        further.item(text_of(o));
      }
      all.member("or_on", further.text());
    }
  }

  std::uint64_t total_ = 0;
  std::map<const void*, object> objects_;
};

}  // namespace

std::unique_ptr<writer> make_json(output& to, frames::names& names) { return std::make_unique<json_writer>(to, names); }

}  // namespace gossamer::inline v0::debug
