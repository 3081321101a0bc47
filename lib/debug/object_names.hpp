// object_names: which names objects have at the moment. See gossamer/debug.hpp, object_name.
#pragma once

#include <string>

namespace gossamer::inline v0::debug {

// Empty for none. Takes a lock and allocates: not while a fiber is held.
std::string name_of_object(const void* address);

}  // namespace gossamer::inline v0::debug
