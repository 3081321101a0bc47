// http_probe: a request in a line, and its answer in another.
#pragma once

#include <gossamer/http/test.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

// `GET /path|Field: value|Field: value`
inline gossamer::http::request probe_request(std::string_view line) {
  const auto next = [&line](char end) {
    const std::size_t n = std::min(line.find(end), line.size());
    const std::string_view part = line.substr(0, n);
    line.remove_prefix(std::min(n + 1, line.size()));
    return part;
  };
  const std::string_view method = next(' ');
  gossamer::http::request r = gossamer::http::test::new_request(method, next('|'));
  while (!line.empty()) {
    const std::string_view name = next(':');
    line.remove_prefix(1);
    r.header.add(name, next('|'));
  }
  return r;
}

// `206 AR; len 1; range bytes 0-0/10; text; LM`: the status and the fields in their order, of which those that are
// usual are shortened. Random boundaries are `BOUNDARY`.
inline std::string probe_answer(const gossamer::http::test::recorder& rec) {
  constexpr std::pair<std::string_view, std::string_view> shorter[] = {
      {"Accept-Ranges: bytes", "AR"},
      {"Content-Length: ", "len "},
      {"Content-Range: ", "range "},
      {"Content-Type: text/html; charset=utf-8", "html"},
      {"Content-Type: text/plain; charset=utf-8", "text"},
      {"Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT", "LM"},
      {"Location: ", "to "},
      {"X-Content-Type-Options: nosniff", "nosniff"},
  };
  std::vector<std::string> fields;
  for (const auto& f : rec.sent()) {
    fields.push_back(f.name + ": " + f.value);
  }
  std::ranges::sort(fields);
  std::string all = std::to_string(rec.code);
  for (std::string& f : fields) {
    for (const auto& [full, brief] : shorter) {
      if (f.starts_with(full)) {
        f.replace(0, full.size(), brief);
      }
    }
    (all += all.size() == 3 ? " " : "; ") += f;
  }
  return all;
}

// With BOUNDARY for the boundary that the answer's type names.
inline std::string without_boundary(const gossamer::http::test::recorder& rec, std::string text) {
  const std::string_view type = rec.sent().get("Content-Type");
  const auto at = type.find("boundary=");
  if (at != type.npos) {
    const std::string boundary(type.substr(at + 9));
    for (auto i = text.find(boundary); i != text.npos; i = text.find(boundary, i)) {
      text.replace(i, boundary.size(), "BOUNDARY");
    }
  }
  return text;
}

}  // namespace support
