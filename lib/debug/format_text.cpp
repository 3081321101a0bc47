// format_text: Go's two text forms, and folded stacks.
// Source: Go runtime/traceback.go, runtime/pprof/pprof.go.
#include <algorithm>
#include <chrono>
#include <tuple>

#include "debug/format.hpp"
#include "fiber/header.hpp"

namespace gossamer::inline v0::debug {

namespace {

// As Go's profile has them.
std::string text_of(const labels& all) {
  std::string text = "{";
  for (const auto& [key, value] : all) {
    text += (text.size() > 1 ? ", " : "") + frames::in_quotes(key) + ":" + frames::in_quotes(value);
  }
  return text + "}";
}

// Who keeps it from going on, where that is a lock that somebody holds.
std::string holders_of(const object_info& o) {
  if (o.owner != 0) {
    return ", held by fiber " + std::to_string(o.owner);
  }
  return o.readers == 0 ? "" : ", held by " + std::to_string(o.readers) + (o.readers == 1 ? " reader" : " readers");
}

class text_writer final : public writer {
 public:
  using writer::writer;
  void add(const fiber_info& info) override {
    to_.write(first_ ? "" : "\n");
    first_ = false;
    to_.write(debug::text_of(info, names_));
  }
  void finish() override {}

 private:
  bool first_ = true;
};

class groups_writer final : public counting_writer {
 public:
  using counting_writer::counting_writer;
  void finish() override {
    to_.write("fiber profile: total " + std::to_string(total()) + "\n");
    for (const group* g : by_size()) {
      std::string text = std::to_string(g->count) + " @";
      for (const void* address : g->stack) {
        text += " " + frames::hex(reinterpret_cast<std::uintptr_t>(address));
      }
      text += "\n";
      if (!g->labels.empty()) {
        text += "# labels: " + text_of(g->labels) + "\n";
      }
      for (const frames::line& l : frames::lines_of(g->stack, names_)) {
        const std::string before = "#\t" + frames::hex(reinterpret_cast<std::uintptr_t>(l.address)) + "\t";
        std::string after = "+" + frames::hex(l.source->offset);
        if (!l.source->file.empty()) {
          after += "\t" + l.source->file + (l.source->line > 0 ? ":" + std::to_string(l.source->line) : "");
        }
        const std::string function = l.source->function.empty() ? "(unknown)" : l.source->function;
        text += before + frames::fitted(function, before.size() + after.size(), names_) + after + "\n";
      }
      to_.write(text + "\n");
    }
  }
};

class folded_writer final : public counting_writer {
 public:
  using counting_writer::counting_writer;
  void finish() override {
    for (const group* g : by_size()) {
      std::vector<frames::line> lines = frames::lines_of(g->stack, names_);
      std::reverse(lines.begin(), lines.end());
      std::string text;
      for (const frames::line& l : lines) {
        std::string name =
            l.source->function.empty() ? frames::hex(reinterpret_cast<std::uintptr_t>(l.address)) : l.source->function;
        std::replace(name.begin(), name.end(), ';', ':');
        text += (text.empty() ? "" : ";") + name;
      }
      to_.write((text.empty() ? "(no stack)" : text) + " " + std::to_string(g->count) + "\n");
    }
  }
};

}  // namespace

std::string_view status_of(const fiber_info& info) noexcept {
  switch (info.state) {
    case runtime::status::runnable:
      return "runnable";
    case runtime::status::running:
      return "running";
    case runtime::status::syscall:
      return "syscall";
    case runtime::status::waiting:
      break;
  }
  return info.reason.empty() ? "waiting" : info.reason;
}

void counting_writer::count(const fiber_info& info, const labels& with) {
  group& g = groups_[{info.stack, with}];
  if (g.count++ == 0) {
    g.stack = info.stack;
    g.labels = with;
    g.elided = info.elided;
  }
  ++total_;
}

std::vector<const counting_writer::group*> counting_writer::by_size() const {
  std::vector<const group*> all;
  for (const auto& [key, g] : groups_) {
    all.push_back(&g);
  }
  std::sort(all.begin(), all.end(), [](const group* a, const group* b) {
    return a->count != b->count ? a->count > b->count : std::tie(a->stack, a->labels) < std::tie(b->stack, b->labels);
  });
  return all;
}

std::string text_of(const fiber_info& info, frames::names& names) {
  std::string status(status_of(info));
  status += info.leaked ? " (leaked)" : "";
  status += info.durable ? " (durable)" : "";
  if (const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(info.waited()).count(); minutes >= 1) {
    status += ", " + std::to_string(minutes) + " minutes";
  }
  status += info.object.name.empty() ? "" : ", on " + frames::in_quotes(info.object.name);
  status += holders_of(info.object);
  status += info.locked_to_thread ? ", locked to thread" : "";
  status += info.bubble != 0 ? ", synctest bubble " + std::to_string(info.bubble) : "";
  std::string text = frames::header(info.id, info.name, status, info.labels);
  const bool waits = info.state == runtime::status::waiting;
  frames::append(text, info.stack, info.elided, names, waits ? &info.where : nullptr);
  if (info.stack.empty() && !waits) {
    text += info.state == runtime::status::syscall ? "\tfiber in a blocking call; stack unavailable\n"
                                                   : "\tfiber running on a worker; stack unavailable\n";
    if (info.where.line() != 0) {
      text +=
          std::string("\tlast waited at ") + info.where.file_name() + ":" + std::to_string(info.where.line()) + "\n";
    }
  }
  if (info.is_main) {
    text += "the main fiber\n";
  } else {
    frames::append_origin(text, info.spawn_site, info.parent, names);
  }
  return text;
}

std::unique_ptr<writer> make_text(output& to, frames::names& names) { return std::make_unique<text_writer>(to, names); }
std::unique_ptr<writer> make_groups(output& to, frames::names& names) {
  return std::make_unique<groups_writer>(to, names);
}
std::unique_ptr<writer> make_folded(output& to, frames::names& names) {
  return std::make_unique<folded_writer>(to, names);
}

}  // namespace gossamer::inline v0::debug
