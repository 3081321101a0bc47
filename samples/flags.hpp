// flags: a program's arguments, `--name value`, as the samples that serve have them.
#pragma once

#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

// A number is at least 1.
struct flag {
  std::string_view name;
  std::variant<std::string*, int*, std::optional<int>*> value;
};

inline bool read_value(std::string_view text, std::string& to) {
  to = text;
  return true;
}

inline bool read_value(std::string_view text, int& to) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), to);
  return problem == std::errc() && end == text.data() + text.size() && to >= 1;
}

inline bool read_value(std::string_view text, std::optional<int>& to) { return read_value(text, to.emplace()); }

// False if there is anything but flags with their values.
inline bool parse_flags(int argc, char** argv, std::initializer_list<flag> known) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) return false;
    bool good = false;
    for (const flag& f : known) {
      if (f.name == argv[i]) good = std::visit([&](auto* to) { return read_value(argv[i + 1], *to); }, f.value);
    }
    if (!good) return false;
  }
  return true;
}
