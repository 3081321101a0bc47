// pprof_metrics: see pprof_metrics.hpp.
#include "http/pprof_metrics.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "gossamer/runtime.hpp"
#include "http/pprof_fibers.hpp"

namespace gossamer::inline v0::http::pprof {

namespace {

// The shortest text that is this number again.
std::string number(double d) {
  std::array<char, 32> text{};
  const auto [end, problem] = std::to_chars(text.data(), text.data() + text.size(), d);
  return {text.data(), end};
}

std::string seconds(std::chrono::duration<double> d) { return number(d.count()); }

// `name="value"`; a backslash, a quote and a line's end are escaped.
std::string label(std::string_view name, std::string_view value) {
  std::string to(name);
  to += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      (to += '\\') += c;
    } else if (c == '\n') {
      to += "\\n";
    } else {
      to += c;
    }
  }
  return to += '"';
}

std::string both(std::string_view a, std::string_view b) {
  std::string to(a);
  return (to += a.empty() || b.empty() ? "" : ",") += b;
}

// Who has counted: everybody, or each worker.
struct source {
  std::string labels;
  const debug::counters* counts;
};
using sources = std::vector<source>;

class text_writer {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    ((((text_ += "# HELP ") += name) += ' ') += help) += '\n';
    ((((text_ += "# TYPE ") += name) += ' ') += type) += '\n';
  }
  void sample(std::string_view labels, std::string_view value, std::string_view suffix = {}) {
    (text_ += name_) += suffix;
    if (!labels.empty()) {
      ((text_ += '{') += labels) += '}';
    }
    ((text_ += ' ') += value) += '\n';
  }
  void sample(std::string_view labels, std::uint64_t value) { sample(labels, std::to_string(value)); }
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, "gauge", help);
    sample({}, value);
  }
  // Buckets count all that took no longer: each has those before it.
  void histogram(std::string_view labels, const debug::histogram& h) {
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < debug::histogram::buckets; ++i) {
      so_far += h.counts[i];
      const bool last = i + 1 == debug::histogram::buckets;
      const std::string bound = last ? "+Inf" : seconds(debug::histogram::upper_bound(i));
      sample(both(labels, label("le", bound)), std::to_string(so_far), "_bucket");
    }
    sample(labels, seconds(h.sum), "_sum");
    sample(labels, std::to_string(so_far), "_count");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

void add_fibers(text_writer& to, const debug::metrics& m) {
  to.family("gossamer_fibers", "gauge", "Fibers that are alive, by what they are at.");
  to.sample(label("state", "runnable"), m.runnable);
  to.sample(label("state", "running"), m.running);
  to.sample(label("state", "syscall"), m.in_calls);
  to.sample(label("state", "waiting"), m.waiting);
  to.gauge("gossamer_max_procs", "Workers that run fibers at the same time.", static_cast<std::uint64_t>(m.procs));
  to.gauge("gossamer_worker_threads", "Threads that were made to run fibers.", m.workers.size());
  to.gauge("gossamer_timers", "Deadlines and timers in the heaps.", m.timers);
  to.gauge("gossamer_stacks", "Stacks that fibers have.", m.stacks);
  to.gauge("gossamer_stack_bytes", "Address space of these stacks, with their guards.", m.stack_bytes);
  to.gauge("gossamer_stack_mapped_bytes", "Address space that is mapped for stacks.", m.mapped_stack_bytes);
  to.family("gossamer_fibers_abandoned_total", "counter", "Fibers that were alive when a run ended.");
  to.sample({}, m.abandoned);
}

struct counter_kind {
  std::string_view name;
  std::uint64_t debug::counters::* count;
  std::string_view help;
};
constexpr std::array<counter_kind, 10> counter_kinds{{
    {"gossamer_fibers_spawned_total", &debug::counters::spawned, "Fibers that were spawned."},
    {"gossamer_fibers_ended_total", &debug::counters::ended, "Fibers that have ended."},
    {"gossamer_switches_total", &debug::counters::switches, "How often a fiber was made to run."},
    {"gossamer_steals_total", &debug::counters::steals, "How often a worker took fibers from another's queue."},
    {"gossamer_stolen_fibers_total", &debug::counters::stolen, "Fibers that were taken so."},
    {"gossamer_idles_total", &debug::counters::idles, "How often a worker had nothing to do."},
    {"gossamer_polls_total", &debug::counters::polls, "How often a worker asked for events of descriptors."},
    {"gossamer_poll_events_total", &debug::counters::poll_events, "Fibers that went on for such an event."},
    {"gossamer_timers_fired_total", &debug::counters::timers_fired, "Deadlines that have come, and ticks."},
    {"gossamer_blocking_calls_total", &debug::counters::blocking_calls, "Announced blocking calls."},
}};

void add_counts(text_writer& to, const sources& all) {
  for (const counter_kind& k : counter_kinds) {
    to.family(k.name, "counter", k.help);
    for (const source& s : all) {
      to.sample(s.labels, s.counts->*k.count);
    }
  }
  to.family("gossamer_parks_total", "counter", "How often a fiber was parked, by what it waited for.");
  for (const source& s : all) {
    for (const debug::park_count& p : s.counts->parks) {
      to.sample(both(s.labels, label("reason", p.reason)), p.count);
    }
  }
  to.family("gossamer_wait_seconds", "histogram",
            "How long fibers were blocked; of the waits for one reason each worker times the first of 64.");
  for (const source& s : all) {
    to.histogram(s.labels, s.counts->wait_time);
  }
  to.family("gossamer_run_queue_seconds", "histogram",
            "How long a fiber that is ready waits for its turn; samples of the last one in a worker's queue.");
  for (const source& s : all) {
    to.histogram(s.labels, s.counts->queue_time);
  }
}

}  // namespace

std::string metrics_text(const debug::metrics& m, bool by_worker) {
  text_writer to;
  to.family("gossamer_info", "gauge", "The library; the value means nothing.");
  to.sample(label("version", runtime::version()), 1);
  add_fibers(to, m);
  sources all;
  debug::counters outside;  // plain threads spawn, and nothing else
  if (by_worker) {
    outside.spawned = m.total.spawned;
    for (std::size_t i = 0; i < m.workers.size(); ++i) {
      all.push_back({label("worker", std::to_string(i)), &m.workers[i]});
      outside.spawned -= m.workers[i].spawned;
    }
    all.push_back({label("worker", "none"), &outside});
  } else {
    all.push_back({{}, &m.total});
  }
  add_counts(to, all);
  return to.take();
}

void serve_metrics(response_writer& w, const request& r) {
  w.header().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  static_cast<void>(w.write(metrics_text(debug::read_metrics(), query_value(r, "workers") == "1")));
}

}  // namespace gossamer::inline v0::http::pprof
