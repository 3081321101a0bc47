// fmt: see gossamer/fmt.hpp.
#include "gossamer/fmt.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <ios>
#include <sstream>
#include <system_error>

#include "gossamer/io_errors.hpp"

namespace gossamer::inline v0::fmt::detail {

namespace {

// Source: Go's strconv.FormatFloat(n, 'g', -1, bits): shortest digits have an exponent from 6 on, however many they
// are.
template <class N>
void append_shortest(std::string& to, N n) {
  if (std::isnan(n)) {
    to += "NaN";
    return;
  }
  if (std::isinf(n)) {
    to += n < 0 ? "-Inf" : "+Inf";
    return;
  }
  char digits[64];
  const auto scientific = std::to_chars(digits, digits + sizeof digits, n, std::chars_format::scientific);
  assert(scientific.ec == std::errc());
  const std::string_view text(digits, static_cast<std::size_t>(scientific.ptr - digits));
  const char* exponent_text = digits + text.rfind('e') + 1;
  int exponent = 0;
  std::from_chars(exponent_text + (*exponent_text == '+' ? 1 : 0), scientific.ptr, exponent);
  if (exponent < -4 || exponent >= 6) {
    to += text;
    return;
  }
  const auto fixed = std::to_chars(digits, digits + sizeof digits, n, std::chars_format::fixed);
  assert(fixed.ec == std::errc());
  to.append(digits, fixed.ptr);
}

void append_padded(std::string& to, std::uint64_t n, std::size_t digits) {
  const std::string text = std::to_string(n);
  to.append(digits > text.size() ? digits - text.size() : 0, '0');
  to += text;
}

// What a write to a pipe that nobody reads does to a process by default. Workers block the signal that the kernel sent
// with the error; `program | head` shall end all the same. Source: Go's os/signal, SIGPIPE.
void end_if_unread(std::FILE* to, int failed) {
  const int number = ::fileno(to);
  struct sigaction now{};
  if (failed != EPIPE || (number != STDOUT_FILENO && number != STDERR_FILENO) ||
      ::sigaction(SIGPIPE, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) {
    return;
  }
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  ::raise(SIGPIPE);
}

error error_of(int code) { return std::error_code(code, std::generic_category()); }

}  // namespace

void append(std::string& to, double n) { append_shortest(to, n); }
void append(std::string& to, float n) { append_shortest(to, n); }

void append_address(std::string& to, const void* p) {
  if (p == nullptr) {
    to += "<nil>";
    return;
  }
  char digits[2 * sizeof p];
  const auto end = std::to_chars(digits, digits + sizeof digits, reinterpret_cast<std::uintptr_t>(p), 16);
  assert(end.ec == std::errc());
  to += "0x";
  to.append(digits, end.ptr);
}

// Source: Go's Time.String.
void append_wall(std::string& to, std::chrono::seconds since_epoch, std::chrono::nanoseconds rest) {
  const std::time_t seconds = since_epoch.count();
  std::tm tm{};
  ::localtime_r(&seconds, &tm);
  const long long year = tm.tm_year + 1900LL;
  const auto part = [&](int n, char after) {
    append_padded(to, static_cast<std::uint64_t>(n), 2);
    to += after;
  };
  to += year < 0 ? "-" : "";
  append_padded(to, static_cast<std::uint64_t>(year < 0 ? -year : year), 4);
  to += '-';
  part(tm.tm_mon + 1, '-');
  part(tm.tm_mday, ' ');
  part(tm.tm_hour, ':');
  part(tm.tm_min, ':');
  part(tm.tm_sec, ' ');
  if (rest.count() != 0) {
    to.pop_back();
    std::string fraction;
    gossamer::detail::append_decimal(fraction, static_cast<std::uint64_t>(rest.count()), 9);
    to += fraction.substr(1);  // of 0.5
    to += ' ';
  }
  const long minutes = std::labs(tm.tm_gmtoff) / 60;
  to += tm.tm_gmtoff < 0 ? '-' : '+';
  append_padded(to, static_cast<std::uint64_t>(minutes / 60), 2);
  append_padded(to, static_cast<std::uint64_t>(minutes % 60), 2);
  to += ' ';
  const std::string_view zone = tm.tm_zone != nullptr ? tm.tm_zone : "";
  to += zone == "GMT" && tm.tm_gmtoff == 0 ? std::string_view("UTC") : zone;
}

void append_monotonic(std::string& to, std::chrono::nanoseconds since_start) {
  const std::int64_t n = since_start.count();
  to += n < 0 ? "m=-" : "m=+";
  gossamer::detail::append_decimal(to, n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n), 9);
}

void append_streamed(std::string& to, void (*put)(std::ostream& to, const void* v), const void* v) {
  std::ostringstream stream;
  stream << std::boolalpha;
  put(stream, v);
  to += stream.view();
}

io::result write(std::FILE* to, std::string_view text) {
  ::flockfile(to);
  errno = 0;
  const std::size_t n = std::fwrite(text.data(), 1, text.size(), to);
  const bool out = n == text.size() && std::fflush(to) == 0;
  const int failed = errno;
  ::funlockfile(to);
  if (out) {
    return {n, nullptr};
  }
  end_if_unread(to, failed);
  return {0, failed != 0 ? error_of(failed) : error(io::short_write)};
}

io::result write(std::ostream& to, std::string_view text) {
  if (to.write(text.data(), static_cast<std::streamsize>(text.size()))) {
    return {text.size(), nullptr};
  }
  return {0, std::make_error_code(std::errc::io_error)};
}

}  // namespace gossamer::inline v0::fmt::detail
