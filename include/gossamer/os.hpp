// os: the operating system.
// Source: Go's package os.
#pragma once

#include "io_errors.hpp"  // IWYU pragma: export
