// Reading token by token.
#include <gossamer/gossamer.hpp>
#include <gossamer/io.hpp>
#include <gossamer/os/file.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <cstdlib>
#include <string>

#include "measure.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using namespace gossamer;

// Lines as a server logs them: of 20 to 104 bytes, 62 on average, with their end. Both sides write the same.
std::string lines(long n) {
  std::string text;
  for (long i = 0; i < n; ++i) {
    text.append(static_cast<std::size_t>(19 + i * 37 % 85), static_cast<char>('a' + i % 26));
    text += '\n';
  }
  return text;
}

void check(const error& err) {
  if (err) {
    panic(err);
  }
}

// A file that has no name any more, and of which every byte is in the page cache.
os::file file_of(const std::string& text) {
  char path[] = "/tmp/bench-lines-XXXXXX";
  const int fd = mkstemp(path);
  if (fd < 0) {
    panic("bench: no temporary file");
  }
  ::close(fd);
  const auto [f, failed] = os::open_file(path, O_RDWR, 0600);
  ::unlink(path);
  check(failed);
  check(f.write(text).second);
  check(f.seek(0, os::seek_from::start).second);
  return f;
}

// By the CPU's time, since nothing waits here: other processes do not change it.
figure scan_lines(long count) {
  const std::string text = lines(count);
  const os::file f = file_of(text);
  io::scanner s(f);
  long seen = 0;
  std::size_t bytes = 0;
  const double start = cpu_milliseconds();
  while (s.scan()) {
    ++seen;
    bytes += s.text().size() + 1;
  }
  const double milliseconds = cpu_milliseconds() - start;
  check(s.err());
  if (seen != count || bytes != text.size()) {
    panic("bench: lines were lost");
  }
  return {static_cast<double>(bytes) / 1e3 / milliseconds};
}

constexpr row rows[] = {
    {"scan_lines", "MB/s", 1'613'000, 50'000, scan_lines},
};

}  // namespace

std::span<const row> scanning_rows() { return rows; }

}  // namespace bench
