// unwind_row: see unwind_row.hpp.
#include "machine/unwind_row.hpp"

#include <array>
#include <cstring>

#include "machine/byte_reader.hpp"

#if defined(__x86_64__)

// Of the unwinder in the C++ runtime (libgcc's unwind-dw2-fde.h; LLVM's has it too): the description of the function
// that has `pc`, or null.
extern "C" {
struct gossamer_function_bases {
  void* text;
  void* data;
  void* function;
};
const void* gossamer_find_function(void* pc, gossamer_function_bases* bases) __asm__("_Unwind_Find_FDE");
}

namespace gossamer::inline v0::machine {

namespace {

constexpr std::uint64_t way_back = 16;  // the number of its register

// A common entry, or that of a function: what lies behind its length. Null in both: not to be read.
byte_reader entry_at(const std::byte* at) noexcept {
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, at, sizeof bytes);
  constexpr std::uint32_t has_64_bits = 0xffffffff;
  return bytes == has_64_bits ? byte_reader(nullptr, nullptr)
                              : byte_reader(at + sizeof bytes, at + sizeof bytes + bytes);
}

// How many bytes an address takes that is written so; 0: not known.
unsigned bytes_of(unsigned encoding) noexcept {
  switch (encoding & 0x0fU) {
    case 0x0:
    case 0x4:
    case 0xc:
      return 8;
    case 0x2:
    case 0xa:
      return 2;
    case 0x3:
    case 0xb:
      return 4;
    default:
      return 0;
  }
}

// What the functions of a common entry share.
struct common {
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  unsigned encoding = 0;
  byte_reader instructions{nullptr, nullptr};
  bool understood = false;
};

common common_at(const std::byte* at) noexcept {
  common all;
  byte_reader r = entry_at(at);
  r.fixed<std::uint32_t>();  // 0
  const auto version = r.fixed<std::uint8_t>();
  std::array<char, 8> more{};
  for (std::size_t i = 0; i < more.size(); ++i) {
    more[i] = static_cast<char>(r.fixed<std::uint8_t>());
    if (more[i] == 0) {
      break;
    }
  }
  all.code_unit = r.unsigned_leb();
  all.data_unit = r.signed_leb();
  const std::uint64_t back = version == 1 ? r.fixed<std::uint8_t>() : r.unsigned_leb();
  if (more[0] != 'z' || more.back() != 0 || back != way_back || (version != 1 && version != 3)) {
    return all;
  }
  const std::uint64_t bytes = r.unsigned_leb();
  byte_reader described = r;
  for (std::size_t i = 1; more[i] != 0; ++i) {
    if (more[i] == 'R') {
      all.encoding = described.fixed<std::uint8_t>();
    } else if (more[i] == 'L') {
      described.skip(1);
    } else if (more[i] == 'P') {
      const unsigned size = bytes_of(described.fixed<std::uint8_t>());
      described.skip(size);
      if (size == 0) {
        return all;
      }
    } else {
      return all;  // a signal's frame, among others
    }
  }
  r.skip(bytes);
  all.instructions = r;
  all.understood = r.sound() && described.sound();
  return all;
}

// Interprets instructions, up to the row for `target`.
class table {
 public:
  table(const common& shared, std::uint64_t begin, std::uint64_t target) noexcept
      : shared_(shared), at_(begin), target_(target) {}

  // False: there is something in them that is not understood.
  bool run(byte_reader r) noexcept {
    while (!r.at_end() && at_ <= target_) {
      if (!step(r) || !r.sound()) {
        return false;
      }
    }
    return true;
  }
  void remember_initial() noexcept { initial_ = now_; }
  const unwind_row& result() const noexcept { return now_; }

 private:
  bool advance(std::uint64_t delta) noexcept {
    at_ += delta * shared_.code_unit;
    return true;
  }
  bool set(std::uint64_t reg, unwind_row::kept how, std::int64_t at) noexcept {
    if (reg == unwind_row::frame_pointer) {
      now_.frame_pointer_is = how;
      now_.frame_pointer_at = at;
    } else if (reg == way_back) {
      now_.returns = how == unwind_row::kept::in_frame && at == -static_cast<std::int64_t>(sizeof(void*));
    }
    return true;
  }
  bool set_back(std::uint64_t reg) noexcept {
    if (reg == unwind_row::frame_pointer) {
      now_.frame_pointer_is = initial_.frame_pointer_is;
      now_.frame_pointer_at = initial_.frame_pointer_at;
    } else if (reg == way_back) {
      now_.returns = initial_.returns;
    }
    return true;
  }
  bool define(std::uint64_t reg, std::int64_t offset) noexcept {
    now_.base = reg;
    now_.offset = offset;
    return true;
  }

  bool step(byte_reader& r) noexcept {
    const auto code = r.fixed<std::uint8_t>();
    const std::uint64_t low = code & 0x3fU;
    switch (code & 0xc0U) {
      case 0x40:
        return advance(low);
      case 0x80:
        return set(low, unwind_row::kept::in_frame, static_cast<std::int64_t>(r.unsigned_leb()) * shared_.data_unit);
      case 0xc0:
        return set_back(low);
      default:
        return step_extended(code, r);
    }
  }

  bool step_extended(unsigned code, byte_reader& r) noexcept {
    constexpr std::uint64_t nobody = ~std::uint64_t{0};
    switch (code) {
      case 0x00:  // nop
        return true;
      case 0x02:
        return advance(r.fixed<std::uint8_t>());
      case 0x03:
        return advance(r.fixed<std::uint16_t>());
      case 0x04:
        return advance(r.fixed<std::uint32_t>());
      case 0x05: {  // offset_extended
        const std::uint64_t reg = r.unsigned_leb();
        return set(reg, unwind_row::kept::in_frame, static_cast<std::int64_t>(r.unsigned_leb()) * shared_.data_unit);
      }
      case 0x06:  // restore_extended
        return set_back(r.unsigned_leb());
      case 0x07:  // undefined
        return set(r.unsigned_leb(), unwind_row::kept::unknown, 0);
      case 0x08:  // same_value
        return set(r.unsigned_leb(), unwind_row::kept::in_place, 0);
      case 0x0a:  // remember_state
        if (depth_ == states_.size()) {
          return false;
        }
        states_[depth_++] = now_;
        return true;
      case 0x0b:  // restore_state
        if (depth_ == 0) {
          return false;
        }
        now_ = states_[--depth_];
        return true;
      case 0x0c: {  // def_cfa
        const std::uint64_t reg = r.unsigned_leb();
        return define(reg, static_cast<std::int64_t>(r.unsigned_leb()));
      }
      case 0x0d:  // def_cfa_register
        return define(r.unsigned_leb(), now_.offset);
      case 0x0e:  // def_cfa_offset
        return define(now_.base, static_cast<std::int64_t>(r.unsigned_leb()));
      case 0x0f:  // def_cfa_expression
        r.skip(r.unsigned_leb());
        return define(nobody, 0);
      case 0x10:    // expression
      case 0x16: {  // val_expression
        const std::uint64_t reg = r.unsigned_leb();
        r.skip(r.unsigned_leb());
        return set(reg, unwind_row::kept::unknown, 0);
      }
      case 0x2e:  // GNU_args_size
        r.unsigned_leb();
        return true;
      default:
        return false;
    }
  }

  const common& shared_;
  std::uint64_t at_;
  const std::uint64_t target_;
  unwind_row now_;
  unwind_row initial_;
  std::array<unwind_row, 8> states_;
  std::size_t depth_ = 0;
};

}  // namespace

unwind_row unwind_row_at(std::uintptr_t place) noexcept {
  unwind_row unknown;
  gossamer_function_bases bases{};
  const auto* const found =
      static_cast<const std::byte*>(gossamer_find_function(reinterpret_cast<void*>(place), &bases));
  if (found == nullptr) {
    return unknown;
  }
  unknown.function = bases.function;
  byte_reader r = entry_at(found);
  const std::byte* const delta_at = r.place();
  const auto delta = r.fixed<std::uint32_t>();
  if (!r.sound()) {
    return unknown;
  }
  const common shared = common_at(delta_at - delta);
  const unsigned size = bytes_of(shared.encoding);
  if (!shared.understood || size == 0) {
    return unknown;
  }
  r.skip(std::uint64_t{2} * size);  // where the function is
  r.skip(r.unsigned_leb());
  table all(shared, reinterpret_cast<std::uintptr_t>(bases.function), place);
  if (!r.sound() || !all.run(shared.instructions)) {
    return unknown;
  }
  all.remember_initial();
  if (!all.run(r)) {
    return unknown;
  }
  unwind_row row = all.result();
  row.function = bases.function;
  return row;
}

}  // namespace gossamer::inline v0::machine

#endif
