// header: see header.hpp.
#include "fiber/header.hpp"

#include <algorithm>
#include <cstdio>

#include "fiber/locals.hpp"

namespace gossamer::inline v0::frames {

namespace {

void append_label_part(std::string& to, const std::string& part) {
  const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '/' ||
           c == '_';
  });
  to += plain ? part : in_quotes(part);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (all += '\\') += c;
    } else if (c == '\n') {
      all += "\\n";
    } else if (c == '\t') {
      all += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(c));
      all += hex;
    } else {
      all += c;
    }
  }
  return all + "\"";
}

std::string header(std::uint64_t id, std::string_view name, std::string_view status,
                   const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string text = "fiber " + std::to_string(id);
  text += name.empty() ? "" : " " + in_quotes(name);
  ((text += " [") += status) += "]";
  const char* before = " {";
  for (const auto& [key, value] : labels) {
    text += before;
    append_label_part(text, key);
    text += ": ";
    append_label_part(text, value);
    before = ", ";
  }
  text += labels.empty() ? ":\n" : "}:\n";
  return text;
}

std::string header(const fiber& f, std::string_view status) {
  const detail::local_table* const known = f.has(detail::mark::locals) ? f.locals : nullptr;
  const std::string_view name = known != nullptr && known->name != nullptr ? *known->name : std::string_view();
  // relaxed: its own, or it stands still.
  return header(f.id.load(std::memory_order_relaxed), name, status,
                known != nullptr && known->labels != nullptr ? known->labels->all
                                                             : std::vector<std::pair<std::string, std::string>>());
}

}  // namespace gossamer::inline v0::frames
