// memory_name: names an anonymous mapping in /proc/self/maps, where the kernel can (CONFIG_ANON_VMA_NAME).
#pragma once

#include <cstddef>

namespace gossamer::inline v0::machine {

void name_memory(void* begin, std::size_t bytes, const char* name) noexcept;

}  // namespace gossamer::inline v0::machine
