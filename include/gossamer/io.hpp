// io: what everything that is read from or written to has in common.
// Source: Go's package io.
#pragma once

#include "io_errors.hpp"  // IWYU pragma: export
