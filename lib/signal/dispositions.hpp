// dispositions: what the process does with each signal, and how many have come that are to be handed on.
//
// Whether a signal is caught and how many have come is one word. Our handler counts in it, and writes to an eventfd;
// who gives the signal back restores first what was there before, then takes the word. So a signal is counted, or has
// the effect that it had before; but for a handler that runs only then, since the kernel had chosen it before: it finds
// that nobody counts, and sends the signal to its thread once more.
//
// That would go on for ever if a handler of the program's has called ours, one that was installed over it and goes on
// to what it replaced. So there are several of ours for each signal. Once one was found replaced, it is taken for known
// to the program, and the next one is installed from then on; a signal comes again to a handler of the program's only
// through one that is not known. With the last of them, after 31 times, what comes beside stop() may be lost.
//
// In the child of a fork(), which inherits handler and eventfd, signals count in its own copy; the parent wakes up and
// finds nothing.
#pragma once

#include <signal.h>

#include <array>
#include <cstdint>

namespace gossamer::inline v0::signal {

class dispositions {
 public:
  static constexpr int most = 64;

  static bool can_be_caught(int n) noexcept;
  // Before the first is caught: each signal that is counted adds one to it. It stays open for ever.
  static void write_to(int eventfd) noexcept;

  // Of signal n, by one at a time.
  void catch_it(int n) noexcept;
  // Back to what it did before it was caught or ignored, unless another handler has been installed meanwhile, which
  // stays. What has been counted is still to be taken.
  void restore(int n) noexcept;
  // As restore(), but nothing happens any more when it comes.
  void ignore(int n) noexcept;
  // How many have come and have not been taken yet.
  static std::uint64_t take(int n) noexcept;

 private:
  enum class fate : std::uint8_t { untouched, caught, ignored };
  struct known {
    fate now = fate::untouched;
    struct sigaction before{};  // unless untouched
  };

  known& at(int n) noexcept { return signals_[static_cast<std::size_t>(n - 1)]; }
  static struct sigaction give_back(int n, const struct sigaction& next) noexcept;

  std::array<known, most> signals_;
};

}  // namespace gossamer::inline v0::signal
