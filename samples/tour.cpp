// tour: a million sleeping fibers; then a fan-out with its fan-in, a pipeline and a pool of workers over the lines of a
// file (this one, unless another is given); then clients of a TCP server, and a look at its fibers while they wait; an
// HTTP server with its debug page, and its shutdown; and the proof that no fiber was forgotten. A job that takes over a
// second says so on stderr.
//
//   $ tools/dev run tour
//   1,000,000 fibers asleep: * bytes each, started in * s
//   all finished * s after the alarm
//   */tour.cpp: * lines, * words
//   longest line: * bytes: *
//   most frequent words: *
//   pool: * lines, digest *, 1 worker * s, 2 workers * s: * times as fast
//   TCP: 200 clients, 40000 echoes in * s: * a second, * MB there and back
//   fiber profile: total 5
//   3 @ *
//   ...
//   fiber * "accept" [IO wait]:
//   ...
//   HTTP: 50 clients, 5000 sums in JSON in * s: * a second
//   its debug page: goroutine profile: total *
//   shut down: http: Server closed
//   0 fibers are alive
//
// The second argument is the number of sleepers: tools/dev run tour README.md 10000
// The third is what the pool works on in all, in millions of bytes: 1000 take about a second.
#include <gossamer/gossamer.hpp>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tour_http.hpp"
#include "tour_net.hpp"

using namespace gossamer;
using clock_type = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

// ---- a million sleepers ----

// What this line of /proc/self/status or /proc/meminfo says, in bytes.
double kernel_says(const char* file, std::string_view line_name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(line_name)) return std::stod(line.substr(line_name.size())) * 1024;
  }
  return 0;
}

double memory_used() { return kernel_says("/proc/self/status", "VmRSS:") + kernel_says("/proc/self/status", "VmPTE:"); }

std::string with_commas(long n) {
  std::string digits = std::to_string(n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

// Runs f in a fiber and waits for it; says once a second that it does.
template <class F>
void with_progress(const char* what, F f) {
  const auto start = clock_type::now();
  sync::wait_group wg;
  wg.add();
  go([&] {
    f();
    wg.done();
  });
  while (!wg.wait_for(1s)) {
    std::fprintf(stderr, "  ... %s: %.0f s\n", what, seconds(clock_type::now() - start).count());
  }
}

// All sleep until the same alarm. Where the machine is slow to start them the alarm is put off, so that there is an
// instant at which all of them sleep.
void sleepers(int fibers) {
  const double memory_before = memory_used();
  const auto start = clock_type::now();
  std::atomic<clock_type::time_point> alarm = start + 500ms + fibers * 5us;
  std::atomic<long> asleep = 0, awake = 0;
  sync::wait_group started, finished;
  started.add(fibers);
  finished.add(fibers);
  go([&] {
    for (int i = 0; i < fibers; ++i) {
      go([&] {
        ++asleep;
        started.done();
        while (clock_type::now() < alarm.load()) time::sleep(alarm.load() - clock_type::now());
        ++awake;
        finished.done();
      });
    }
  });
  while (!started.wait_for(1s)) {
    std::fprintf(stderr, "  ... %s of %s asleep\n", with_commas(asleep).c_str(), with_commas(fibers).c_str());
    if (alarm.load() - clock_type::now() < 3s) alarm = alarm.load() + 5s;
  }
  const double start_s = seconds(clock_type::now() - start).count();
  std::printf("%s fibers asleep: %.0f bytes each, started in %.2f s\n", with_commas(fibers).c_str(),
              (memory_used() - memory_before) / fibers, start_s);
  while (!finished.wait_for(1s)) {
    std::fprintf(stderr, "  ... %s of %s awake\n", with_commas(awake).c_str(), with_commas(fibers).c_str());
  }
  std::printf("all finished %.2f s after the alarm\n", seconds(clock_type::now() - alarm.load()).count());
}

// ---- lines, words, counts ----

std::optional<std::vector<std::string>> read_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  // A directory opens, but cannot be read.
  if (!file.is_open() || file.bad()) return std::nullopt;
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  for (char c : line) {
    if (auto u = static_cast<unsigned char>(c); std::isalpha(u)) {
      words.back() += static_cast<char>(std::tolower(u));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// The first stage of each pipeline here: the lines, one by one.
recv_chan<std::string> source(const std::vector<std::string>& lines) {
  auto out = make_chan<std::string>(64);
  go([=, &lines] {
    for (const auto& line : lines) out << line;
    close(out);
  });
  return out;
}

recv_chan<std::string> split(recv_chan<std::string> lines) {
  auto out = make_chan<std::string>(64);
  go([=] {
    for (auto line : lines) {
      for (auto& word : words_of(line)) out << std::move(word);
    }
    close(out);
  });
  return out;
}

// Pipeline: source, split and this loop run side by side.
std::map<std::string, int> word_frequencies(const std::vector<std::string>& lines) {
  std::map<std::string, int> frequencies;
  for (auto word : split(source(lines))) ++frequencies[word];
  return frequencies;
}

struct tally {
  long lines = 0, words = 0;
  std::string longest;
};

// Of two longest lines the one that sorts first, so that the result does not depend on who counted what.
void take_longer(std::string& longest, const std::string& line) {
  if (line.size() > longest.size() || (line.size() == longest.size() && line < longest)) longest = line;
}

// Fan-out: four counters share the lines. Fan-in: their tallies come back over one channel.
tally count_lines(const std::vector<std::string>& lines) {
  constexpr int counters = 4;
  auto in = source(lines);
  auto tallies = make_chan<tally>();
  for (int i = 0; i < counters; ++i) {
    go([=] {
      tally mine;
      for (auto line : in) {
        ++mine.lines;
        mine.words += static_cast<long>(words_of(line).size());
        take_longer(mine.longest, line);
      }
      tallies << mine;
    });
  }
  tally sum;
  for (int i = 0; i < counters; ++i) {
    tally part = *tallies;
    sum.lines += part.lines;
    sum.words += part.words;
    take_longer(sum.longest, part.longest);
  }
  return sum;
}

// What of a line can be shown: whatever the file holds, the terminal must survive it.
std::string start_of(const std::string& line) {
  std::string text = line.substr(0, 60);
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return text;
}

void report(const std::string& path, const std::vector<std::string>& lines) {
  tally t = count_lines(lines);
  std::printf("%s: %ld lines, %ld words\n", path.c_str(), t.lines, t.words);
  std::printf("longest line: %zu bytes: %s\n", t.longest.size(), start_of(t.longest).c_str());

  auto frequencies = word_frequencies(lines);
  std::vector<std::pair<std::string, int>> ranked(frequencies.begin(), frequencies.end());
  std::sort(ranked.begin(), ranked.end(),
            [](auto& a, auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  ranked.resize(std::min(ranked.size(), std::size_t{5}));
  std::printf("most frequent words:");
  for (auto& [word, n] : ranked) std::printf(" %s %d", word.c_str(), n);
  std::printf("\n");
}

// ---- a pool of workers ----

std::uint64_t digest(const std::string& line, long rounds) {
  std::uint64_t h = 14695981039346656037u;
  for (long r = 0; r < rounds; ++r) {
    for (char c : line) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return h;
}

struct pool_result {
  std::uint64_t sum = 0;
  double took_s = 0;
};

// Four workers take lines from one channel and send digests to another.
pool_result pool(const std::vector<std::string>& lines, long rounds) {
  const auto start = clock_type::now();
  auto jobs = source(lines);
  auto digests = make_chan<std::uint64_t>(64);
  sync::wait_group workers;
  workers.add(4);
  for (int i = 0; i < 4; ++i) {
    go([=, &workers] {
      for (auto line : jobs) digests << digest(line, rounds);
      workers.done();
    });
  }
  go([=, &workers] {
    workers.wait();
    close(digests);
  });
  pool_result result;
  for (auto d : digests) result.sum += d;
  result.took_s = seconds(clock_type::now() - start).count();
  return result;
}

// The same pool on one worker thread and on two. Returns false if they do not agree.
bool compare_pools(const std::vector<std::string>& lines, long millions) {
  std::size_t bytes = 1;
  for (auto& line : lines) bytes += line.size() + 1;
  const long rounds = std::max(1L, millions * 1'000'000 / static_cast<long>(bytes));
  pool_result one, two;
  run([&] { with_progress("the pool on one worker", [&] { one = pool(lines, rounds); }); }, {.procs = 1});
  run([&] { with_progress("the pool on two workers", [&] { two = pool(lines, rounds); }); }, {.procs = 2});
  std::printf("pool: %zu lines, digest %016llx, 1 worker %.2f s, 2 workers %.2f s: %.2f times as fast\n", lines.size(),
              static_cast<unsigned long long>(one.sum), one.took_s, two.took_s, one.took_s / two.took_s);
  return one.sum == two.sum;
}

// ---- main ----

std::optional<int> parse_count(std::string_view text) {
  int n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > 10'000'000) return std::nullopt;
  return n;
}

// As many sleepers as wanted, or as many as the memory holds.
int affordable(int wanted) {
  const double fit = kernel_says("/proc/meminfo", "MemAvailable:") * 0.8 / 6000;
  if (fit >= wanted) return wanted;
  std::fprintf(stderr, "  ... memory for %s sleepers only\n", with_commas(static_cast<long>(fit)).c_str());
  return std::max(1, static_cast<int>(fit));
}

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : GOSSAMER_SAMPLE_SOURCE;
  const auto fibers = parse_count(argc > 2 ? argv[2] : "1000000");
  const auto work = parse_count(argc > 3 ? argv[3] : "1000");
  if (argc > 4 || !fibers || !work) {
    std::fprintf(stderr, "usage: tour [FILE [SLEEPERS [WORK]]], both from 1 to 10000000\n");
    return 1;
  }
  const auto lines = read_lines(path);
  if (!lines) {
    std::fprintf(stderr, "tour: cannot read %s\n", path.c_str());
    return 1;
  }
  run([&] {
    sleepers(affordable(*fibers));
    with_progress("counting", [&] { report(path, *lines); });
  });
  if (!compare_pools(*lines, *work)) return 1;
  return run([] {
    const bool good = tour_net() && tour_http();
    return nobody_left() && good ? 0 : 1;
  });
}
